package import NumericFormats

/// The sizes of workloads, smallest first.
package enum WorkloadKind: String, Hashable, Sendable, CaseIterable {
  case micro, kernel, layer, model, training
}

/// Whether values are computed beside times.
package enum WorkloadMode: String, Hashable, Sendable, CaseIterable { case functional, timing }

/// What `throughput` counts.
package enum ThroughputUnit: String, Hashable, Sendable, CaseIterable {
  case tokens = "tokens/s"
  case operations = "FLOP/s"
  case images = "images/s"
  case patches = "patches/s"
  case steps = "steps/s"
  case samples = "samples/s"
  case points = "points/s"
  case bytes = "bytes/s"
  case instructions = "instructions/s"
}

/// A published number of another shape: shown beside a result, never compared with it. Numbers of
/// the workload's own shape need no mention: they are found by it.
package struct NearReference: Hashable, Sendable {
  /// In the words of `Workloads/references/`, such as `gemm` or `attention-forward`.
  package var operation: String
  /// The shape that was published, such as m, n and k, each as text.
  package var shape: [String: String]
  /// What differs, for people.
  package var note: String
}

/// How a workload's values are checked.
package struct NumericsSettings: Hashable, Sendable {
  /// Elements sampled from large outputs.
  package var sampleCount = 4_096
  /// The tile of the output that samples touch.
  package var outputTile = [128, 512]
  /// Outputs of fewer operations are compared whole.
  package var wholeBelowOperations = 2_000_000_000
  /// The format that a kernel may round to between the steps of an operator; nil for the usual.
  package var intermediate: NumberFormat?
}

/// One workload as its file describes it.
package struct WorkloadSpecification: Hashable, Sendable {
  /// `family/name`, which is also the file's place.
  package var name: String
  /// One line for people.
  package var title: String
  /// What it is for.
  package var description: String
  /// Raised whenever its results stop being comparable with earlier ones.
  package var version: Int
  /// Its size.
  package var kind: WorkloadKind
  /// Used when the command line names no mode.
  package var defaultMode: WorkloadMode
  /// Used when the command line names no device.
  package var defaultDevice: String
  /// The format of inputs and weights.
  package var precision: NumberFormat
  /// The format of results.
  package var outputPrecision: NumberFormat
  /// Formats that `--precision` may ask for.
  package var allowedPrecisions: [NumberFormat]
  /// What throughput counts.
  package var throughput: ThroughputUnit
  /// How values are checked.
  package var numerics: NumericsSettings
  /// Where the numbers come from.
  package var source: String
  /// Published numbers of other shapes to show beside the result.
  package var nearReferences: [NearReference]
  /// What it runs.
  package var body: WorkloadBody
  /// The file.
  package var file: String
  /// The suites that contain it.
  package var suites: [String] = []

  /// The same workload in another number format. Throws `precision` when it is not allowed.
  package func with(precision: NumberFormat) throws(WorkloadError) -> WorkloadSpecification {
    guard allowedPrecisions.contains(precision) else {
      throw .precision(
        workload: name, found: precision.name, allowed: allowedPrecisions.map(\.name))
    }
    var result = self
    if outputPrecision == self.precision { result.outputPrecision = precision }
    result.precision = precision
    return result
  }
}
