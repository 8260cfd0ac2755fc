import ModelGraph
import NumericFormats

/// Reads one workload file.
struct WorkloadReader {
  /// Hands out an architecture by its name.
  let architecture: (String) throws(WorkloadError) -> ModelArchitecture

  /// The specification that a file or text holds; `name` is what its place says it is called.
  /// Throws what `YAMLSection` finds.
  func read(_ given: YAMLSection, name: String) throws(WorkloadError) -> WorkloadSpecification {
    var section = given
    let written = try section.text("name")
    guard written == name else {
      throw section.badValue("name", expected: "'\(name)', as the file's place says")
    }
    let precision = try section.format("precision")
    let kind = try section.choice("kind", of: WorkloadKind.self)
    let specification = WorkloadSpecification(
      name: name, title: try section.text("title"),
      description: try section.text("description"), version: try section.integer("version"),
      kind: kind, defaultMode: try section.choice("default_mode", of: WorkloadMode.self),
      defaultDevice: try section.text("default_device"), precision: precision,
      outputPrecision: section.has("output_precision")
        ? try section.format("output_precision") : precision,
      allowedPrecisions: section.has("allowed_precisions")
        ? try section.formats("allowed_precisions") : [precision],
      throughput: try section.choice("throughput", of: ThroughputUnit.self),
      numerics: try numerics(&section), source: try section.text("source"),
      nearReferences: try nearReferences(&section), body: try body(kind, &section),
      file: section.file)
    guard specification.allowedPrecisions.contains(precision) else {
      throw section.badValue("allowed_precisions", expected: "\(precision.name) among them")
    }
    try section.finish()
    return specification
  }

  private func numerics(_ section: inout YAMLSection) throws(WorkloadError) -> NumericsSettings {
    var settings = NumericsSettings()
    guard section.has("numerics") else { return settings }
    var given = try section.section("numerics")
    if given.has("samples") { settings.sampleCount = try given.integer("samples") }
    if given.has("output_tile") { settings.outputTile = try given.integers("output_tile") }
    if given.has("whole_below_operations") {
      settings.wholeBelowOperations = try given.integer(
        "whole_below_operations", atLeast: 0, atMost: .max)
    }
    if given.has("intermediate") { settings.intermediate = try given.format("intermediate") }
    try given.finish()
    return settings
  }

  private func nearReferences(_ section: inout YAMLSection) throws(WorkloadError)
    -> [NearReference]
  {
    guard section.has("near_references") else { return [] }
    var result: [NearReference] = []
    for given in try section.sections("near_references", each: "a near reference") {
      var entry = given
      result.append(
        NearReference(
          operation: try entry.text("operation"), shape: try entry.section("shape").texts(),
          note: try entry.text("note")))
      try entry.finish()
    }
    return result
  }

  private func body(_ kind: WorkloadKind, _ section: inout YAMLSection) throws(WorkloadError)
    -> WorkloadBody
  {
    switch kind {
    case .micro:
      var programs: [MicroProgram] = []
      for entry in try section.sections("programs", each: "a program") {
        programs += try MicroProgram.read(entry)
      }
      guard !programs.isEmpty else {
        throw section.badValue("programs", expected: "at least one program")
      }
      return .micro(programs)
    case .kernel:
      let variant = section.has("variant") ? try section.text("variant") : nil
      return .kernel(try KernelParameters.read(&section), variant: variant)
    case .layer:
      var parameters = try decoder(&section)
      if section.has("optimizer") {
        guard parameters.phase != .decode else {
          throw section.badValue("optimizer", expected: "none: decoding trains nothing")
        }
        let optimizer = try TrainingParameters.optimizer(section.section("optimizer"))
        if case .clipped = optimizer {
          throw section.badValue(
            "optimizer", expected: "no clip: a layer does not know the model's other gradients")
        }
        parameters.optimizer = optimizer
        parameters.adapters = try adapters(parameters, &section)
      }
      return .layer(parameters)
    case .model:
      return section.has("network")
        ? .network(try Network.read(&section)) : .model(try model(&section))
    case .training:
      return .training(try TrainingParameters.read(section.section("training")))
    }
  }

  /// A whole model; an encoder can be trained.
  private func model(_ section: inout YAMLSection) throws(WorkloadError) -> DecoderParameters {
    var parameters = try decoder(&section)
    guard section.has("optimizer") else { return parameters }
    guard parameters.phase == .encode else {
      throw section.badValue(
        "optimizer", expected: "none: of whole models only encoders are trained")
    }
    parameters.optimizer = try TrainingParameters.optimizer(section.section("optimizer"))
    parameters.predictions = try section.integer("predictions")
    return parameters
  }

  private func adapters(_ parameters: DecoderParameters, _ section: inout YAMLSection)
    throws(WorkloadError) -> LowRankAdapters?
  {
    guard section.has("adapters") else { return nil }
    let model = parameters.architecture
    guard parameters.tensorParallel == 1 else {
      throw section.badValue("adapters", expected: "none where several cores share a layer")
    }
    guard model.family == .decoder, !model.hasAttentionBias, model.experts == nil else {
      throw section.badValue("adapters", expected: "none: \(model.name) is not a plain decoder")
    }
    var given = try section.section("adapters")
    let adapters = LowRankAdapters(
      rank: try given.integer("rank"), alpha: try given.number("alpha", above: 0))
    try given.finish()
    return adapters
  }

  private func decoder(_ section: inout YAMLSection) throws(WorkloadError) -> DecoderParameters {
    let name = try section.text("architecture")
    let model: ModelArchitecture
    do { model = try architecture(name) } catch {
      guard case .unknownName(_, _, let nearest) = error else { throw error }
      throw section.badValue("architecture", expected: "a known architecture", nearest: nearest)
    }
    let phase = try section.choice("phase", of: DecoderPhase.self)
    guard (phase == .encode) == (model.family == .encoder) else {
      let allowed = model.family == .encoder ? "encode" : "prefill or decode"
      throw section.badValue("phase", expected: "\(allowed), as \(name) is of that family")
    }
    let batch = try section.integer("batch")
    let length = try section.integer(phase == .decode ? "context" : "tokens")
    var parameters = DecoderParameters(
      architecture: model, phase: phase, batch: batch, tokens: phase == .decode ? 1 : length,
      context: length)
    guard model.family == .decoder else { return parameters }
    if section.has("weights") { parameters.weights = try section.format("weights") }
    if section.has("expert_weights") {
      _ = try section.choice("expert_weights", of: ExpertWeights.self)
      guard model.experts != nil, model.hidden % ScaledExpertLayer.blockRows == 0 else {
        throw section.badValue(
          "expert_weights",
          expected: "none: \(name) has no experts of whole blocks of "
            + "\(ScaledExpertLayer.blockRows)")
      }
      parameters.scalesExperts = true
    }
    if section.has("tensor_parallel") {
      parameters.tensorParallel = try section.integer("tensor_parallel")
      let lengths = [model.heads, model.keyHeads, model.feedForward, model.vocabulary]
      guard lengths.allSatisfy({ $0 % parameters.tensorParallel == 0 }) else {
        throw section.badValue(
          "tensor_parallel",
          expected: "a divisor of heads, kv_heads, feed_forward and vocabulary of \(name)")
      }
    }
    return parameters
  }
}

/// Formats that experts' weights can have beside those of all weights.
private enum ExpertWeights: String, CaseIterable {
  case mxfp4
}
