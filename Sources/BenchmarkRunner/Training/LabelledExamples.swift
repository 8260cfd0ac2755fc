import Foundation

/// Examples of a classification task: rows of features and a label each.
struct LabelledExamples {
  /// Features, example after example, divided by the feature scale.
  var features: [Float]
  /// One class per example.
  var labels: [Int]
  /// Numbers per example.
  let width: Int

  /// Examples.
  var count: Int { labels.count }

  /// Reads lines of whole numbers: the features, then the label.
  ///
  /// Throws `RunnerError.badInput` that names file, line and what was expected.
  init(contentsOf path: String, width: Int, classes: Int, scale: Double) throws(RunnerError) {
    let text: String
    do { text = try String(contentsOfFile: path, encoding: .utf8) } catch {
      throw .badInput("cannot read the examples in \(path): \(error.localizedDescription)")
    }
    self.width = width
    features = []
    labels = []
    for (number, line) in text.split(separator: "\n").enumerated() {
      let fields = line.split(separator: ",")
      let numbers = fields.compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
      guard numbers.count == width + 1, numbers.count == fields.count,
        (0..<classes).contains(numbers[width])
      else {
        throw .badInput(
          "\(path):\(number + 1): expected \(width) whole numbers and a class below \(classes)")
      }
      features += numbers.prefix(width).map { Float(Double($0) / scale) }
      labels.append(numbers[width])
    }
  }

  private init(features: [Float], labels: [Int], width: Int) {
    self.features = features
    self.labels = labels
    self.width = width
  }

  /// The examples at these places, in that order.
  func selecting(_ indices: [Int]) -> LabelledExamples {
    LabelledExamples(
      features: indices.flatMap { features[$0 * width..<($0 + 1) * width] },
      labels: indices.map { labels[$0] }, width: width)
  }

  /// Every `step`-th example is held out; the others train.
  func split(heldOutEvery step: Int) -> (training: LabelledExamples, heldOut: LabelledExamples) {
    let all = Array(0..<count)
    return (
      selecting(all.filter { $0 % step != 0 }), selecting(all.filter { $0 % step == 0 })
    )
  }
}
