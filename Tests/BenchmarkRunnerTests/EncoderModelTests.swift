import BenchmarkRunner
import Foundation
import ModelGraph
import ModelImport
import Testing

/// Encoders from weights in a file.
@Suite struct EncoderModelTests {
  private let config = """
    {"model_type": "bert", "hidden_act": "gelu", "hidden_size": 8, "intermediate_size": 12,
    "layer_norm_eps": 1e-12, "max_position_embeddings": 6, "num_attention_heads": 2,
    "num_hidden_layers": 1, "type_vocab_size": 2, "vocab_size": 11}
    """

  /// Names and shapes of a BERT's weights with one layer.
  private var shapes: [(String, [Int])] {
    let layer = "encoder.layer.0."
    var list = [
      ("embeddings.word_embeddings.weight", [11, 8]),
      ("embeddings.position_embeddings.weight", [6, 8]),
      ("embeddings.token_type_embeddings.weight", [2, 8]),
      (layer + "intermediate.dense.weight", [12, 8]), (layer + "intermediate.dense.bias", [12]),
      (layer + "output.dense.weight", [8, 12]), (layer + "output.dense.bias", [8]),
    ]
    for part in ["self.query", "self.key", "self.value", "output.dense"] {
      list.append((layer + "attention.\(part).weight", [8, 8]))
      list.append((layer + "attention.\(part).bias", [8]))
    }
    for norm in [
      "embeddings.LayerNorm", layer + "attention.output.LayerNorm", layer + "output.LayerNorm",
    ] {
      list += [(norm + ".weight", [8]), (norm + ".bias", [8])]
    }
    return list
  }

  /// A folder with the model's files; the weights of one name are left out.
  private func folder(without missing: String = "") throws -> URL {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("encoder-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var (fields, bytes): ([String], [UInt8]) = ([], [])
    for (name, shape) in shapes where name != missing {
      let start = bytes.count
      for index in 0..<shape.reduce(1, *) {
        let value = Float((index * 7 + name.utf8.count) % 13 - 6) / 10
        for byte in 0..<4 {
          bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * byte)))
        }
      }
      fields.append(
        #""\#(name)": {"dtype": "F32", "shape": \#(shape), "data_offsets": [\#(start), \#(bytes.count)]}"#
      )
    }
    let header = Array("{\(fields.joined(separator: ","))}".utf8)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    try Data(length + header + bytes).write(
      to: folder.appendingPathComponent("model.safetensors"))
    try Data(config.utf8).write(to: folder.appendingPathComponent("config.json"))
    return folder
  }

  private func model(_ folder: URL) throws -> EncoderModel {
    try EncoderModel(
      contentsOf: folder.appendingPathComponent("model.safetensors"), shownAs: "model.safetensors")
  }

  private func options(_ tokens: [Int64], _ shape: TensorShape) throws -> ImportOptions {
    var options = ImportOptions()
    options.inputs["tokens"] = try TensorView(integers: tokens, shape: shape, type: .int64)
    return options
  }

  @Test func runsWithItsWeights() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let options = try options([1, 4, 10, 0, 3, 3], [2, 3])
    let imported = try model(folder).imported(options)
    #expect(imported.outputs.map(\.name) == ["hidden"])
    let word = try #require(imported.graph.tensor("token_embedding"))
    guard case .values(let table) = word.fill else {
      Issue.record("the table holds no values")
      return
    }
    // (index · 7 + length of the name) modulo 13, less 6, in tenths.
    #expect(abs(table.view[1] - Double((7 + 33) % 13 - 6) / 10) < 1e-6)
    // A matrix [outputs, inputs] of the file stands as [inputs, outputs] in the graph.
    let wide = try #require(imported.graph.tensor("layer0.w_wide"))
    guard case .values(let weights) = wide.fill else {
      Issue.record("the matrix holds no values")
      return
    }
    let length = "encoder.layer.0.intermediate.dense.weight".utf8.count
    #expect(wide.shape == [8, 12])
    #expect(abs(weights.view[1] - Double((8 * 7 + length) % 13 - 6) / 10) < 1e-6)
    for report in try GraphExecution(imported.graph).reports {
      #expect(report.passed, "\(report.summary)")
    }
  }

  @Test func badInputIsNamed() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let model = try model(folder)
    for (tokens, shape): ([Int64], TensorShape) in [
      ([11], [1]), ([-1], [1]), ([1, 1, 1, 1, 1, 1, 1], [1, 7]),
    ] {
      let options = try options(tokens, shape)
      #expect(throws: ImportError.self) { try model.imported(options) }
    }
    #expect(throws: ImportError.self) { try model.imported(ImportOptions()) }
    let incomplete = try self.folder(without: "embeddings.LayerNorm.bias")
    defer { try? FileManager.default.removeItem(at: incomplete) }
    let other = try self.model(incomplete)
    let given = try options([1], [1])
    #expect(throws: ImportError.self) { try other.imported(given) }
  }
}
