/// How the run was executed.
package enum RunMode: String, Codable, Sendable, Hashable, CaseIterable {
  /// Every value and every time.
  case functional
  /// Times alone.
  case timing
}

/// One execution of one workload on one device: what a result file holds.
package struct RunResult: Hashable, Sendable {
  /// The version of the JSON layout.
  package static let schema = 1

  /// `family/name`.
  package var workload: String
  /// The modelled machine.
  package var device: String
  /// With values or times alone.
  package var mode: RunMode
  /// Names a run that differs in an option, such as another number format; nil for the usual run.
  package var variant: String?
  /// The seed of the inputs.
  package var seed: UInt64
  /// The sources that the model was built from.
  package var source: SourceState
  /// When the run began, ISO-8601; for people and for "the latest", never part of an identity.
  package var started: String
  /// Facts about the machine that ran the model.
  package var host: [String: String]
  /// By JSON name.
  package var metrics: [String: Metric]
  /// What was computed.
  package var work: WorkDescription
  /// Whether the values were right.
  package var numerics: NumericsReport
  /// What the model says about itself.
  package var model: ModelReport
  /// The trace file's path, if one was recorded.
  package var trace: String?

  package init(
    workload: String, device: String, mode: RunMode, variant: String? = nil, seed: UInt64,
    source: SourceState, started: String, host: [String: String] = [:],
    metrics: [String: Metric], work: WorkDescription = WorkDescription(),
    numerics: NumericsReport, model: ModelReport, trace: String? = nil
  ) {
    self.workload = workload
    self.device = device
    self.mode = mode
    self.variant = variant
    self.seed = seed
    self.source = source
    self.started = started
    self.host = host
    self.metrics = metrics
    self.work = work
    self.numerics = numerics
    self.model = model
    self.trace = trace
  }

  /// A standard metric of this run, if it carries it.
  package func metric(_ name: StandardMetric) -> Metric? { metrics[name.rawValue] }
}
