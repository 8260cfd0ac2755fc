import BenchmarkRunner
import DeviceCatalog
import Foundation
import Hardware
import NumericFormats
import Results
import TerminalUI
import WorkloadCatalog

/// What a `run` command line asks for, every name checked before the first run begins.
struct RunPlan {
  /// Names, globs, suites and files as they were written.
  var names: [String]
  /// Devices as they were written; none leaves it to each workload.
  var devices: [String]
  /// A number format other than the workload's own.
  var precision: NumberFormat?
  /// What is said about models.
  var model = ModelArguments()
  /// Everything else; its device is replaced in each item.
  var options: RunOptions

  /// One item for each workload and device, in the order of the command line.
  func items(_ environment: CommandEnvironment) throws -> [RunItem] {
    let devices = try devices.flatMap { $0.split(separator: ",").map(String.init) }
      .map { try DeviceNames.device($0, environment) }
    var items: [RunItem] = []
    var catalog: WorkloadCatalog?
    var seen: Set<String> = []
    if !model.isEmpty, !names.contains(where: ModelArguments.isModel) {
      throw CommandFailure.unsupported(
        what: "--input, --dim, --batch and --output-tensors are for models",
        advice: "name an .onnx or .safetensors file, or leave them out")
    }
    if model.outputTensors != nil, options.mode == .timing {
      throw CommandFailure.unsupported(
        what: "timing mode computes no values that --output-tensors could write",
        advice: "leave one of the two out")
    }
    for name in names {
      if ModelArguments.isModel(name) {
        try ModelArguments.check(precision)
        let source = try model.source(name, precision: precision, folds: false, environment)
        items += (devices.isEmpty ? [.trainium2] : devices).map { device in
          item(source.name, .model(source), on: device)
        }
        continue
      }
      if let source = try source(name, environment) {
        items += try (devices.isEmpty ? [.trainium2] : devices).map { device in
          try source.check(on: device)
          let work: RunItem.Work =
            source.chip.map { .chip($0) } ?? .program(source.program)
          return item(RunResult.programPrefix + source.name, work, on: device)
        }
        continue
      }
      let known = try catalog ?? Places(environment).catalog()
      catalog = known
      if known.largeNames.contains(name) {
        throw try refusal(of: known.large(named: name), on: devices.first)
      }
      for workload in try known.resolve([name]) where seen.insert(workload).inserted {
        let specification = try specification(workload, known)
        let targets = try devices.isEmpty ? [Device.named(specification.defaultDevice)] : devices
        items += targets.map { device in
          item(workload, .workload(specification, known), on: device)
        }
      }
    }
    return items
  }

  private func specification(
    _ name: String, _ catalog: WorkloadCatalog
  ) throws(WorkloadError) -> WorkloadSpecification {
    let specification = try catalog.specification(named: name)
    guard let precision else { return specification }
    return try specification.with(precision: precision)
  }

  /// What a model needs that one chip does not have.
  private func refusal(of model: LargeModel, on given: Device?) throws -> CommandFailure {
    let device = try given ?? Device.named(model.device)
    let chip = device.memory.hbmBytesPerChip.value
    let chips = model.chips(of: chip)
    let size = { (bytes: Int) in String(format: "%.1f GiB", Double(bytes) / Double(1 << 30)) }
    let parameters = String(format: "%.2f", Double(model.parameterCount) / 1e9)
    let need =
      "\(parameters) billion parameters take \(size(model.bytes)) (\(model.contents)), and a "
      + "\(device.name) chip has \(size(chip))"
    return .unsupported(
      what: chips > 1
        ? "\(model.name) needs \(chips) \(device.name) chips: \(need)"
        : "\(model.name) has no program for one chip: \(need), which holds them, though what a "
          + "step computes comes on top",
      advice: "chips are not joined yet; on one chip: \(model.onOneChip.joined(separator: ", "))")
  }

  private func item(_ name: String, _ work: RunItem.Work, on device: Device) -> RunItem {
    var options = options
    options.device = device
    return RunItem(name: name, work: work, options: options)
  }

  /// The program of a file; nil for the name of a workload.
  private func source(
    _ name: String, _ environment: CommandEnvironment
  ) throws -> ProgramSource? {
    if ProgramSource.isProgram(name) { return try ProgramSource(environment.url(name)) }
    return nil
  }
}

/// Devices as the command line names them.
enum DeviceNames {
  /// The names of all devices, newest generation last.
  static var all: [String] { Device.all.map(\.name) }

  /// The device of that name or of that YAML file. Throws `HardwareError` and `DeviceFileError`.
  static func device(_ name: String, _ environment: CommandEnvironment) throws -> Device {
    guard isFile(name) else { return try Device.named(name) }
    return try DeviceFile.device(contentsOf: environment.url(name).path, shownAs: name)
  }

  /// True for the name of a device file.
  static func isFile(_ name: String) -> Bool {
    ["yaml", "yml"].contains((name as NSString).pathExtension.lowercased())
  }

  /// The number format of that name. Throws `badWord`.
  static func format(_ name: String) throws(CommandFailure) -> NumberFormat {
    let formats = NumberFormat.arithmeticFormats
    if let format = formats.first(where: { $0.name == name }) { return format }
    let known = formats.map(\.name)
    throw .badWord(
      option: "--precision", found: name, nearest: closestMatch(name, in: known), known: known)
  }
}
