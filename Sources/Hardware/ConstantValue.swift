public import Units

/// A type that a machine constant can have. Everything is an integer, an exact ratio or a flag.
///
/// Counts and sizes in bytes are `Int`, because they index memory; cycles, rates and ratios are
/// `Int64`, because they enter time; times are `Picoseconds`.
public protocol ConstantValue: Hashable, Sendable {
  /// The value as listings print it and `init(constantText:)` reads it.
  var constantText: String { get }
  /// The value that `text` spells, or nil; whole numbers go from 0 to 10^15, so that no law
  /// overflows on a mistyped device file.
  init?(constantText text: String)
  /// The value times a ratio of clock periods; only times change.
  func scaled(by numerator: Int64, over denominator: Int64) -> Self
  /// Whether this value can stand where `other` stood; arrays keep their length.
  func hasShape(of other: Self) -> Bool
  /// Half to double, a count of one never below one: the range of a documented number that is
  /// carried to another machine.
  var guessedRange: (low: Self, high: Self) { get }
}

extension ConstantValue {
  public func hasShape(of other: Self) -> Bool { true }
}

extension Int: ConstantValue {
  public var constantText: String { String(self) }

  public init?(constantText text: String) {
    guard let value = Int64(constantText: text) else { return nil }
    self.init(value)
  }

  public func scaled(by numerator: Int64, over denominator: Int64) -> Int { self }
  public var guessedRange: (low: Int, high: Int) { (self > 1 ? self / 2 : self, self * 2) }
}

extension Int64: ConstantValue {
  public var constantText: String { String(self) }

  public init?(constantText text: String) {
    guard let value = Int64(text), (0...1_000_000_000_000_000).contains(value) else { return nil }
    self = value
  }

  public func scaled(by numerator: Int64, over denominator: Int64) -> Int64 { self }
  public var guessedRange: (low: Int64, high: Int64) { (self > 1 ? self / 2 : self, self * 2) }
}

extension Bool: ConstantValue {
  public var constantText: String { self ? "true" : "false" }
  public init?(constantText text: String) { self.init(text) }
  public func scaled(by numerator: Int64, over denominator: Int64) -> Bool { self }
  public var guessedRange: (low: Bool, high: Bool) { (false, true) }
}

extension Picoseconds: ConstantValue {
  public var constantText: String { String(value) }

  public init?(constantText text: String) {
    guard let value = Int64(constantText: text) else { return nil }
    self.init(value)
  }

  /// Rounded half up, for times that are not negative.
  public func scaled(by numerator: Int64, over denominator: Int64) -> Picoseconds {
    Picoseconds((2 * value * numerator + denominator) / (2 * denominator))
  }

  public var guessedRange: (low: Picoseconds, high: Picoseconds) {
    (Picoseconds(value / 2), Picoseconds(value * 2))
  }
}

extension Units.Clock: ConstantValue {
  public var constantText: String { "\(numerator)/\(denominator)" }

  public init?(constantText text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let numerator = Int64(parts[0]), let denominator = Int64(parts[1]),
      (1...1_000_000).contains(numerator), (1...1_000_000).contains(denominator)
    else { return nil }
    self.init(periodPicoseconds: numerator, over: denominator)
  }

  public func scaled(by numerator: Int64, over denominator: Int64) -> Units.Clock { self }

  public var guessedRange: (low: Units.Clock, high: Units.Clock) {
    (
      Units.Clock(periodPicoseconds: numerator, over: denominator * 2),
      Units.Clock(periodPicoseconds: numerator * 2, over: denominator)
    )
  }
}

extension Array: ConstantValue where Element == Picoseconds {
  public var constantText: String { map(\.constantText).joined(separator: " ") }

  public init?(constantText text: String) {
    let parsed = text.split(separator: " ").map { Picoseconds(constantText: String($0)) }
    let times = parsed.compactMap(\.self)
    guard times.count == parsed.count, !times.isEmpty else { return nil }
    self = times
  }

  public func hasShape(of other: [Picoseconds]) -> Bool { count == other.count }

  public func scaled(by numerator: Int64, over denominator: Int64) -> [Picoseconds] {
    map { $0.scaled(by: numerator, over: denominator) }
  }

  public var guessedRange: (low: [Picoseconds], high: [Picoseconds]) {
    (map(\.guessedRange.low), map(\.guessedRange.high))
  }
}
