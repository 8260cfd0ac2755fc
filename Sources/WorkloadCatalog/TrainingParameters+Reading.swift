import ModelGraph
import NumericFormats

extension TrainingParameters {
  private enum TaskName: String, CaseIterable { case digits, clicks, text }
  private enum NetworkName: String, CaseIterable { case perceptron, convolutional }
  private enum TargetName: String, CaseIterable { case trigrams }
  private enum RoundingName: String, CaseIterable { case nearest, stochastic }
  private enum Method: String, CaseIterable {
    case descent, momentum, adamw, adagrad, lars, lamb
  }

  /// Reads the section `training`. Throws what `YAMLSection` finds.
  static func read(_ given: YAMLSection) throws(WorkloadError) -> TrainingParameters {
    var section = given
    let task: TrainingTask =
      switch try section.choice("task", of: TaskName.self) {
      case .digits: .digits(try digits(&section))
      case .clicks: .clicks(try clicks(&section))
      case .text: .text(try text(&section))
      }
    var parameters = TrainingParameters(
      task: task, optimizer: try optimizer(section.section("optimizer")),
      batch: try section.integer("batch"), epochs: try section.integer("epochs"),
      heldOutEvery: try section.integer("held_out_every", atLeast: 2),
      target: try target(of: task, &section))
    if section.has("weights") {
      parameters.weights = try section.format("weights")
      guard parameters.weights == .float32 || parameters.weights.sizeBytes == 2 else {
        throw section.badValue("weights", expected: "fp32, bf16 or fp16")
      }
    }
    if section.has("rounding") {
      parameters.roundsStochastically =
        try section.choice("rounding", of: RoundingName.self) == .stochastic
    }
    try section.finish()
    return parameters
  }

  private static func target(of task: TrainingTask, _ section: inout YAMLSection)
    throws(WorkloadError) -> TrainingTarget
  {
    if case .text = task {
      _ = try section.choice("target", of: TargetName.self)
      return .belowTrigrams
    }
    return .atLeast(try section.number("target", above: 0, upTo: 1))
  }

  private static func text(_ section: inout YAMLSection) throws(WorkloadError) -> TextTask {
    let task = TextTask(
      data: try section.text("data"), vocabulary: try section.integer("vocabulary", atLeast: 2),
      context: try section.integer("context", atLeast: 2),
      width: try section.integer("width"), layers: try section.integer("layers"),
      heads: try section.integer("heads"), feedForward: try section.integer("feed_forward"))
    guard task.width % task.heads == 0, task.width / task.heads % 2 == 0 else {
      throw section.badValue("heads", expected: "a number that cuts the width into even parts")
    }
    return task
  }

  private static func digits(_ section: inout YAMLSection) throws(WorkloadError) -> DigitsTask {
    let task = DigitsTask(
      data: try section.text("data"), features: try section.integer("features"),
      featureScale: try section.number("feature_scale", above: 0),
      classes: try section.integer("classes", atLeast: 2),
      network: try network(&section))
    if case .convolutional = task.network {
      guard task.side * task.side == task.features else {
        throw section.badValue("features", expected: "a square number, as pictures have it")
      }
    }
    return task
  }

  private static func network(_ section: inout YAMLSection) throws(WorkloadError)
    -> DigitsTask.Network
  {
    switch try section.choice("network", of: NetworkName.self) {
    case .perceptron: return .perceptron(hidden: try section.integer("hidden"))
    case .convolutional:
      let channels = try section.integers("channels")
      guard !channels.isEmpty else {
        throw section.badValue("channels", expected: "at least one layer")
      }
      return .convolutional(channels: channels)
    }
  }

  private static func clicks(_ section: inout YAMLSection) throws(WorkloadError) -> ClickTask {
    ClickTask(
      counts: try section.integers("counts"), exponent: try section.number("exponent", above: 0),
      width: try section.integer("width"), examples: try section.integer("examples"),
      signal: try section.number("signal", above: 0))
  }

  /// Reads the section `optimizer`. Throws what `YAMLSection` finds.
  static func optimizer(_ given: YAMLSection) throws(WorkloadError) -> Optimizer {
    var section = given
    let method = try section.choice("method", of: Method.self)
    let rate = try section.number("rate", above: 0)
    let optimizer: Optimizer
    switch method {
    case .descent: optimizer = .descent(rate: rate)
    case .momentum:
      optimizer = .momentum(
        rate: rate, momentum: try section.number("momentum", above: 0, upTo: 1))
    case .adamw, .lamb:
      let beta1 = try section.number("beta1", above: 0, upTo: 1)
      let beta2 = try section.number("beta2", above: 0, upTo: 1)
      let epsilon = try section.number("epsilon", above: 0)
      let decay = try section.number("decay", above: -.leastNonzeroMagnitude)
      optimizer =
        method == .lamb
        ? .lamb(rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, decay: decay)
        : .adamW(rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, decay: decay)
    case .lars:
      optimizer = .lars(
        rate: rate, momentum: try section.number("momentum", above: 0, upTo: 1),
        decay: try section.number("decay", above: -.leastNonzeroMagnitude),
        coefficient: try section.number("coefficient", above: 0))
    case .adagrad:
      optimizer = .adagrad(rate: rate, epsilon: try section.number("epsilon", above: 0))
    }
    let clip = section.has("clip") ? try section.number("clip", above: 0) : nil
    try section.finish()
    return clip.map { .clipped(optimizer, norm: $0) } ?? optimizer
  }
}
