/// How sure a constant is, from the vendor's own word down to a guess.
public enum Confidence: String, CaseIterable, Sendable {
  /// Printed in the vendor's documentation.
  case documented
  /// Read off real hardware by us or by a named third party.
  case measured
  /// Computed from documented or measured numbers by the formula in its source.
  case derived
  /// Chosen, because nothing public says; its range tells how far it could be wrong.
  case assumed
}

/// The two ends of a constant's range, both included.
public struct ConstantRange<Value: ConstantValue>: Hashable, Sendable {
  /// The lowest believable value.
  public var low: Value
  /// The highest believable value.
  public var high: Value

  public init(low: Value, high: Value) {
    self.low = low
    self.high = high
  }
}

/// One number of the machine with everything that a reader needs to trust it or not.
public struct Constant<Value: ConstantValue>: Hashable, Sendable {
  /// The number; the only property that timing code reads.
  public var value: Value
  /// What the number counts.
  public var unit: ConstantUnit
  private var citation: SourceText
  /// How sure it is.
  public var confidence: Confidence
  /// Where the true value may lie; present on every constant that is not documented.
  public var range: ConstantRange<Value>?

  /// A number with what it counts, how sure it is and where it comes from.
  public init(
    _ value: Value, _ unit: ConstantUnit, _ confidence: Confidence, _ source: String,
    range: ConstantRange<Value>? = nil
  ) {
    self.value = value
    self.unit = unit
    citation = SourceText(source)
    self.confidence = confidence
    self.range = range
  }
}

extension Constant {
  /// A short citation.
  public var source: String {
    get { citation.text }
    set { citation = SourceText(newValue) }
  }
}

/// The end of a range that a what-if run takes.
public enum RangeEnd: Sendable {
  case low, high
}

/// A constant whose value type is not known to the caller: what listings and what-ifs need.
protocol AnyConstant: Sendable {
  var unit: ConstantUnit { get }
  var source: String { get }
  var confidence: Confidence { get }
  var valueText: String { get }
  var rangeText: String? { get }
  /// The same constant at one end of its range, or nil when it has none.
  func moved(to end: RangeEnd) -> Self?
  /// The same constant with the value that `text` spells, or nil when it spells none.
  func replaced(byText text: String, source: String) -> Self?
  /// This constant as a guess for another machine; see `ConstantGroup.carried`.
  func carried(times numerator: Int64, over denominator: Int64, note: String) -> Self
}

extension Constant: AnyConstant {
  var valueText: String { value.constantText }

  var rangeText: String? { range.map { "\($0.low.constantText)...\($0.high.constantText)" } }

  func moved(to end: RangeEnd) -> Self? {
    guard let range else { return nil }
    var moved = self
    moved.value = end == .low ? range.low : range.high
    return moved
  }

  func replaced(byText text: String, source: String) -> Self? {
    let read = Value(constantText: text) ?? unit.plainText(text).flatMap { Value(constantText: $0) }
    guard let value = read, value.hasShape(of: self.value) else { return nil }
    return Constant(
      value, unit, .assumed, source, range: ConstantRange(low: value, high: value))
  }

  func carried(times numerator: Int64, over denominator: Int64, note: String) -> Self {
    let guess = value.guessedRange
    let ends = range ?? ConstantRange(low: guess.low, high: guess.high)
    return Constant(
      value.scaled(by: numerator, over: denominator), unit, .assumed, "\(note): \(source)",
      range: ConstantRange(
        low: ends.low.scaled(by: numerator, over: denominator),
        high: ends.high.scaled(by: numerator, over: denominator)))
  }
}
