package import Foundation
import ModelGraph
package import ModelImport
import NumericFormats
import WorkloadCatalog

/// An encoder in the manner of BERT with real weights: a safetensors file and the configuration
/// beside it, as Hugging Face's libraries write them.
package struct EncoderModel: Sendable {
  /// The weights' file in messages.
  package var path: String { weights.path }
  private let weights: SafetensorsFile
  private let architecture: ModelArchitecture
  /// What stands before the names of all weights.
  private let prefix: String

  /// The fields of `config.json` that say how a model is put together.
  private struct Configuration: Decodable {
    var modelType: String
    var hiddenAct: String
    var hiddenSize: Int
    var intermediateSize: Int
    var layerNormEps: Double
    var maxPositionEmbeddings: Int
    var numAttentionHeads: Int
    var numHiddenLayers: Int
    var typeVocabSize: Int
    var vocabSize: Int
  }

  /// Reads `url` and `config.json` beside it. Throws `unreadable`, `damaged` and `unsupported`.
  package init(contentsOf url: URL, shownAs path: String) throws(ImportError) {
    weights = try SafetensorsFile(contentsOf: url, shownAs: path)
    let beside = url.deletingLastPathComponent().appendingPathComponent("config.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let data = try? Data(contentsOf: beside) else {
      throw .unreadable(
        path: path, reason: "no config.json beside it says how a model of BERT's kind is built")
    }
    let config: Configuration
    do { config = try decoder.decode(Configuration.self, from: data) } catch {
      throw Self.refusal(path, of: "the file beside it", Self.reason(error))
    }
    let sizes = [
      config.hiddenSize, config.intermediateSize, config.maxPositionEmbeddings,
      config.numHiddenLayers, config.typeVocabSize, config.vocabSize,
    ]
    // Enough for any model, and little enough to count its weights.
    guard sizes.allSatisfy({ (1...1 << 24).contains($0) }), config.numHiddenLayers <= 1 << 10 else {
      throw Self.refusal(
        path, of: config.modelType, "a size in it is below 1, or beyond what a model has")
    }
    guard config.modelType == "bert", config.hiddenAct == "gelu",
      config.numAttentionHeads > 0, config.hiddenSize % config.numAttentionHeads == 0
    else {
      throw Self.refusal(
        path, of: config.modelType,
        "only BERT with gelu and heads that divide its width is built here")
    }
    let name = url.deletingPathExtension().lastPathComponent
    architecture = .encoder(
      name, source: path, hidden: config.hiddenSize, layers: config.numHiddenLayers,
      heads: config.numAttentionHeads, feedForward: config.intermediateSize,
      vocabulary: config.vocabSize, positions: config.maxPositionEmbeddings,
      segments: config.typeVocabSize, epsilon: config.layerNormEps)
    prefix = weights.names.contains { $0.hasPrefix("bert.") } ? "bert." : ""
  }

  private static func refusal(
    _ path: String, of operation: String, _ reason: String
  ) -> ImportError {
    .unsupported(
      path: path,
      nodes: [UnsupportedNode(node: "config.json", operation: operation, reason: reason)])
  }

  /// What a configuration lacks, in the file's own words.
  private static func reason(_ error: any Error) -> String {
    func written(_ key: any CodingKey) -> String {
      "'" + key.stringValue.map { $0.isUppercase ? "_\($0.lowercased())" : "\($0)" }.joined() + "'"
    }
    switch error as? DecodingError {
    case .keyNotFound(let key, _)?:
      return "it has no \(written(key)), without which nobody knows how the model is built"
    case .typeMismatch(_, let context)?, .valueNotFound(_, let context)?:
      guard let key = context.codingPath.last else { return "it is no JSON object" }
      return "\(written(key)) is no value of its kind"
    default: return "it is no JSON object"
    }
  }

  /// The model for the tokens that are given, `[sequences, tokens]`, all of one length.
  ///
  /// Throws `unknownName`, `badInput`, and `damaged` for weights that are missing or misshapen.
  package func imported(_ options: ImportOptions) throws(ImportError) -> ImportedModel {
    let tokens = try tokens(options)
    let (batch, length) = (tokens.shape.rowCount, tokens.shape.columnCount)
    let parameters = DecoderParameters(
      architecture: architecture, phase: .encode, batch: batch, tokens: length, context: length)
    do {
      let built = try EncoderGraphs(parameters, format: options.precision)
        .model(named: architecture.name)
      var graph = Graph(name: built.name)
      for function in built.functions { try graph.add(function: function) }
      for tensor in built.tensors {
        var filled = tensor
        if tensor.role.isGiven {
          let view = try value(of: tensor.name, tokens, options)
          filled.fill = .values(TensorConstant(try view.reshaped(tensor.shape)))
        }
        try graph.declare(filled)
      }
      for node in built.nodes { graph.append(node) }
      let output = graph.outputTensors[0]
      var outputs = [ImportedOutput(name: "hidden", tensor: output.name)]
      if options.foldsInputs {
        outputs = [ImportedOutput(name: "hidden", constant: try Self.reference(graph, output.name))]
      }
      return ImportedModel(
        graph: graph, outputs: outputs, nodeCount: graph.nodes.count, foldedCount: 0,
        frozenInputs: [], operators: ["Call": graph.nodes.count])
    } catch let error as ImportError { throw error } catch let error as GraphError {
      throw .graph(path: path, error: error)
    } catch { throw .unreadable(path: path, reason: "\(error)") }
  }

  /// The graph's value in float64, from what it is given.
  private static func reference(_ graph: Graph, _ output: String) throws(GraphError)
    -> TensorView?
  {
    var given: [String: TensorView] = [:]
    for tensor in graph.givenTensors {
      if case .values(let constant) = tensor.fill { given[tensor.name] = constant.view }
    }
    return try Float64Interpreter.evaluate(graph, given: given)[output]
  }

  private func tokens(_ options: ImportOptions) throws(ImportError) -> TensorView {
    for name in options.inputs.keys.sorted() where !["tokens", "segments"].contains(name) {
      throw .unknownName(what: "input", name: name, known: ["tokens", "segments"])
    }
    for name in options.dimensions.keys.sorted() {
      throw .unknownName(what: "open dimension", name: name, known: [])
    }
    guard let tokens = options.inputs["tokens"] else {
      throw .badInput(
        name: "tokens", reason: "an encoder needs them; give --input tokens=FILE.npy")
    }
    guard tokens.type.isInteger, (1...2).contains(tokens.shape.rank), tokens.count > 0,
      tokens.shape.columnCount <= architecture.positions
    else {
      throw .badInput(
        name: "tokens",
        reason: "they are whole numbers [sequences, tokens], at most "
          + "\(architecture.positions) tokens long, not \(tokens.type.name) \(tokens.shape)")
    }
    if let batch = options.batch, batch != tokens.shape.rowCount {
      throw .badInput(
        name: "tokens", reason: "--batch \(batch) contradicts the value given, \(tokens.shape)")
    }
    let outside = tokens.integerValues.first { !(0..<Int64(architecture.vocabulary)).contains($0) }
    if let outside {
      throw .badInput(
        name: "tokens", reason: "the vocabulary of \(architecture.vocabulary) has no \(outside)")
    }
    return tokens
  }

  /// What a given tensor of the graph holds.
  private func value(of name: String, _ tokens: TensorView, _ options: ImportOptions) throws
    -> TensorView
  {
    switch name {
    case "tokens": return try Self.numbers(tokens.integerValues)
    case "positions":
      let length = tokens.shape.columnCount
      return try Self.numbers((0..<tokens.count).map { Int64($0 % length) })
    case "segments":
      guard let given = options.inputs["segments"] else {
        return try Self.numbers([Int64](repeating: 0, count: tokens.count))
      }
      let known = 0..<Int64(architecture.segments)
      guard given.shape == tokens.shape, given.integerValues.allSatisfy(known.contains) else {
        throw ImportError.badInput(
          name: "segments", reason: "they are one of \(known) for each token")
      }
      return try Self.numbers(given.integerValues)
    default: break
    }
    let stored = prefix + EncoderWeight.name(of: name)
    guard let view = try weights.view(stored) else {
      throw ImportError.damaged(
        path: path, reason: "there is no tensor '\(stored)'", what: .safetensors)
    }
    guard EncoderWeight.isTransposed(name), view.shape.rank == 2 else { return view }
    let turned = TensorShape([view.shape[1], view.shape[0]])
    return try view.picked(IndexMap.transposed(view.shape, [1, 0]), shape: turned)
  }

  private static func numbers(_ values: [Int64]) throws(GraphError) -> TensorView {
    try TensorView(integers: values, shape: [values.count], type: .int32)
  }
}

/// How the encoder graph's weights are called in files of Hugging Face's BERT.
enum EncoderWeight {
  private static let parts = [
    "query": "attention.self.query", "key": "attention.self.key",
    "value": "attention.self.value", "attention_output": "attention.output.dense",
    "wide": "intermediate.dense", "narrow": "output.dense", "middle": "attention.output.LayerNorm",
    "y": "output.LayerNorm",
  ]

  /// The file's name of a tensor that the graph is given, such as `layer0.w_query`.
  static func name(of tensor: String) -> String {
    switch tensor {
    case "token_embedding": return "embeddings.word_embeddings.weight"
    case "position_embedding": return "embeddings.position_embeddings.weight"
    case "segment_embedding": return "embeddings.token_type_embeddings.weight"
    case "embedded_scale": return "embeddings.LayerNorm.weight"
    case "embedded_bias": return "embeddings.LayerNorm.bias"
    default: break
    }
    let pieces = tensor.split(separator: ".", maxSplits: 1).map(String.init)
    guard pieces.count == 2 else { return tensor }
    let layer = "encoder.layer.\(pieces[0].dropFirst("layer".count))."
    let own = pieces[1]
    if own.hasPrefix("w_") || own.hasPrefix("b_") {
      let part = parts[String(own.dropFirst(2))] ?? own
      return layer + part + (own.hasPrefix("w_") ? ".weight" : ".bias")
    }
    for (ending, kind) in [("_scale", ".weight"), ("_bias", ".bias")] where own.hasSuffix(ending) {
      return layer + (parts[String(own.dropLast(ending.count))] ?? own) + kind
    }
    return tensor
  }

  /// True for matrices, which the file keeps as [outputs, inputs] and the graph the other way.
  static func isTransposed(_ tensor: String) -> Bool { tensor.contains(".w_") }
}
