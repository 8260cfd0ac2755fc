package import WorkloadCatalog

/// What the outputs for held-out examples are worth, between 0 and 1.
package struct HeldOutMeasure {
  /// The measure's name in a result's metrics.
  package let name: String
  /// Its name for people.
  package let title: String
  private let task: TrainingTask

  /// The measure of a task.
  package init(_ task: TrainingTask) {
    self.task = task
    switch task {
    case .digits: (name, title) = ("accuracy", "held-out accuracy")
    case .clicks: (name, title) = ("auc", "held-out area under the curve")
    }
  }

  /// Outputs per example.
  var width: Int {
    switch task {
    case .digits(let digits): digits.classes
    case .clicks: 1
    }
  }

  /// The measure of these outputs.
  package func value(_ outputs: [Float], labels: [Float]) -> Double {
    switch task {
    case .digits: accuracy(outputs, labels)
    case .clicks: Self.areaUnderCurve(outputs, labels)
    }
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
