/// One measured or simulated number: exact integers stay integers, the rest is a finite double.
///
/// A double that holds a whole number of at most 2^53 is the same value as that integer.
package enum MetricValue: Hashable, Sendable {
  /// An exact count.
  case integer(Int64)
  /// Anything else.
  case real(Double)

  /// An exact count.
  package init(_ value: Int64) { self = .integer(value) }

  /// The number in its one canonical form.
  package init(_ value: Double) {
    let isWhole = value.rounded() == value && value.magnitude <= 9_007_199_254_740_992
    self = isWhole ? .integer(Int64(value)) : .real(value)
  }

  /// The nearest double.
  package var double: Double {
    switch self {
    case .integer(let value): Double(value)
    case .real(let value): value
    }
  }

  /// False for what JSON cannot hold.
  package var isFinite: Bool { double.isFinite }
}

extension MetricValue: CustomStringConvertible {
  /// The shortest text that reads back as the same value.
  package var description: String {
    switch self {
    case .integer(let value): "\(value)"
    case .real(let value): "\(value)"
    }
  }
}

extension MetricValue: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let exact = try? container.decode(Int64.self) {
      self = .integer(exact)
    } else {
      self.init(try container.decode(Double.self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .integer(let value): try container.encode(value)
    case .real(let value): try container.encode(value)
    }
  }
}
