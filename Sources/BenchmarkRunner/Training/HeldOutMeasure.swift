import Foundation
package import Results
package import WorkloadCatalog

/// What the outputs for held-out examples are worth: a share between 0 and 1, or bits of a byte.
package struct HeldOutMeasure {
  /// The measure's name in a result's metrics.
  package let name: String
  /// Its name for people.
  package let title: String
  /// Which way it improves.
  package let better: MetricDirection
  private let task: TrainingTask

  /// The measure of a task.
  package init(_ task: TrainingTask) {
    self.task = task
    switch task {
    case .digits: (name, title) = ("accuracy", "held-out accuracy")
    case .clicks: (name, title) = ("auc", "held-out area under the curve")
    case .text: (name, title) = ("bits_per_byte", "held-out bits per byte")
    }
    if case .text = task { better = .lower } else { better = .higher }
  }

  /// True when a value is worth what is wanted: at least a share, or less than some bits.
  package func isReached(_ value: Double, _ limit: Double) -> Bool {
    better == .lower ? value < limit : value >= limit
  }

  /// The best of some values; there is one.
  func best(_ values: [Double]) -> Double {
    (better == .lower ? values.min() : values.max()) ?? .nan
  }

  /// Values as a metric: in percent if they are shares. `key` is the metric's name.
  func metric(_ values: [Double]) -> (key: String, metric: Metric) {
    let best = best(values)
    if better == .lower {
      return (
        "held_out_\(name)",
        .curve(values.map { MetricValue($0) }, value: MetricValue(best), unit: "bits", better)
      )
    }
    return (
      "\(name)_percent",
      .curve(
        values.map { MetricValue(100 * $0) }, value: MetricValue(100 * best), unit: "percent",
        better)
    )
  }

  /// Outputs per example.
  var width: Int {
    switch task {
    case .digits(let digits): digits.classes
    case .clicks: 1
    case .text(let text): text.context * text.vocabulary
    }
  }

  /// The measure of these outputs.
  package func value(_ outputs: [Float], labels: [Float]) -> Double {
    switch task {
    case .digits: accuracy(outputs, labels)
    case .clicks: Self.areaUnderCurve(outputs, labels)
    case .text(let text): Self.bits(outputs, labels, classes: text.vocabulary)
    }
  }

  /// The mean of −log₂ of the chance that a softmax gives to what came.
  package static func bits(_ outputs: [Float], _ labels: [Float], classes: Int) -> Double {
    var sum = 0.0
    for (index, label) in labels.enumerated() {
      let row = outputs[index * classes..<(index + 1) * classes]
      let largest = Double(row.max() ?? 0)
      let total = row.reduce(0.0) { $0 + exp(Double($1) - largest) }
      sum += largest + log(total) - Double(row[row.startIndex + Int(label)])
    }
    return sum / Double(max(1, labels.count)) / log(2)
  }

  /// The share of examples whose largest output is that of their class.
  private func accuracy(_ outputs: [Float], _ labels: [Float]) -> Double {
    let right = labels.indices.count { example in
      let row = outputs[example * width..<(example + 1) * width]
      let best = row.indices.max { row[$0] < row[$1] } ?? row.startIndex
      return Float(best - row.startIndex) == labels[example]
    }
    return Double(right) / Double(labels.count)
  }

  /// The share of pairs of a positive and a negative example that the outputs order rightly; a tie
  /// is half right. One half when either kind is missing.
  package static func areaUnderCurve(_ outputs: [Float], _ labels: [Float]) -> Double {
    let order = outputs.indices.sorted { outputs[$0] < outputs[$1] }
    let positives = labels.count { $0 > 0.5 }
    let negatives = labels.count - positives
    guard positives > 0, negatives > 0 else { return 0.5 }
    var (below, ordered) = (0, 0.0)
    var start = 0
    while start < order.count {
      var end = start
      while end < order.count, outputs[order[end]] == outputs[order[start]] { end += 1 }
      let found = order[start..<end].count { labels[$0] > 0.5 }
      let others = end - start - found
      ordered += Double(found) * (Double(below) + Double(others) / 2)
      below += others
      start = end
    }
    return ordered / (Double(positives) * Double(negatives))
  }
}
