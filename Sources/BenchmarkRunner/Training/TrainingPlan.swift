import CoreState
import InstructionSet
import Lowering
import ModelGraph
import NumericFormats
import Results
import WorkloadCatalog

/// The program of a whole training: epochs of steps, each epoch followed by an evaluation.
struct TrainingPlan {
  /// The graph of one step.
  let step: Graph
  /// The whole program.
  let program: Program
  /// How much of a step runs as device instructions.
  let coverage: LoweringCoverage
  /// Steps of one epoch; what does not fill a batch is left out.
  let stepsPerEpoch: Int
  /// Floating-point operations of the whole program's graphs.
  let modelFlops: Int64

  private let parameters: TrainingParameters
  private let measure: HeldOutMeasure
  private let training: LabelledExamples
  private let heldOut: LabelledExamples
  private let seed: UInt64
  private let invocationsPerEpoch: Int
  /// Allocation of each epoch's held-out logits.
  private let logits: [Int]
  /// Allocation of each step's loss.
  private let losses: [Int]
  /// Allocations of each batch's inputs by name, and of the held-out examples'.
  private let batches: [[String: Int]]
  private let heldOutInputs: [String: Int]
  /// Weights and constants.
  private let filled: [(tensor: TensorDeclaration, allocation: Int)]

  init(
    _ workload: WorkloadSpecification, _ parameters: TrainingParameters,
    examples: LabelledExamples, options: RunOptions
  ) throws(RunnerError) {
    self.parameters = parameters
    measure = HeldOutMeasure(parameters.task)
    seed = options.seed
    (training, heldOut) = examples.split(heldOutEvery: parameters.heldOutEvery)
    stepsPerEpoch = training.count / parameters.batch
    guard stepsPerEpoch > 0 else {
      throw .badInput(
        "\(workload.name): \(training.count) examples do not fill a batch of \(parameters.batch)")
    }
    let graphs = try Self.graphs(workload, parameters, heldOut: heldOut.count)
    step = graphs.step
    let first = try Self.lowered(step, workload, options)
    coverage = first.coverage
    let second = try Self.lowered(graphs.evaluation, workload, options)
    var joined = JoinedProgram(first.program)
    let inputs = first.graph.givenTensors.filter { $0.role == .input }
    let copies = (0..<stepsPerEpoch).map { index in
      inputs.map { input in
        (
          input.name, first.allocations[input.name]!,
          joined.copy(of: first.allocations[input.name]!, name: "\(input.name) \(index)")
        )
      }
    }
    batches = copies.map { inputs in
      Dictionary(uniqueKeysWithValues: inputs.map { ($0.0, $0.2[$0.1]!) })
    }
    let replacements = copies.map { inputs in
      inputs.reduce(into: [Int: Int]()) { $0.merge($1.2) { first, _ in first } }
    }
    // What lowering added, such as the masks of attention, has to be filled as well.
    var filled = first.graph.givenTensors.compactMap { tensor in
      tensor.role == .input ? nil : first.allocations[tensor.name].map { (tensor, $0) }
    }
    let offset = joined.append(
      second.program, sharing: Self.sharedState(of: second, with: first))
    var heldOutInputs: [String: Int] = [:]
    for tensor in second.graph.givenTensors where tensor.role != .state {
      guard let own = second.allocations[tensor.name] else { continue }
      if tensor.role == .input {
        heldOutInputs[tensor.name] = joined.mapped(own)
      } else {
        filled.append((tensor, joined.mapped(own)))
      }
    }
    self.filled = filled
    self.heldOutInputs = heldOutInputs
    let evaluated = joined.mapped(second.allocations["logits"]!)
    let results = (0..<parameters.epochs).map { joined.copy(of: evaluated, name: "logits \($0)") }
    logits = results.map { $0[evaluated]! }
    var losses: [Int] = []
    for epoch in 0..<parameters.epochs {
      losses += joined.epoch(of: first, batches: replacements, name: "loss \(epoch)")
      joined.invokeAppended(
        second.program.invocations, segmentOffset: offset, replacing: results[epoch])
    }
    self.losses = losses
    invocationsPerEpoch =
      stepsPerEpoch * first.program.invocations.count + second.program.invocations.count
    program = joined.program
    modelFlops =
      Int64(parameters.epochs)
      * Int64(stepsPerEpoch * step.operationCount + graphs.evaluation.operationCount)
  }

  /// Allocations of weights that the evaluation reads where the step has them.
  private static func sharedState(
    of evaluation: LoweredGraph, with step: LoweredGraph
  ) -> [Int: Int] {
    step.graph.givenTensors.reduce(into: [:]) { shared, tensor in
      guard tensor.role == .state, let own = evaluation.allocations[tensor.name] else { return }
      shared[own] = step.allocations[tensor.name]!
    }
  }

  private static func lowered(
    _ graph: Graph, _ workload: WorkloadSpecification, _ options: RunOptions
  ) throws(RunnerError) -> LoweredGraph {
    do {
      return try Lowerer(device: options.device).lower(
        graph, keepsIntermediates: false, reusesMemory: false)
    } catch { throw .badInput("\(workload.name): \(error)") }
  }

  private static func graphs(
    _ workload: WorkloadSpecification, _ parameters: TrainingParameters, heldOut: Int
  ) throws(RunnerError) -> (step: Graph, evaluation: Graph) {
    do {
      return (
        try TrainingGraphs.step(parameters, named: workload.name, format: workload.precision),
        try TrainingGraphs.evaluation(
          parameters, batch: heldOut, named: "\(workload.name) evaluation",
          format: workload.precision)
      )
    } catch { throw .badInput("\(workload.name): \(error)") }
  }

  /// The last invocation of an epoch, counted from 0.
  func lastInvocation(ofEpoch epoch: Int) -> Int { (epoch + 1) * invocationsPerEpoch - 1 }

  /// Weights by their seeded fills, examples by batches.
  func fill(_ core: borrowing CoreState) {
    for given in filled {
      DeviceTensor(filling: given.tensor, seed: seed)
        .upload(to: core.hbm, at: program.tensors[given.allocation].address)
    }
    for (index, batch) in batches.enumerated() { upload(self.batch(index), to: batch, core) }
    upload(heldOut, to: heldOutInputs, core)
  }

  /// The tensors of the first step alone.
  func fillStep(_ lowered: LoweredGraph, _ core: borrowing CoreState) {
    let examples = batch(0)
    for tensor in lowered.graph.givenTensors {
      guard let index = lowered.allocations[tensor.name] else { continue }
      let column = examples.columns.first { tensor.role == .input && $0.name == tensor.name }
      let values =
        column.map { column in
          DeviceTensor(tensor.format, count: column.values.count) { column.values[$0] }
        } ?? DeviceTensor(filling: tensor, seed: seed)
      values.upload(to: core.hbm, at: lowered.program.tensors[index].address)
    }
  }

  private func batch(_ index: Int) -> LabelledExamples {
    training.selecting(Array(index * parameters.batch..<(index + 1) * parameters.batch))
  }

  private func upload(
    _ examples: LabelledExamples, to allocations: [String: Int], _ core: borrowing CoreState
  ) {
    for column in examples.columns {
      guard let index = allocations[column.name] else { continue }
      let tensor = program.tensors[index]
      DeviceTensor(tensor.format, count: column.values.count) { column.values[$0] }
        .upload(to: core.hbm, at: tensor.address)
    }
  }

  /// The loss of each step's batch before its update.
  func stepLosses(_ core: borrowing CoreState) -> [Float] {
    var result: [Float] = []
    for allocation in losses {
      result += core.hbm.download(Float.self, count: 1, at: program.tensors[allocation].address)
    }
    return result
  }

  /// What each epoch's logits for the held-out examples are worth.
  func measures(_ core: borrowing CoreState) -> [Double] {
    var result: [Double] = []
    for allocation in logits {
      let values = core.hbm.download(
        Float.self, count: heldOut.count * measure.width,
        at: program.tensors[allocation].address)
      result.append(measure.value(values, labels: heldOut.labels))
    }
    return result
  }
}

extension JoinedProgram {
  /// Adds one step per batch, each with tensors of its batch and a loss of its own; returns where
  /// the losses are.
  fileprivate mutating func epoch(
    of step: LoweredGraph, batches: [[Int: Int]], name: String
  ) -> [Int] {
    let loss = step.allocations["loss"]!
    return batches.enumerated().map { index, batch in
      let own = copy(of: loss, name: "\(name).\(index)")
      invoke(
        step.program.invocations, segmentOffset: 0,
        replacing: batch.merging(own) { first, _ in first })
      return own[loss]!
    }
  }
}
