/// What the numerics check found.
package struct NumericsReport: Hashable, Sendable {
  /// Whether values were computed and compared.
  package var isChecked: Bool
  /// Whether every compared value was within its tolerance.
  package var isPassed: Bool
  /// Nil when nothing was checked.
  package var maximumRelativeError: Double?
  /// Nil when nothing was checked.
  package var tolerance: Double?
  /// What the values were compared with.
  package var reference: String

  package init(
    isChecked: Bool, isPassed: Bool, maximumRelativeError: Double?, tolerance: Double?,
    reference: String
  ) {
    self.isChecked = isChecked
    self.isPassed = isPassed
    self.maximumRelativeError = maximumRelativeError
    self.tolerance = tolerance
    self.reference = reference
  }

  /// For runs without values, such as timing mode.
  package static let unchecked = NumericsReport(
    isChecked: false, isPassed: false, maximumRelativeError: nil, tolerance: nil, reference: "none")

  /// True when values were checked and found wrong.
  package var isFailed: Bool { isChecked && !isPassed }
}

/// What the model says about itself.
package struct ModelReport: Hashable, Sendable {
  /// Machine instructions retired.
  package var instructions: Int64
  /// Names of the constants that are assumed and that this run depended on.
  package var assumedConstants: [String]
  /// How far the result moves within the constants' ranges; nil when not computed.
  package var uncertaintyPercent: Double?

  package init(
    instructions: Int64, assumedConstants: [String] = [], uncertaintyPercent: Double? = nil
  ) {
    self.instructions = instructions
    self.assumedConstants = assumedConstants
    self.uncertaintyPercent = uncertaintyPercent
  }
}

extension NumericsReport: Codable {
  private enum CodingKeys: String, CodingKey {
    case isChecked = "checked"
    case isPassed = "passed"
    case maximumRelativeError = "max_rel_error"
    case tolerance, reference
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(isChecked, forKey: .isChecked)
    try fields.encode(isPassed, forKey: .isPassed)
    // `encode`, not the synthesised `encodeIfPresent`: a reader finds every key, null included.
    try fields.encode(maximumRelativeError, forKey: .maximumRelativeError)
    try fields.encode(tolerance, forKey: .tolerance)
    try fields.encode(reference, forKey: .reference)
  }
}

extension ModelReport: Codable {
  private enum CodingKeys: String, CodingKey {
    case instructions
    case assumedConstants = "assumed_constants"
    case uncertaintyPercent = "uncertainty_percent"
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(instructions, forKey: .instructions)
    try fields.encode(assumedConstants, forKey: .assumedConstants)
    try fields.encode(uncertaintyPercent, forKey: .uncertaintyPercent)
  }
}
