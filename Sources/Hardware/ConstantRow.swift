/// One line of a device's listing of constants, everything as text.
public struct ConstantRow: Hashable, Sendable {
  /// Where the constant stands, for instance `vector.startupSBUF`.
  public var path: String
  /// The value in `unit`.
  public var value: String
  /// What the value counts.
  public var unit: ConstantUnit
  /// A short citation.
  public var source: String
  /// How sure it is.
  public var confidence: Confidence
  /// `low...high`, or nil for a documented constant without a spread.
  public var range: String?

  init(path: String, constant: some AnyConstant) {
    self.path = path
    value = constant.valueText
    unit = constant.unit
    source = constant.source
    confidence = constant.confidence
    range = constant.rangeText
  }
}
