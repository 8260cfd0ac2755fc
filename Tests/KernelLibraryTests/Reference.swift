import NumericFormats

/// Plain Double references, written for clarity.
enum Reference {
  /// lhs [M, K] · rhs [K, N].
  static func product(_ lhs: [Double], _ rhs: [Double], m: Int, k: Int, n: Int) -> [Double] {
    var out = [Double](repeating: 0, count: m * n)
    for i in 0..<m {
      for j in 0..<k {
        let a = lhs[i * k + j]
        for l in 0..<n { out[i * n + l] += a * rhs[j * n + l] }
      }
    }
    return out
  }

  /// [rows, columns] becomes [columns, rows].
  static func transposed<T>(_ x: [T], rows: Int, columns: Int) -> [T] {
    (0..<columns).flatMap { c in (0..<rows).map { r in x[r * columns + c] } }
  }

  static func doubles(_ x: [Float]) -> [Double] { x.map(Double.init) }

  static func silu(_ x: Double) -> Double { x / (1 + exponential(-x)) }

  /// eˣ by its series around the nearest multiple of log 2; no library needed.
  static func exponential(_ x: Double) -> Double {
    if x < -745 { return 0 }
    let log2 = 0.693147180559945309417232121458
    let power = (x / log2).rounded()
    let rest = x - power * log2
    var term = 1.0
    var sum = 1.0
    for i in 1..<24 {
      term *= rest / Double(i)
      sum += term
    }
    return sum * Double(sign: .plus, exponent: Int(power), significand: 1)
  }

  /// log x by Newton's method on the exponential.
  static func logarithm(_ x: Double) -> Double {
    var y = Double(x.exponent) * 0.693147180559945309417232121458
    for _ in 0..<40 { y += 2 * (x - exponential(y)) / (x + exponential(y)) }
    return y
  }

  /// Softmax of one row.
  static func softmax(_ row: [Double]) -> [Double] {
    let most = row.max() ?? 0
    let powers = row.map { exponential($0 - most) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }
}
