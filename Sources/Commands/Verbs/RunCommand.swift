import ArgumentParser
import BenchmarkRunner
import Hardware
import Results
import TerminalUI
import Units

/// What `--trace` records.
enum TraceChoice: String, CaseIterable {
  case off, samples, events, window, ring
}

/// `trnbench run`
struct RunCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run workloads on the model, check them, and save the results.",
    usage: "trnbench run <workload> ... [<options>]",
    discussion: """
      A workload is named family/name; quotes keep a glob such as 'llm/*' from the shell. A suite \
      is a list of workloads. A .trnasm or .trnp file is read and run, and so is an .onnx model: its \
      inputs come from .npy files or are drawn from the seed. A .safetensors file of BERT's weights \
      with its config.json beside it is run on the tokens that --input gives. Everything is checked \
      before the first run begins, and one failing run does not stop the others.

      EXAMPLES
        trnbench run quick
        trnbench run kernel/matmul-512-bf16 --trace events
        trnbench run 'llm/*' --mode timing --device trn2,trn3 --jobs 4
        trnbench run kernel/softmax-4096 --seed 7 --check --format json
        trnbench run kernel/matmul-512-bf16 --rounding none
        trnbench run copy.trnasm
        trnbench run model.onnx --input x=x.npy --dim sequence=128 --output-tensors out
        trnbench run model.onnx --input x=x.npy --reference

      EXIT CODES
        0  every run finished and its values are right
        3  a run failed: wrong values, a deadlock, a hazard, a fault
       64  unknown name or bad input     74  reading or writing failed
      130  interrupted, after what was finished has been saved
      """)

  @OptionGroup var output: OutputOptions

  @Argument(
    help: ArgumentHelp(
      "Workloads, globs, suites, .onnx, .safetensors, .trnasm or .trnp files.",
      valueName: "workload"))
  var names: [String]

  @Option(
    help: ArgumentHelp(
      "A device or device file, or several with commas; by default what the workload's file "
        + "says.", valueName: "name"),
    completion: .list(DeviceNames.all))
  var device: [String] = []

  @Option(
    help: ArgumentHelp(
      "functional computes values and times, timing times alone, both to the same picosecond; "
        + "by default what the workload's file says.", valueName: "mode"),
    completion: .list(RunMode.allCases.map(\.rawValue)), transform: { try Choice.of($0) })
  var mode: RunMode?

  @Option(
    help: ArgumentHelp(
      "Another number format, where the workload allows it; fp32, bf16 or fp16 for models.",
      valueName: "format"))
  var precision: String?

  @Option(
    help: ArgumentHelp(
      "The value of a model's input, as NumPy writes it; others are drawn from the seed.",
      valueName: "name=file.npy"))
  var input: [String] = []

  @Option(
    help: ArgumentHelp(
      "The length of an axis that a model leaves open.", valueName: "name=length"))
  var dim: [String] = []

  @Option(help: ArgumentHelp("The length of first axes that a model leaves open.", valueName: "n"))
  var batch: Int?

  @Option(
    help: ArgumentHelp("Where a model's outputs are written as .npy.", valueName: "folder"),
    completion: .directory)
  var outputTensors: String?

  @Flag(
    help: "Evaluate models in float64 on the host alone: no device, no times, no result kept.")
  var reference = false

  @Option(
    help: ArgumentHelp(
      "How values are stored in narrower formats: nearest, stochastic (seeded), or none, which "
        + "keeps every value in fp32 and shows the algorithm's own error. Times stay the same. "
        + "(default: nearest)", valueName: "how"),
    completion: .list(RunOptions.Rounding.allCases.map(\.rawValue)),
    transform: { try Choice.of($0) })
  var rounding: RunOptions.Rounding = .nearest

  @Option(help: ArgumentHelp("What inputs and weights are drawn from.", valueName: "n"))
  var seed: UInt64 = 0

  @Option(
    name: .customLong("repeat"),
    help: ArgumentHelp(
      "Executions of each workload, for host metrics with several samples.", valueName: "n"))
  var repeats = 1

  @Option(help: ArgumentHelp("Independent runs at a time.", valueName: "n"))
  var jobs = 1

  @Option(
    help: ArgumentHelp(
      "Record off, samples, events, window (the events between --trace-from and --trace-to) or "
        + "ring (the last events, --ring-size of them). (default: off)", valueName: "what"),
    completion: .list(TraceChoice.allCases.map(\.rawValue)), transform: { try Choice.of($0) })
  var trace: TraceChoice = .off

  @Option(
    help: ArgumentHelp(
      "Simulated time between two samples, such as 500ns. (default: 1us)", valueName: "time"),
    transform: { try TimeText.parseInterval($0) })
  var sampleInterval: Picoseconds?

  @Option(
    help: ArgumentHelp("Where a window begins. (default: 0us)", valueName: "time"),
    transform: { try TimeText.parse($0) })
  var traceFrom: Picoseconds?

  @Option(
    help: ArgumentHelp("Where a window ends.", valueName: "time"),
    transform: { try TimeText.parse($0) })
  var traceTo: Picoseconds?

  @Option(
    help: ArgumentHelp("MiB that a ring keeps. (default: 16)", valueName: "n"))
  var ringSize: Int?

  @Option(
    name: .customLong("output"),
    help: ArgumentHelp("Where results are kept. (default: Results)", valueName: "folder"),
    completion: .directory)
  var folder: String?

  @Flag(
    inversion: .prefixedNo,
    help: "Watch every access: order, bytes never written, sums never begun, overlaps.")
  var check = false

  @Flag(help: "Print the kernels that the workloads become, with bytes and bounds; run nothing.")
  var plan = false

  @Flag(help: "Time each run again with every assumed constant at the ends of its range.")
  var uncertainty = false

  /// Runs everything, prints the tables, and says how the gravest run ended.
  func execute(_ context: CommandContext) throws -> Outcome {
    let environment = context.environment
    if reference {
      let sources = try names.map { name in
        guard ModelArguments.isModel(name) else {
          throw CommandFailure.unsupported(
            what: "--reference evaluates models; '\(name)' is none",
            advice: "name .onnx or .safetensors files")
        }
        try ModelArguments.check(precision.map { try DeviceNames.format($0) })
        return try model.source(name, precision: nil, folds: true, environment)
      }
      return try ReferenceRun(context: context, sources: sources).run()
    }
    let items = try runPlan(environment).items(environment)
    if plan { return try show(items, context) }
    try Self.refuseNamesakes(items)
    let references = try ReferenceColumn("h100", environment)
    environment.watchInterrupts(environment.interruption)
    let progress = RunProgress(
      environment, total: items.count, isShown: context.format != .json)
    let records = RunSession(environment: environment, jobs: jobs, progress: progress).run(items)
    try RunPrinter(context: context, records: records, references: references).print()
    return Outcome.gravest(records.map(\.outcome))
  }

  /// Refuses files of one name: the second's result would stand in place of the first's.
  private static func refuseNamesakes(_ items: [RunItem]) throws(CommandFailure) {
    var seen: Set<String> = []
    for item in items where !seen.insert(item.options.device.identity + " " + item.name).inserted {
      throw .unsupported(
        what: "two of the files are called \(item.name), and the second result would replace the "
          + "first",
        advice: "run one after the other, each with an --output of its own")
    }
  }

  /// The plans of all workloads, one after the other.
  private func show(_ items: [RunItem], _ context: CommandContext) throws -> Outcome {
    if context.format == .table || items.count == 1 {
      for item in items { try context.show(PlanTable(item).table()) }
    } else {
      // One document, in which each row names its workload.
      try context.show(PlanTable.together(items.map { try PlanTable($0) }))
    }
    return .done
  }

  private func runPlan(_ environment: CommandEnvironment) throws -> RunPlan {
    try positive(repeats, "--repeat")
    try positive(jobs, "--jobs")
    guard trace == .samples || sampleInterval == nil else {
      throw CommandFailure.unsupported(
        what: "--sample-interval without --trace samples means nothing",
        advice: "add --trace samples or leave the interval out")
    }
    let places = Places(environment)
    var options = RunOptions(device: .trainium2)
    options.mode = mode
    options.rounding = rounding
    options.seed = seed
    options.repeats = repeats
    options.checksHazards = check
    options.computesUncertainty = uncertainty
    options.output = places.results(named: folder)
    options.lookup = SourceLookup(in: places.git)
    options.trace = try recording()
    return RunPlan(
      names: names, devices: device, precision: try precision.map { try DeviceNames.format($0) },
      model: model, options: options)
  }

  private var model: ModelArguments {
    ModelArguments(
      inputs: input, dimensions: dim, batch: batch, outputTensors: outputTensors, seed: seed)
  }

  /// What is recorded, with the options that belong to it.
  private func recording() throws -> RunOptions.Trace {
    try belongs(traceFrom != nil || traceTo != nil, to: .window, "--trace-from or --trace-to")
    try belongs(ringSize != nil, to: .ring, "--ring-size")
    switch trace {
    case .off: return .off
    case .samples: return .samples(interval: sampleInterval ?? .nanoseconds(1_000))
    case .events: return .events
    case .ring:
      let size = ringSize ?? 16
      try positive(size, "--ring-size")
      return .ring(sizeBytes: min(size, 1 << 20) << 20)
    case .window:
      guard let to = traceTo, to > traceFrom ?? .zero else {
        throw CommandFailure.badValue(
          option: "--trace-to", found: traceTo.map { "\($0.value) ps" } ?? "nothing",
          expected: "a time after --trace-from")
      }
      return .window(from: traceFrom ?? .zero, to: to)
    }
  }

  private func belongs(
    _ isGiven: Bool, to choice: TraceChoice, _ option: String
  ) throws(CommandFailure) {
    guard isGiven, trace != choice else { return }
    throw .unsupported(
      what: "\(option) without --trace \(choice.rawValue) means nothing",
      advice: "add --trace \(choice.rawValue) or leave it out")
  }

  private func positive(_ value: Int, _ option: String) throws(CommandFailure) {
    guard value >= 1 else {
      throw .badValue(option: option, found: "\(value)", expected: "a whole number above 0")
    }
  }
}
