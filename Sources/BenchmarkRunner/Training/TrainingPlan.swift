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
  /// Steps of one epoch; what does not fill a batch is left out.
  let stepsPerEpoch: Int
  /// Floating-point operations of the whole program's graphs.
  let modelFlops: Int64

  private let parameters: TrainingParameters
  private let training: LabelledExamples
  private let heldOut: LabelledExamples
  private let seed: UInt64
  private let invocationsPerEpoch: Int
  /// Allocation of each epoch's held-out logits.
  private let logits: [Int]
  private let batches: [(x: Int, labels: Int)]
  private let heldOutInput: Int
  private let states: [(tensor: TensorDeclaration, allocation: Int)]

  init(
    _ workload: WorkloadSpecification, _ parameters: TrainingParameters,
    examples: LabelledExamples, options: RunOptions
  ) throws(RunnerError) {
    self.parameters = parameters
    seed = options.seed
    (training, heldOut) = examples.split(heldOutEvery: parameters.heldOutEvery)
    stepsPerEpoch = training.count / parameters.batch
    guard stepsPerEpoch > 0 else {
      throw .badInput(
        "\(workload.name): a batch of \(parameters.batch) needs as many examples; there are "
          + "\(training.count)")
    }
    let evaluation: Graph
    let stepProgram: LoweredGraph
    let evaluationProgram: LoweredGraph
    do {
      step = try TrainingGraphs.step(
        parameters, named: workload.name, format: workload.precision)
      evaluation = try TrainingGraphs.evaluation(
        parameters, batch: heldOut.count, named: "\(workload.name) evaluation",
        format: workload.precision)
      let lowerer = Lowerer(device: options.device)
      stepProgram = try lowerer.lower(step, keepsIntermediates: false, reusesMemory: false)
      evaluationProgram = try lowerer.lower(
        evaluation, keepsIntermediates: false, reusesMemory: false)
    } catch { throw .badInput("\(workload.name): \(error)") }
    var joined = JoinedProgram(stepProgram.program)
    batches = (0..<stepsPerEpoch).map { index in
      (
        joined.copy(of: stepProgram.allocations["x"]!, name: "x \(index)"),
        joined.copy(of: stepProgram.allocations["labels"]!, name: "labels \(index)")
      )
    }
    let stateNames = step.givenTensors.filter { $0.role == .state }
    states = stateNames.map { ($0, stepProgram.allocations[$0.name]!) }
    var shared: [Int: Int] = [:]
    for state in states {
      shared[evaluationProgram.allocations[state.tensor.name]!] = state.allocation
    }
    let offset = joined.append(evaluationProgram.program, sharing: shared)
    heldOutInput = joined.mapped(evaluationProgram.allocations["x"]!)
    let evaluationLogits = evaluationProgram.allocations["logits"]!
    logits = (0..<parameters.epochs).map {
      joined.copy(of: joined.mapped(evaluationLogits), name: "logits \($0)")
    }
    for epoch in 0..<parameters.epochs {
      for batch in batches {
        joined.invoke(
          stepProgram.program.invocations, segmentOffset: 0,
          replacing: [
            stepProgram.allocations["x"]!: batch.x,
            stepProgram.allocations["labels"]!: batch.labels,
          ])
      }
      joined.invokeAppended(
        evaluationProgram.program.invocations, segmentOffset: offset,
        replacing: [joined.mapped(evaluationLogits): logits[epoch]])
    }
    invocationsPerEpoch =
      stepsPerEpoch * stepProgram.program.invocations.count
      + evaluationProgram.program.invocations.count
    program = joined.program
    modelFlops =
      Int64(parameters.epochs)
      * Int64(stepsPerEpoch * step.operationCount + evaluation.operationCount)
  }

  /// The last invocation of an epoch, counted from 0.
  func lastInvocation(ofEpoch epoch: Int) -> Int { (epoch + 1) * invocationsPerEpoch - 1 }

  /// Weights by their seeded fills, examples by batches.
  func fill(_ core: borrowing CoreState) {
    for state in states {
      DeviceTensor(filling: state.tensor, seed: seed)
        .upload(to: core.hbm, at: program.tensors[state.allocation].address)
    }
    for (index, batch) in batches.enumerated() {
      let examples = self.batch(index)
      upload(examples, core, x: batch.x, labels: batch.labels)
    }
    upload(heldOut, core, x: heldOutInput, labels: nil)
  }

  /// The tensors of the first step alone.
  func fillStep(_ lowered: LoweredGraph, _ core: borrowing CoreState) {
    let examples = batch(0)
    for tensor in lowered.graph.givenTensors {
      guard let index = lowered.allocations[tensor.name] else { continue }
      let values: DeviceTensor =
        switch tensor.name {
        case "x": features(examples, tensor.format)
        case "labels": labels(examples)
        default: DeviceTensor(filling: tensor, seed: seed)
        }
      values.upload(to: core.hbm, at: lowered.program.tensors[index].address)
    }
  }

  private func batch(_ index: Int) -> LabelledExamples {
    training.selecting(Array(index * parameters.batch..<(index + 1) * parameters.batch))
  }

  private func features(_ examples: LabelledExamples, _ format: NumberFormat) -> DeviceTensor {
    DeviceTensor(format, count: examples.features.count) { examples.features[$0] }
  }

  private func labels(_ examples: LabelledExamples) -> DeviceTensor {
    DeviceTensor(.int32, count: examples.count) { Float(examples.labels[$0]) }
  }

  private func upload(
    _ examples: LabelledExamples, _ core: borrowing CoreState, x: Int, labels: Int?
  ) {
    features(examples, program.tensors[x].format)
      .upload(to: core.hbm, at: program.tensors[x].address)
    if let labels {
      self.labels(examples).upload(to: core.hbm, at: program.tensors[labels].address)
    }
  }

  /// The share of held-out examples that each epoch's logits classify rightly.
  func accuracies(_ core: borrowing CoreState) -> [Double] {
    var result: [Double] = []
    for allocation in logits {
      let values = core.hbm.download(
        Float.self, count: heldOut.count * parameters.classes,
        at: program.tensors[allocation].address)
      var right = 0
      for example in 0..<heldOut.count {
        let row = values[example * parameters.classes..<(example + 1) * parameters.classes]
        let best = row.indices.max { row[$0] < row[$1] } ?? row.startIndex
        if best - row.startIndex == heldOut.labels[example] { right += 1 }
      }
      result.append(Double(right) / Double(heldOut.count))
    }
    return result
  }
}
