public import Hardware
public import InstructionSet
public import NeuronCore
import CoreState

/// The programs of a chip's cores, checked against a device and against each other.
public final class LoadedChip: Sendable {
  /// The device that they were checked for.
  public let device: Device
  /// The programs and who runs them.
  public let program: ChipProgram
  /// The loaded program of each core, in the order of `program.cores`.
  public let cores: [LoadedProgram]

  /// Checks cores, groups and every instruction.
  public init(_ program: ChipProgram, device: Device) throws(ChipError) {
    self.program = program
    self.device = device
    try Self.checkCores(program, device)
    try Self.checkGroups(program)
    var known: [LoadedKey: LoadedProgram] = [:]
    var loaded: [LoadedProgram] = []
    for core in program.cores {
      let key = LoadedKey(
        program: core.program, surroundings: Self.surroundings(of: core.number, program))
      if known[key] == nil {
        do {
          known[key] = try LoadedProgram(
            program.programs[core.program], device: device, in: key.surroundings)
        } catch { throw .illegal(core: core.number, error) }
      }
      try CollectiveRules(program: program, core: core.number).check(
        program.programs[core.program])
      loaded.append(known[key]!)
    }
    cores = loaded
  }

  private struct LoadedKey: Hashable {
    var program: Int
    var surroundings: Surroundings
  }

  private static func checkCores(_ program: ChipProgram, _ device: Device) throws(ChipError) {
    guard !program.cores.isEmpty else { throw .empty }
    let limit = device.memory.coresPerChip.value
    var last = -1
    for core in program.cores {
      guard (0..<limit).contains(core.number) else {
        throw .core(
          number: core.number, reason: "\(device.name) has cores 0 to \(limit - 1) on a chip")
      }
      guard core.number != last else {
        throw .core(number: core.number, reason: "has two programs; give it one")
      }
      guard program.programs.indices.contains(core.program) else {
        throw .core(number: core.number, reason: "there is no program \(core.program)")
      }
      last = core.number
    }
    let size = program.coresPerLogicalCore
    guard size != 1 else { return }
    guard size == 2, device.memory.coresPerStack.value == 2 else {
      throw .logicalCores(
        found: size,
        reason: "\(device.name) has logical cores of "
          + (device.memory.coresPerStack.value == 2 ? "1 or 2" : "1"))
    }
  }

  private static func checkGroups(_ program: ChipProgram) throws(ChipError) {
    let numbers = Set(program.cores.map(\.number))
    for (index, group) in program.groups.enumerated() {
      guard !group.isEmpty else { throw .group(index: index, reason: "names no core") }
      guard Set(group).count == group.count else {
        throw .group(index: index, reason: "names a core twice")
      }
      if let stranger = group.first(where: { !numbers.contains($0) }) {
        throw .group(index: index, reason: "core \(stranger) has no program")
      }
    }
  }

  /// What a core runs in: a chip; half of a logical core when its partner runs too.
  private static func surroundings(of core: Int, _ program: ChipProgram) -> Surroundings {
    let numbers = Set(program.cores.map(\.number))
    let isPair =
      program.coresPerLogicalCore == 2
      && program.partners(of: core).allSatisfy { numbers.contains($0) }
    return isPair ? [.chip, .logicalCore] : .chip
  }
}
