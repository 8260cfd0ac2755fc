import Foundation

/// The discrete Fourier transform of each row of complex numbers: X[k] = Σ x[n] · exp(−2πi n k / N)
/// (ONNX DFT, forward; the real and imaginary parts are two planes in front instead of a last
/// axis).
///
/// Input X and result [2, batch, length]. Three further inputs may hold the factors that a device
/// reads (`tables`); the reference computes its own, so that wrong ones show.
package struct FourierTransform: OperatorFamily {
  /// A forward transform.
  package init() {}

  package var name: String { "DFT" }
  package var inputCount: ClosedRange<Int> { 1...4 }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let shape = inputs[0].shape
    try inputs.require(
      shape.rank == 3 && shape[0] == 2 && shape[2] > 0, "X is [2, batch, length]")
    try inputs.require(inputs.count == 1 || inputs.count == 4, "factors come as three tables")
    return [inputs[0]]
  }

  /// The two factors of a length that are nearest to each other.
  package static func factors(_ length: Int) -> (first: Int, second: Int) {
    var small = max(1, Int(Double(length).squareRoot()))
    while length % small != 0 { small -= 1 }
    return (length / small, small)
  }

  /// What a transform in two steps multiplies by, for length n1 · n2: [2, n1, 2 n1], which a row of
  /// real parts and one of imaginary parts meet; [3, n2, n2], real, imaginary and minus imaginary;
  /// and the twiddle factors between them, [2, n2, n1].
  package static func tables(_ length: Int) throws(GraphError) -> [TensorView] {
    let (n1, n2) = factors(length)
    func angle(_ product: Int, _ count: Int) -> Double {
      -2 * Double.pi * Double(product % count) / Double(count)
    }
    func matrix(_ rows: Int, _ columns: Int, _ count: Int, _ part: (Double) -> Double) -> [Double] {
      (0..<rows * columns).map { part(angle($0 / columns * ($0 % columns), count)) }
    }
    func besides(_ left: [Double], _ right: [Double]) -> [Double] {
      var joined: [Double] = []
      for row in 0..<n1 {
        joined.append(contentsOf: left[row * n1..<(row + 1) * n1])
        joined.append(contentsOf: right[row * n1..<(row + 1) * n1])
      }
      return joined
    }
    let (cosines, sines) = (matrix(n1, n1, n1) { cos($0) }, matrix(n1, n1, n1) { sin($0) })
    let first = besides(cosines, sines) + besides(sines.map { -$0 }, cosines)
    let (real, imaginary) = (matrix(n2, n2, n2) { cos($0) }, matrix(n2, n2, n2) { sin($0) })
    let second: [Double] = real + imaginary + imaginary.map { -$0 }
    let twiddle: [Double] = matrix(n2, n1, length) { cos($0) } + matrix(n2, n1, length) { sin($0) }
    return [
      try TensorView(first, shape: [2, n1, 2 * n1], type: .float32),
      try TensorView(second, shape: [3, n2, n2], type: .float32),
      try TensorView(twiddle, shape: [2, n2, n1], type: .float32),
    ]
  }

  /// 5 N log2 N, the usual count.
  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    let shape = inputs[0].shape
    return Int(5 * Double(shape[1] * shape[2]) * log2(Double(shape[2])))
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let x = inputs[0]
    let values = try elements(inputs, at: Array(0..<x.count))
    return [try TensorView(values, shape: x.shape, type: x.type)]
  }

  /// By the definition: no factors, no reordering.
  package func elements(_ inputs: Operands<TensorView>, at indices: [Int]) throws(GraphError)
    -> [Double]
  {
    let x = inputs[0]
    let (batch, length) = (x.shape[1], x.shape[2])
    let angles = (0..<length).map { -2 * Double.pi * Double($0) / Double(length) }
    let (cosines, sines) = (angles.map { cos($0) }, angles.map { sin($0) })
    var rows: [Int: (real: [Double], imaginary: [Double])] = [:]
    return indices.map { index in
      let (part, rest) = index.quotientAndRemainder(dividingBy: batch * length)
      let (row, k) = rest.quotientAndRemainder(dividingBy: length)
      let values = rows[row] ?? self.row(x, row)
      rows[row] = values
      var sum = 0.0
      var turn = 0
      for n in 0..<length {
        sum +=
          part == 0
          ? values.real[n] * cosines[turn] - values.imaginary[n] * sines[turn]
          : values.real[n] * sines[turn] + values.imaginary[n] * cosines[turn]
        turn += k
        if turn >= length { turn -= length }
      }
      return sum
    }
  }

  private func row(_ x: TensorView, _ row: Int) -> (real: [Double], imaginary: [Double]) {
    let (batch, length) = (x.shape[1], x.shape[2])
    return (
      x.vector(start: row * length, stride: 1, count: length),
      x.vector(start: (batch + row) * length, stride: 1, count: length)
    )
  }

  /// Every result has the energy of its row: each of the two steps rounds its factors and what lies
  /// between, as random walks over it.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let x = tolerance.inputs[0]
    let (batch, length) = (x.shape[1], x.shape[2])
    let unit = Roundoff.unit(of: x.format)
    var norms: [Int: Double] = [:]
    return indices.map { index in
      let row = index / length % batch
      let values =
        norms[row] ?? size(x, row)
      norms[row] = values
      return Tolerance.factor
        * (3 * unit + Tolerance.sum * Double(length).squareRoot()) * values
    }
  }

  private func size(_ x: TensorView, _ index: Int) -> Double {
    let values = row(x, index)
    return norm(values.real + values.imaginary)
  }
}
