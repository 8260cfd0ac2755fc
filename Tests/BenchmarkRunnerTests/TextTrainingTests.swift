import BenchmarkRunner
import Foundation
import Hardware
import ModelGraph
import NumericFormats
import Results
import Testing
import WorkloadCatalog

/// A transformer so small that its training takes a moment, on a text of a few lines.
@Suite struct TextTrainingTests {
  /// Five windows, of which the last is held out: one batch is one epoch, whatever its order.
  private static let line = "the cat sat on the mat; the rat sat on the cat."

  private func catalog(precision: String, extra: String = "") throws -> WorkloadCatalog {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent(
      "trnbench-text-\(UUID().uuidString)")
    for folder in ["llm", "data", "suites", "architectures"] {
      try FileManager.default.createDirectory(
        at: root.appendingPathComponent(folder), withIntermediateDirectories: true)
    }
    try Self.line.prefix(41).write(
      to: root.appendingPathComponent("data/line.txt"), atomically: true, encoding: .utf8)
    let text = """
      name: llm/tiny-train
      title: A tiny transformer
      description: For tests.
      version: 1
      kind: training
      default_mode: functional
      default_device: trn2
      precision: \(precision)
      throughput: tokens/s
      source: made up for tests
      training:
        task: text
        data: data/line.txt
        vocabulary: 128
        context: 8
        width: 16
        layers: 1
        heads: 2
        feed_forward: 24
        optimizer: {method: adamw, rate: 0.02, beta1: 0.9, beta2: 0.98, epsilon: 1.0e-6, decay: 0.05}
        batch: 4
        epochs: 12
        held_out_every: 5
        target: trigrams
      \(extra)
      """
    try text.write(
      to: root.appendingPathComponent("llm/tiny-train.yaml"), atomically: true, encoding: .utf8)
    return try WorkloadCatalog(root: root.path)
  }

  private func run(_ catalog: WorkloadCatalog) throws -> [String: Metric] {
    var options = RunOptions(device: .trainium2)
    options.output = URL(fileURLWithPath: catalog.root).appendingPathComponent("results")
    options.checksHazards = true
    return try WorkloadRunner(options: options, catalog: catalog).run(
      try catalog.specification(named: "llm/tiny-train"), progress: { _, _ in },
      isCancelled: { false }
    ).result.metrics
  }

  /// The losses of the same steps in float64.
  private func reference(_ catalog: WorkloadCatalog, steps: Int) throws -> [Double] {
    let graph = try #require(try catalog.specification(named: "llm/tiny-train").graph())
    let codes = Self.line.utf8.map(Double.init)
    var given: [String: TensorView] = [:]
    for tensor in graph.givenTensors {
      let values: [Double] =
        switch tensor.name {
        case "tokens": Array(codes[0..<32])
        case "labels": Array(codes[1..<33])
        default: SeededGenerator.values(of: tensor, seed: 0).map(Double.init)
        }
      given[tensor.name] = try TensorView(values, shape: tensor.shape, type: tensor.type)
    }
    var losses: [Double] = []
    for _ in 0..<steps {
      let found = try Float64Interpreter.evaluate(graph, given: given)
      losses.append(found["loss"]![0])
      for tensor in graph.tensors {
        if let state = tensor.updates { given[state] = found[tensor.name] }
      }
    }
    return losses
  }

  @Test func theLossesAreThoseOfTheSameTrainingInFloat64() throws {
    let catalog = try catalog(precision: "fp32")
    let metrics = try run(catalog)
    let found = try #require(metrics["training_loss"]).samples.map(\.double)
    let expected = try reference(catalog, steps: 12)
    #expect(found.count == 12)
    for (step, (a, b)) in zip(found, expected).enumerated() {
      #expect(abs(a - b) < 1e-4 * b, "step \(step): \(a), expected \(b)")
    }
    #expect(found[11] < found[0] / 2)
    #expect(metrics["held_out_bits_per_byte"]?.samples.count == 12)
  }

  @Test func weightsInBF16AreTrainedByStochasticRounding() throws {
    let catalog = try catalog(precision: "bf16", extra: "  weights: bf16\n  rounding: stochastic")
    let metrics = try run(catalog)
    let found = try #require(metrics["training_loss"]).samples.map(\.double)
    let expected = try reference(catalog, steps: 12)
    // The first step differs by roundings alone, later ones by what became of them.
    #expect(abs(found[0] - expected[0]) < 0.02 * expected[0])
    #expect(found[11] < found[0] / 2)
    #expect(try run(catalog)["training_loss"] == metrics["training_loss"])
    let nearest = try run(try self.catalog(precision: "bf16", extra: "  weights: bf16"))
    #expect(nearest["training_loss"] != metrics["training_loss"])
  }

  @Test func bytesOutsideTheVocabularyAreNamed() throws {
    let catalog = try catalog(precision: "fp32")
    let file = URL(fileURLWithPath: catalog.root).appendingPathComponent("data/line.txt")
    try Data("0123456789é".utf8).write(to: file)
    #expect {
      _ = try run(catalog)
    } throws: { error in
      "\(error)".contains("line.txt: byte 10 is 195; the vocabulary ends before 128")
    }
  }

  /// Counts by hand: behind "ab" came c twice and d once, behind "b" the same.
  @Test func trigramsAreInterpolated() {
    let text = [0, 1, 2, 0, 1, 2, 0, 1, 3]
    let model = TrigramModel(text[...], vocabulary: 8)
    // Unigrams: 9 symbols of 4 kinds, uniform below; 2 came twice.
    let alone = (2 + 4 / 8.0) / (9 + 4)
    let pair = (2 + 2 * alone) / (3 + 2)
    let triple = (2 + 2 * pair) / (3 + 2)
    #expect(abs(model.chance([0, 1, 2][...], at: 2) - triple) < 1e-15)
    // A context that never came leaves all to the shorter one.
    #expect(abs(model.chance([5, 1, 2][...], at: 2) - pair) < 1e-15)
    #expect(abs(model.chance([5, 6, 2][...], at: 2) - alone) < 1e-15)
    let chances = (0..<8).map { model.chance([0, 1, $0][...], at: 2) }
    #expect(abs(chances.reduce(0, +) - 1) < 1e-12)
    let bits = model.bits(of: [5, 0, 1, 2], from: 3)
    #expect(abs(bits + log2(triple)) < 1e-12)
  }

  @Test func bitsOfASoftmax() {
    let text = TextTask(
      data: "", vocabulary: 2, context: 2, width: 2, layers: 1, heads: 1, feedForward: 2)
    let measure = HeldOutMeasure(.text(text))
    // Chances 1/2 and 3/4.
    let bits = measure.value([0, 0, 0, Float(log(3.0))], labels: [0, 1])
    #expect(abs(bits - (1 + log2(4 / 3.0)) / 2) < 1e-6)
    #expect(measure.isReached(2.0, 2.1) && !measure.isReached(2.1, 2.1))
  }
}
