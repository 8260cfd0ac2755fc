import Foundation
import ModelGraph
import WorkloadCatalog

/// Examples of a training: a row of numbers for each input of the graph and each example.
struct LabelledExamples {
  /// One input of the graph.
  struct Column {
    /// The input's name.
    let name: String
    /// Numbers per example.
    let width: Int
    /// Numbers, example after example.
    var values: [Float]
  }

  /// Inputs; one of them is called `labels`.
  let columns: [Column]
  /// Examples.
  let count: Int
  /// The text whose windows they are, symbol by symbol; empty for examples without an order.
  private let text: [Int]
  private let seed: UInt64

  private init(_ columns: [Column], count: Int, text: [Int] = [], seed: UInt64 = 0) {
    self.columns = columns
    self.count = count
    self.text = text
    self.seed = seed
  }

  /// Reads or draws the examples of a task.
  ///
  /// - Parameter root: the folder of workloads.
  /// - Throws: `RunnerError.badInput` that names file, line and what was expected.
  init(_ task: TrainingTask, root: String, seed: UInt64) throws(RunnerError) {
    switch task {
    case .digits(let task): try self.init(pictures: task, at: "\(root)/\(task.data)")
    case .clicks(let task): self.init(clicks: task, seed: seed)
    case .text(let task): try self.init(text: task, at: "\(root)/\(task.data)", seed: seed)
    }
  }

  /// Cuts a text into windows; the label of each byte is the byte behind it.
  private init(text task: TextTask, at path: String, seed: UInt64) throws(RunnerError) {
    let bytes: Data
    do { bytes = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
      throw .badInput("cannot read the text in \(path): \(error.localizedDescription)")
    }
    if let place = bytes.firstIndex(where: { $0 >= task.vocabulary }) {
      throw .badInput(
        "\(path): byte \(place) is \(bytes[place]); the vocabulary ends before "
          + "\(task.vocabulary)")
    }
    let count = max(0, bytes.count - 1) / task.context
    let text = bytes.prefix(count * task.context + 1).map(Int.init)
    self.init(
      [
        Column(name: "tokens", width: task.context, values: text.dropLast().map(Float.init)),
        Column(name: "labels", width: task.context, values: text.dropFirst().map(Float.init)),
      ], count: count, text: text, seed: seed)
  }

  /// Reads lines of whole numbers: the pixels, then the class.
  private init(pictures task: DigitsTask, at path: String) throws(RunnerError) {
    let text: String
    do { text = try String(contentsOfFile: path, encoding: .utf8) } catch {
      throw .badInput("cannot read the examples in \(path): \(error.localizedDescription)")
    }
    let width = task.features
    var pixels: [Float] = []
    var labels: [Float] = []
    for (number, line) in text.split(separator: "\n").enumerated() {
      let fields = line.split(separator: ",")
      let numbers = fields.compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
      guard numbers.count == width + 1, numbers.count == fields.count,
        (0..<task.classes).contains(numbers[width])
      else {
        throw .badInput(
          "\(path):\(number + 1): expected \(width) whole numbers and a class below "
            + "\(task.classes)")
      }
      pixels += numbers.prefix(width).map { Float(Double($0) / task.featureScale) }
      labels.append(Float(numbers[width]))
    }
    self.init(
      [
        Column(name: "x", width: width, values: pixels),
        Column(name: "labels", width: 1, values: labels),
      ], count: labels.count)
  }

  /// Draws values by their power laws, and clicks by a factorisation machine with seeded numbers.
  private init(clicks task: ClickTask, seed: UInt64) {
    let fields = task.counts.count
    let draws = SeededGenerator(seed: seed, stream: "click values")
    let chances = SeededGenerator(seed: seed, stream: "clicks")
    let truth = SeededGenerator(seed: seed, stream: "click law")
    let starts = task.counts.indices.map { task.counts[..<$0].reduce(0, +) }
    var ids: [Float] = []
    var logits: [Double] = []
    for example in 0..<task.examples {
      let rows = (0..<fields).map { field in
        starts[field]
          + draws.powerLaw(
            task.counts[field], exponent: task.exponent, at: example * fields + field)
      }
      ids += rows.map(Float.init)
      logits.append(Self.score(rows, task, truth))
    }
    let mean = logits.reduce(0, +) / Double(max(1, logits.count))
    let squares = logits.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = (squares / Double(max(1, logits.count))).squareRoot()
    let labels = logits.enumerated().map { example, logit -> Float in
      let scaled = (logit - mean) / deviation * task.signal
      return chances.uniform(at: example) < 1 / (1 + exp(-scaled)) ? 1 : 0
    }
    self.init(
      [
        Column(name: "ids", width: fields, values: ids),
        Column(name: "labels", width: 1, values: labels),
      ], count: labels.count)
  }

  /// What a factorisation machine with seeded numbers makes of a combination of rows.
  private static func score(_ rows: [Int], _ task: ClickTask, _ truth: SeededGenerator) -> Double {
    let stride = task.width + 1
    var sum = rows.reduce(0.0) { $0 + truth.normal(at: $1 * stride) }
    for factor in 1...task.width {
      let values = rows.map { truth.normal(at: $0 * stride + factor) }
      let total = values.reduce(0, +)
      sum += (total * total - values.reduce(0) { $0 + $1 * $1 }) / 2
    }
    return sum
  }

  /// What the examples are to be found to be.
  var labels: [Float] { columns.first { $0.name == "labels" }?.values ?? [] }

  /// The examples at these places, in that order.
  func selecting(_ indices: [Int]) -> LabelledExamples {
    let chosen = columns.map { column in
      Column(
        name: column.name, width: column.width,
        values: indices.flatMap {
          column.values[$0 * column.width..<($0 + 1) * column.width]
        })
    }
    return LabelledExamples(chosen, count: indices.count)
  }

  /// Every `step`-th example is held out; the others train. Of a text the last windows are held
  /// out, and the others are shuffled.
  func split(heldOutEvery step: Int) -> (training: LabelledExamples, heldOut: LabelledExamples) {
    let all = Array(0..<count)
    if text.isEmpty {
      return (
        selecting(all.filter { $0 % step != 0 }), selecting(all.filter { $0 % step == 0 })
      )
    }
    let first = firstHeldOut(every: step)
    let order = SeededGenerator(seed: seed, stream: "order of windows")
    let shuffled = all[..<first].sorted { (order.bits(at: $0), $0) < (order.bits(at: $1), $1) }
    return (selecting(shuffled), selecting(Array(all[first...])))
  }

  private func firstHeldOut(every step: Int) -> Int { count - count / step }

  /// Bits per symbol of the held-out windows under a trigram model of the others. It sees both
  /// symbols before each, across the borders of windows.
  func trigramBits(heldOutEvery step: Int, vocabulary: Int) -> Double {
    let start = firstHeldOut(every: step) * (text.count - 1) / max(1, count) + 1
    return TrigramModel(text[..<start], vocabulary: vocabulary).bits(of: text, from: start)
  }
}
