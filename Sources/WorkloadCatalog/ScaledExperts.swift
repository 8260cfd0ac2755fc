import Foundation
import ModelGraph
import NumericFormats

extension GraphBuilder {
  /// Appends experts whose weights are drawn in MXFP4: codes of every kind, under scales that keep
  /// a product as large as its input.
  mutating func scaledExperts(
    _ count: Int, width: Int, hidden: Int, chosen: Int, prefix: String,
    of inputs: (x: String, logits: String), name: String, role: TensorRole = .intermediate
  ) throws(GraphError) {
    var all = [inputs.x, inputs.logits]
    for (part, rows, columns) in [
      ("gate", width, hidden), ("up", width, hidden), ("down", hidden, width),
    ] {
      all += try scaledWeight("\(prefix)\(part)", leading: [count], rows: rows, columns: columns)
    }
    try apply(
      .scaledExpertLayer(ScaledExpertLayer(chosen: chosen)), to: all, name: name, role: role)
  }

  /// Declares a matrix in MXFP4, or some of them, by its numbers and scales, whose names are
  /// returned.
  mutating func scaledWeight(
    _ name: String, leading: [Int], rows: Int, columns: Int
  ) throws(GraphError) -> [String] {
    // The root mean square of all codes is near 3.
    let exponent = Int((-log2(3 * Double(rows).squareRoot())).rounded())
    let scale = Int(MXScale.encode(1)) + exponent
    return [
      try given(
        name, TensorShape(leading + [rows / ScaledExpertLayer.packedRows, columns]),
        role: .weight, format: .uint16, fill: .indices(count: 1 << 16)),
      try given(
        "\(name)_scales", TensorShape(leading + [rows / ScaledExpertLayer.blockRows, columns]),
        role: .weight, format: .uint8, fill: .wholeNumbers(low: scale - 1, high: scale + 2)),
    ]
  }
}
