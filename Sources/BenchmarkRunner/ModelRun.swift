import CoreState
package import Foundation
import Hardware
import InstructionSet
package import Lowering
package import ModelGraph
package import ModelImport
import NeuronCore
import NumericFormats
package import Results
import Units
import WorkloadCatalog

/// A model as a file holds it.
package enum ModelFile: Sendable {
  /// Nodes with ONNX's meaning.
  case onnx(ONNXModel)
  /// Weights of an encoder.
  case encoder(EncoderModel)

  /// The name in messages.
  package var path: String {
    switch self {
    case .onnx(let model): model.path
    case .encoder(let model): model.path
    }
  }

  /// The model as a graph, as far as it can be read. Throws what either kind throws.
  package func read(_ options: ImportOptions) throws(ImportError) -> ImportedModel {
    switch self {
    case .onnx(let model): try model.read(options)
    case .encoder(let model): try model.imported(options)
    }
  }

  /// The model as a graph. Throws what either kind throws.
  package func imported(_ options: ImportOptions) throws(ImportError) -> ImportedModel {
    switch self {
    case .onnx(let model): try model.imported(options)
    case .encoder(let model): try model.imported(options)
    }
  }
}

/// A model file and what the command line says about it.
package struct ModelSource: Sendable {
  /// The name of the run, `model/<file>`.
  package var name: String
  /// The parsed file.
  package var model: ModelFile
  /// Inputs, open axes, number format.
  package var options: ImportOptions
  /// Where outputs are written as .npy; nil for nowhere.
  package var outputFolder: URL?

  /// A model to be run.
  package init(
    name: String, model: ModelFile, options: ImportOptions, outputFolder: URL? = nil
  ) {
    self.name = name
    self.model = model
    self.options = options
    self.outputFolder = outputFolder
  }
}

extension WorkloadRunner {
  /// Runs a model on the device, checks every kernel in functional mode, writes the outputs, and
  /// saves the result. Throws `RunnerError`; a model that cannot be carried out is `badInput` with
  /// all of its nodes that stand in the way.
  package func run(
    model source: ModelSource, progress: (String, Double?) -> Void, isCancelled: () -> Bool
  ) throws(RunnerError) -> WorkloadReport {
    let started = Date()
    try refuseRoundingWithoutValues(options.mode ?? .functional, source.name)
    let precision = source.options.precision
    let usual = precision == .float32 ? nil : precision.name
    let work = try ModelRun(named(variant(precision: usual)), source).run(progress, isCancelled)
    let model = try modelReport(work, source.name, progress, isCancelled)
    let result = RunResult(
      workload: source.name, device: options.device.identity, mode: options.mode ?? .functional,
      variant: variant(precision: usual), seed: options.seed,
      source: options.source, started: started.formatted(.iso8601),
      host: HostMachine.current().facts, metrics: work.metrics, work: work.description,
      numerics: work.numerics, model: model, trace: work.trace)
    do {
      let file = try ResultStore(root: options.output).save(result)
      return WorkloadReport(result: result, file: file, numerics: work.reports, laws: [])
    } catch { throw .results(error) }
  }
}

extension WorkloadRunner {
  /// The program that a model becomes on the device, without running it, and what of the model it
  /// does not hold. Throws `badInput`.
  package func lowered(model source: ModelSource) throws(RunnerError)
    -> (program: LoweredGraph, coverage: Coverage)
  {
    let run = ModelRun(self, source)
    let imported = try run.imported()
    let lowered = try run.lower(imported.graph, .timing)
    return (lowered, Coverage(imported, lowered))
  }
}

/// One model on one device.
struct ModelRun {
  private let runner: WorkloadRunner
  private let source: ModelSource
  private var options: RunOptions { runner.options }

  init(_ runner: WorkloadRunner, _ source: ModelSource) {
    self.runner = runner
    self.source = source
  }

  func run(_ progress: (String, Double?) -> Void, _ isCancelled: () -> Bool) throws(RunnerError)
    -> WorkOutcome
  {
    let mode = options.mode ?? .functional
    progress("importing", nil)
    let imported = try imported()
    progress("lowering", nil)
    let encoded = options.trace == .off ? nil : EncodedProgram(on: options.device)
    let lowered = try lower(imported.graph, mode, encoded)
    var trace: TraceRequest?
    if let encoded {
      encoded.finish(lowered.program)
      trace = try TraceRequest.make(
        options, workload: source.name, mode: mode, precision: source.options.precision,
        program: encoded, labels: lowered.labels)
    }
    let loaded = try GraphRun.load(lowered.program, options.device)
    var timings: [HostTiming] = []
    var outcome: WorkOutcome?
    for _ in 0..<max(1, options.repeats) {
      progress("running", nil)
      let run = try ProgramRun(
        loaded, computes: mode == .functional, options: options,
        traceFile: outcome == nil ? trace : nil, isCancelled: isCancelled,
        prepare: { core in fill(lowered, core) })
      if isCancelled() { throw .cancelled }
      timings.append(run.timing)
      if outcome == nil {
        var first = describe(imported, lowered, run.totals)
        if mode == .functional {
          progress("checking", nil)
          try verify(imported, lowered, run.core, &first, isCancelled)
        }
        outcome = first
      }
    }
    for (name, metric) in HostTiming.metrics(timings) { outcome!.metrics[name] = metric }
    return outcome!
  }

  func imported() throws(RunnerError) -> ImportedModel {
    let imported: ImportedModel
    do { imported = try source.model.read(source.options) } catch {
      throw .badInput(error.description)
    }
    guard imported.unsupported.isEmpty else {
      // Those that no kernel takes are named with them, as far as the model could be read.
      let refused = Lowerer(device: options.device).refusals(imported.graph).map {
        ModelImport.UnsupportedNode(node: $0.node, operation: $0.operation, reason: $0.reason)
      }
      throw .badInput(
        ImportError.unsupported(path: source.model.path, nodes: imported.unsupported + refused)
          .description)
    }
    guard !imported.graph.nodes.isEmpty else {
      throw .badInput(
        "\(source.model.path): \(imported.nothingLeft), so that nothing is left to run; "
          + "--reference evaluates it on the host")
    }
    return imported
  }

  func lower(
    _ graph: Graph, _ mode: RunMode, _ encoded: EncodedProgram? = nil
  ) throws(RunnerError) -> LoweredGraph {
    do {
      return try Lowerer(device: options.device).lower(
        graph, keepsIntermediates: mode == .functional, onSegment: { encoded?.append($0) })
    } catch { throw .badInput("\(source.model.path): \(error)") }
  }

  /// Fills inputs and weights with their values.
  private func fill(_ lowered: LoweredGraph, _ core: borrowing CoreState) {
    for tensor in lowered.graph.givenTensors {
      guard let index = lowered.allocations[tensor.name] else { continue }
      DeviceTensor(filling: tensor, seed: options.seed)
        .upload(to: core.hbm, at: lowered.program.tensors[index].address)
    }
  }

  private func describe(
    _ imported: ImportedModel, _ lowered: LoweredGraph, _ totals: NeuronCore.RunTotals
  ) -> WorkOutcome {
    let flops = Int64(lowered.operationCount)
    let metrics = SimulatedMetrics(
      device: options.device, totals: totals, modelFlops: flops, amount: (1, "inferences/s"),
      precision: source.options.precision)
    let coverage = Coverage(imported, lowered)
    var description = WorkDescription()
    description.precision = source.options.precision.name
    // Runs of one model on inputs of other sizes are other work.
    for tensor in imported.graph.tensors where tensor.role == .input {
      description.shape[tensor.name] = "\(tensor.shape)"
    }
    description.coverage = coverage
    description.nonFinite = imported.nonFinite.map(NonFiniteValues.init)
    description.flops = flops
    description.bytes = totals.hbmReadBytes + totals.hbmWriteBytes
    description.hbmFootprintBytes = Int64(lowered.footprintBytes)
    var outcome = WorkOutcome(
      metrics: metrics.metrics.merging(coverage.metrics) { first, _ in first },
      description: description, instructions: Int64(totals.instructions),
      trace: options.trace == .off ? nil : TraceRequest.path(options, workload: source.name))
    outcome.programs = [lowered.program]
    outcome.reports = imported.notes
    return outcome
  }

  /// Checks what every kernel left in HBM, compares the outputs with the whole graph in float64
  /// where that is affordable, and writes them.
  private func verify(
    _ imported: ImportedModel, _ lowered: LoweredGraph, _ core: borrowing CoreState,
    _ outcome: inout WorkOutcome, _ isCancelled: () -> Bool
  ) throws(RunnerError) {
    do {
      var checker = NumericsChecker(seed: options.seed)
      checker.expect(options.rounding)
      let reports = try GraphVerification(lowered, checker: checker).reports(core, isCancelled)
      if isCancelled() { throw RunnerError.cancelled }
      outcome.numerics = Results.NumericsReport(reports)
      outcome.reports += reports.filter { !$0.passed || $0.nonFiniteCount > 0 }.map(\.summary)
      var outputs: [(name: String, tensor: String?, view: TensorView)] = []
      for output in imported.outputs {
        if let view = output.constant { outputs.append((output.name, nil, view)) }
        guard let name = output.tensor, let tensor = lowered.graph.tensor(name) else { continue }
        if tensor.shape.elementCount == 0 {
          outputs.append(
            (output.name, nil, try TensorView([], shape: tensor.shape, type: tensor.type)))
          continue
        }
        guard let index = lowered.allocations[name] else { continue }
        var declared = tensor
        if core.keepsUnroundedValues { declared.removeRounding() }
        let view = try DeviceTensor(
          downloading: tensor, as: declared.format, from: core,
          at: lowered.program.tensors[index].address
        ).view(as: declared)
        outputs.append((output.name, name, view))
      }
      outcome.reports += try compared(outputs, imported.graph, checker.wholeBelowOperations)
      var names = ModelOutputs.Names()
      for output in outputs { try write(output.view, names.next(output.name)) }
    } catch let error as RunnerError { throw error } catch {
      throw .badInput("\(source.name): \(error)")
    }
  }

  /// One line per output: its likeness to the graph evaluated in float64 from end to end.
  private func compared(
    _ outputs: [(name: String, tensor: String?, view: TensorView)], _ graph: Graph,
    _ affordable: Int
  ) throws(GraphError) -> [String] {
    guard graph.operationCount < affordable else { return [] }
    var given: [String: TensorView] = [:]
    for tensor in graph.givenTensors {
      given[tensor.name] = try DeviceTensor(filling: tensor, seed: options.seed).view(as: tensor)
    }
    let values = try Float64Interpreter.evaluate(graph, given: given)
    return outputs.compactMap { output in
      guard let name = output.tensor, let reference = values[name] else { return nil }
      let likeness = Likeness(output.view.allValues, reference.allValues)
      return "output '\(output.name)' \(output.view.shape): \(likeness.text) with float64"
    }
  }

  private func write(_ view: TensorView, _ name: String) throws(RunnerError) {
    guard let folder = source.outputFolder else { return }
    do { try ModelOutputs.write(view, named: name, to: folder) } catch {
      throw .trace(error.description)
    }
  }
}

/// How alike two lists of numbers are. Places where either is not finite are compared by what
/// stands there, and left out of the cosine.
package struct Likeness {
  /// The cosine of the angle between them; 1 where both are zero.
  package let cosine: Double
  /// The largest difference.
  package let largestDifference: Double
  /// Places where both are the same and not finite: no number, or the same infinity.
  package let nonFiniteAlike: Int
  /// Places where one is not finite and the other is something else.
  package let nonFiniteUnlike: Int

  /// Compares element by element; the lists are equally long.
  package init(_ a: [Double], _ b: [Double]) {
    var (products, squaresA, squaresB, largest) = (0.0, 0.0, 0.0, 0.0)
    var (alike, unlike) = (0, 0)
    for (x, y) in zip(a, b) {
      guard x.isFinite, y.isFinite else {
        if x == y || x.isNaN && y.isNaN { alike += 1 } else { unlike += 1 }
        continue
      }
      products += x * y
      squaresA += x * x
      squaresB += y * y
      largest = x == y ? largest : max(largest, abs(x - y))
    }
    let size = (squaresA * squaresB).squareRoot()
    cosine = size == 0 ? (squaresA == squaresB ? 1 : 0) : products / size
    largestDifference = largest
    (nonFiniteAlike, nonFiniteUnlike) = (alike, unlike)
  }

  /// `cosine similarity 0.999998, largest difference 1.2e-05`.
  package var text: String {
    var text = String(
      format: "cosine similarity %.7f, largest difference %.2g", cosine, largestDifference)
    if nonFiniteAlike > 0 { text += " (\(nonFiniteAlike) not finite in both)" }
    if nonFiniteUnlike > 0 { text += " (\(nonFiniteUnlike) not finite in one alone)" }
    return text
  }
}

/// Outputs of models as files.
package enum ModelOutputs {
  /// File names for outputs: two whose names differ only in what a file name cannot hold are told
  /// apart by a number.
  struct Names {
    private var taken: Set<String> = []

    mutating func next(_ output: String) -> String {
      let name = ModelOutputs.fileName(output)
      var found = name
      var number = 2
      while !taken.insert(found).inserted {
        found = "\(name)-\(number)"
        number += 1
      }
      return found
    }
  }

  private static func fileName(_ output: String) -> String {
    String(output.map { $0.isLetter || $0.isNumber || "._-".contains($0) ? $0 : "_" })
  }

  /// Writes `<folder>/<name>.npy`; what a file name cannot hold becomes `_`.
  package static func write(_ view: TensorView, named name: String, to folder: URL)
    throws(ImportError)
  {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch { throw .unreadable(path: folder.path, reason: "the folder cannot be made") }
    try NumpyFile.write(view, to: folder.appendingPathComponent("\(fileName(name)).npy"))
  }
}
