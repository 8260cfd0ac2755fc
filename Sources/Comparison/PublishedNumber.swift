/// A number about other hardware: published by others, or measured by `scripts/gpu-reference`.
package struct PublishedNumber: Hashable, Sendable {
  /// The row's name, to cite it by.
  package var id: String
  /// The hardware, such as `H100-SXM`.
  package var device: String
  /// The kind of work: `gemm`, `attention-forward`, …
  package var operation: String
  /// Exactly the names and sizes that a result's shape must have.
  package var shape: [String: String]
  /// The number formats for which the number was published, such as `["fp16", "bf16"]`.
  package var precisions: [String]
  /// A rate in `unit`, higher is better.
  package var value: Double
  /// `TFLOP/s` or `GB/s`.
  package var unit: String
  /// Floating-point operations, or bytes for `GB/s`, of one invocation, as the source counts them.
  package var work: Double
  /// The library or kernel that was measured.
  package var software: String
  /// Where the number stands.
  package var source: String
  /// Conditions and caveats of the source.
  package var notes: String
  /// How well the number is founded: A official, B measured by its authors, C stated.
  package var trust: String
  /// True for a measurement of our own workload.
  package var isMeasured: Bool

  /// A number of these parts.
  package init(
    id: String, device: String, operation: String, shape: [String: String], precisions: [String],
    value: Double, unit: String, work: Double, software: String, source: String, notes: String,
    trust: String, isMeasured: Bool = false
  ) {
    self.id = id
    self.device = device
    self.operation = operation
    self.shape = shape
    self.precisions = precisions
    self.value = value
    self.unit = unit
    self.work = work
    self.software = software
    self.source = source
    self.notes = notes
    self.trust = trust
    self.isMeasured = isMeasured
  }
}
