import NumericFormats

/// A product of activations in MXFP8 with weights in MXFP4: inputs aᵀ [K, M], and of b [K, N] the
/// numbers, uint16 [K / 4, N] of four rows' e2m1 codes, the first one lowest, and the scales, uint8
/// [K / 32, N]: a scale 2^(s − 127) belongs to 32 rows of a column. Result a · b [M, N].
///
/// a is quantised as the instruction quantize_mx does: e4m3 with one scale for 32 rows of a column
/// of aᵀ. Source: OCP Microscaling Formats specification 1.0; NKI instruction reference
/// (quantize_mx, nc_matmul_mx).
package struct ScaledProduct: OperatorFamily {
  /// The product.
  package init() {}

  package var name: String { "MatMulMX" }
  package var inputCount: ClosedRange<Int> { 3...3 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let (a, numbers, scales) = (inputs[0].shape, inputs[1].shape, inputs[2].shape)
    try inputs.require(
      a.rank == 2 && numbers.rank == 2 && scales.rank == 2
        && a[0] % ScaledExpertLayer.blockRows == 0 && numbers[1] == scales[1]
        && numbers[0] * ScaledExpertLayer.packedRows == a[0]
        && scales[0] * ScaledExpertLayer.blockRows == a[0],
      "aᵀ is [K, M], numbers [K / 4, N], scales [K / 32, N]")
    return [TensorType([a[1], numbers[1]], inputs[0].type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    2 * inputs[0].shape[0] * results[0].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let shape = TensorShape([inputs[0].shape[1], inputs[1].shape[1]])
    let values = try elements(inputs, at: Array(0..<shape.elementCount))
    return [try TensorView(values, shape: shape, type: inputs[0].type)]
  }

  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    byColumn(inputs, at: indices) { a, b in dot(a, b) }
  }

  /// Sums in fp32 of exact products.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { Optional($0) }, of: self, node: name)
    return byColumn(inputs, at: indices) { a, b in
      Tolerance.factor * Tolerance.sum * Double(a.count).squareRoot() * norm(a) * norm(b)
    }
  }

  /// What `value` makes of the row of a and the column of b that meet in each element.
  private func byColumn(
    _ inputs: Operands<TensorView>, at indices: [Int], _ value: ([Double], [Double]) -> Double
  ) -> [Double] {
    let (depth, rows) = (inputs[0].shape[0], inputs[0].shape[1])
    let b = ScaledMatrix(numbers: inputs[1], scales: inputs[2])
    var result = [Double](repeating: 0, count: indices.count)
    var known: [Int: [Double]] = [:]
    let byColumn = Dictionary(grouping: indices.indices) { indices[$0] % b.columns }
    for (column, positions) in byColumn.sorted(by: { $0.key < $1.key }) {
      let right = (0..<depth).map { b[$0, column] }
      for position in positions {
        let row = indices[position] / b.columns
        let left =
          known[row]
          ?? MicroscaledValues.rounded(
            inputs[0].vector(start: row, stride: rows, count: depth))
        known[row] = left
        result[position] = value(left, right)
      }
    }
    return result
  }
}

/// Numbers rounded as the instruction quantize_mx rounds them.
enum MicroscaledValues {
  /// MXFP8: e4m3, 32 neighbours under one scale.
  static func rounded(_ values: [Double]) -> [Double] {
    var result = values
    let length = ScaledExpertLayer.blockRows
    for first in stride(from: 0, to: values.count, by: length) {
      let block = values[first..<min(values.count, first + length)]
      let largest = block.reduce(0) { max($0, abs($1)) }
      let scale = MXScale.forGroup(maximum: Float(largest), format: .e4m3fn)
      let (factor, inverse) = (MXScale.decode(scale), MXScale.inverse(scale))
      for index in block.indices {
        let code = MXFormat.e4m3fn.encode(Float(values[index]) * inverse)
        result[index] = Double(MXFormat.e4m3fn.decode(code: code)) * Double(factor)
      }
    }
    return result
  }
}

/// A matrix in MXFP4, or that of one expert of a table.
struct ScaledMatrix {
  let columns: Int
  private let numbers: TensorView
  private let scales: TensorView
  private let firstNumber: Int
  private let firstScale: Int
  private static let values = (0..<16).map { Double(MXFormat.e2m1fn.decode(code: UInt8($0))) }

  /// Numbers [rows / 4, columns], scales [rows / 32, columns].
  init(numbers: TensorView, scales: TensorView) {
    self.numbers = numbers
    self.scales = scales
    columns = numbers.shape[1]
    firstNumber = 0
    firstScale = 0
  }

  /// Of a table's expert: numbers at a place of the inputs, scales behind them.
  init(_ inputs: Operands<TensorView>, _ place: Int, expert: Int) {
    (numbers, scales) = (inputs[place], inputs[place + 1])
    columns = numbers.shape[2]
    firstNumber = expert * numbers.shape[1] * columns
    firstScale = expert * scales.shape[1] * columns
  }

  subscript(row: Int, column: Int) -> Double {
    let (packed, place) = row.quotientAndRemainder(dividingBy: ScaledExpertLayer.packedRows)
    let codes = Int(numbers[firstNumber + packed * columns + column])
    let scale = scales[firstScale + row / ScaledExpertLayer.blockRows * columns + column]
    return Self.values[codes >> (4 * place) & 15] * Double(MXScale.decode(UInt8(scale)))
  }
}
