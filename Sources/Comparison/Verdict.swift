/// What a comparison of one metric says.
package enum Verdict: String, Codable, Sendable, Hashable {
  case better, worse, same
  /// Too little evidence, or a change of a metric that has no better direction.
  case unsure
}

/// How a verdict was reached.
package enum Method: String, Codable, Sendable, Hashable {
  /// Simulated values, compared bit for bit.
  case exact
  /// Samples of the host, by a rank test.
  case mannWhitney = "mann-whitney"
  /// Against a published number of other hardware.
  case published
  /// Against a measurement of our workload on other hardware.
  case measured

  /// True for numbers of other hardware, which have no second side in our results.
  package var isReference: Bool { self == .published || self == .measured }
}
