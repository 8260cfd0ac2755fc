import Foundation

extension Float64Interpreter {
  /// exp(x − max) / Σ exp(x − max).
  static func softmax(_ row: [Double]) -> [Double] {
    let largest = row.max() ?? 0
    let powers = row.map { exp($0 - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  /// x / sqrt(mean x² + epsilon) · scale.
  static func rmsNormalization(_ row: [Double], scale: TensorView, epsilon: Double) -> [Double] {
    let reciprocal = RowMoments(row).reciprocalRootMeanSquare(epsilon: epsilon)
    return row.indices.map { row[$0] * reciprocal * scale[$0] }
  }

  /// (x − mean) / sqrt(variance + epsilon) · scale + bias.
  static func layerNormalization(
    _ row: [Double], scale: TensorView, bias: TensorView, epsilon: Double
  ) -> [Double] {
    let moments = RowMoments(row)
    let reciprocal = moments.reciprocalDeviation(epsilon: epsilon)
    return row.indices.map { (row[$0] - moments.mean) * reciprocal * scale[$0] + bias[$0] }
  }

  /// Mean over the rows of log Σ exp(x) − x[label].
  static func crossEntropy(_ logits: TensorView, _ labels: [Int]) -> Double {
    var sum = 0.0
    for (row, label) in labels.enumerated() {
      let values = logits.row(row)
      let largest = values.max() ?? 0
      let total = values.reduce(0) { $0 + exp($1 - largest) }
      sum += log(total) + largest - values[label]
    }
    return sum / Double(labels.count)
  }

  /// (softmax − 1 at the label) / rows.
  static func crossEntropyGradient(_ logits: TensorView, _ labels: [Int], row: Int) -> [Double] {
    var gradient = softmax(logits.row(row))
    gradient[labels[row]] -= 1
    return gradient.map { $0 / Double(labels.count) }
  }
}

/// Mean, variance and mean square of one row.
struct RowMoments {
  let mean: Double
  let variance: Double
  let meanSquare: Double

  init(_ row: [Double]) {
    let count = Double(max(1, row.count))
    let average = row.reduce(0, +) / count
    mean = average
    meanSquare = row.reduce(0) { $0 + $1 * $1 } / count
    variance = row.reduce(0) { $0 + ($1 - average) * ($1 - average) } / count
  }

  func reciprocalRootMeanSquare(epsilon: Double) -> Double {
    1 / (meanSquare + epsilon).squareRoot()
  }

  func reciprocalDeviation(epsilon: Double) -> Double { 1 / (variance + epsilon).squareRoot() }
}

/// The two elements that a rotary embedding turns together, seen from one of them.
struct RotaryPair {
  /// The element itself and its partner.
  let own: Double
  let partner: Double
  /// The turned value of the element itself.
  let turned: Double

  init(_ rotary: RotaryEmbedding, _ inputs: [TensorView], index: Int) {
    let at = HeadLayout.tokensHeads.position(of: index, in: rotary.lengths)
    guard at.channel < rotary.turned else {
      (own, partner, turned) = (inputs[0][index], 0, inputs[0][index])
      return
    }
    let half = rotary.turned / 2
    let isFirst = rotary.isInterleaved ? at.channel % 2 == 0 : at.channel < half
    let pair = rotary.isInterleaved ? at.channel / 2 : at.channel % half
    let distance = rotary.isInterleaved ? 1 : half
    own = inputs[0][index]
    partner = inputs[0][isFirst ? index + distance : index - distance]
    let cosine: Double
    let sine: Double
    if let angles = rotary.angles {
      (cosine, sine) = angles.turn(token: at.token, pair: pair)
    } else {
      let entry = at.token * half + pair
      (cosine, sine) = (inputs[1][entry], inputs[2][entry])
    }
    turned = isFirst ? own * cosine - partner * sine : own * cosine + partner * sine
  }
}
