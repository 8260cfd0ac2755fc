import ArgumentParser
import Hardware
import Results

/// `trnbench list`
struct ListCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List what there is to run, to run on, and to compare with.",
    usage: "trnbench list [<what>] [<options>]",
    discussion: """
      Lists workloads, suites, devices, references (published numbers of other hardware), kernels \
      or instructions; workloads if nothing is said.

      EXAMPLES
        trnbench list
        trnbench list devices
        trnbench list workloads --device trn3
        trnbench list instructions --device trn3 --format markdown
      """)

  @OptionGroup var output: OutputOptions

  @Argument(
    help: ArgumentHelp(
      "workloads (default), suites, devices, references, kernels or instructions.",
      valueName: "what"),
    completion: .list(ListingKind.allCases.map(\.rawValue)), transform: { try Choice.of($0) })
  var kind: ListingKind = .workloads

  @Option(
    help: ArgumentHelp(
      "Workloads that run on this device unless told otherwise; instructions that it has.",
      valueName: "name"),
    completion: .list(DeviceNames.all))
  var device: String?

  /// Prints the list; files that cannot be read are named on standard error.
  func execute(_ context: CommandContext) throws -> Outcome {
    let listing = try listing(context.environment)
    try context.show(listing.table, key: kind.rawValue)
    let reports = listing.failures.map { ErrorReport($0) }
    for report in reports { try context.complain(report.message) }
    return Outcome.gravest(reports.map(\.outcome))
  }

  private func listing(_ environment: CommandEnvironment) throws -> Listing {
    let places = Places(environment)
    let device = try device.map { try DeviceNames.device($0, environment) }
    guard device == nil || kind == .workloads || kind == .instructions else {
      throw CommandFailure.unsupported(
        what: "--device picks workloads and instructions, not \(kind.rawValue)",
        advice: "leave it out, or list workloads or instructions")
    }
    switch kind {
    case .workloads: return WorkloadListing.workloads(try places.catalog(), on: device?.name)
    case .suites: return WorkloadListing.suites(try places.catalog())
    case .devices: return DeviceListing.devices()
    case .references: return WorkloadListing.references(try places.references())
    case .kernels: return KernelListing.kernels(on: .trainium2)
    case .instructions: return ProgramListing.instructions(on: device ?? .trainium2)
    }
  }
}
