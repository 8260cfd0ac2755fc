import ModelGraph
import NumericFormats

/// Rounds to the nearest bf16, ties to even, in plain bit arithmetic.
func roundedToBfloat16(_ value: Float) -> Float {
  let bits = value.bitPattern
  let rounded = bits &+ 0x7fff &+ (bits >> 16 & 1)
  return Float(bitPattern: rounded & 0xffff_0000)
}

/// Seeded values of a tensor, rounded to bf16 where its format says so.
func seeded(
  _ name: String, _ shape: TensorShape, format: NumberFormat = .bfloat16,
  fill: TensorFill = .normal(standardDeviation: 1), seed: UInt64 = 7
) -> [Float] {
  let tensor = TensorDeclaration(
    name: name, shape: shape, format: format, role: .input, fill: fill)
  let values = SeededGenerator.values(of: tensor, seed: seed)
  return format == .bfloat16 ? values.map(roundedToBfloat16) : values
}

/// A view of decoded values.
func view(_ values: [Float], _ shape: TensorShape, _ format: NumberFormat = .bfloat16) throws
  -> TensorView
{
  try TensorView(values, shape: shape, format: format)
}

/// A view of exact values in fp32.
func exact(_ values: [Double], _ shape: TensorShape) throws -> TensorView {
  try TensorView(values, shape: shape, format: .float32)
}

/// What a tensor engine makes of lhsT [K, M] and rhs [K, N]: fp32 sums over tiles of 128, K upward.
func deviceProduct(
  _ a: [Float], _ b: [Float], depth: Int, rows: Int, columns: Int,
  skip: (_ row: Int, _ column: Int, _ tile: Int) -> Bool = { _, _, _ in false }
) -> [Float] {
  var result = [Float](repeating: 0, count: rows * columns)
  for tile in 0..<(depth + 127) / 128 {
    for row in 0..<rows {
      for k in tile * 128..<min(depth, tile * 128 + 128) {
        let factor = a[k * rows + row]
        for column in 0..<columns where !skip(row, column, tile) {
          result[row * columns + column].addProduct(factor, b[k * columns + column])
        }
      }
    }
  }
  return result
}
