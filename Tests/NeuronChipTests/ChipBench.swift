import CoreState
import Hardware
import InstructionSet
import NeuronChip
import NeuronCore
import NumericFormats
import Units

/// Programs of several cores under construction, for tests.
struct ChipBench {
  var device = Device.trainium2
  var coresPerLogicalCore = 2
  var groups: [[Int]] = []
  /// The streams of each core.
  var streams: [[[Instruction]]]
  var tensors: [TensorParameter] = []

  init(cores: Int, coresPerLogicalCore: Int = 2) {
    self.coresPerLogicalCore = coresPerLogicalCore
    streams = Array(
      repeating: Array(repeating: [], count: Engine.allCases.count), count: cores)
  }

  /// Appends an instruction to a queue of a core.
  mutating func add(
    _ core: Int, _ engine: Engine, _ operation: Operation, wait: SemaphoreWait = .none,
    update: SemaphoreUpdate = .none
  ) {
    streams[core][Int(engine.rawValue)].append(
      Instruction(operation, wait: wait, update: update))
  }

  /// The programs of what was added.
  var program: ChipProgram {
    let programs = streams.indices.map { core -> Program in
      let segment = Segment(name: "core\(core)", streams: streams[core], tensors: tensors)
      var address = 0
      let allocations = tensors.map { tensor in
        defer { address += (tensor.sizeBytes + 63) & ~63 }
        return TensorAllocation(
          name: tensor.name, address: address, sizeBytes: tensor.sizeBytes, format: .float32)
      }
      return Program(
        segments: [segment],
        invocations: [Invocation(segment: 0, tensors: Array(tensors.indices))],
        tensors: allocations)
    }
    return ChipProgram(
      programs: programs, groups: groups, coresPerLogicalCore: coresPerLogicalCore)
  }

  /// A chip that is about to run the programs.
  func chip(computes: Bool = false) throws -> ChipModel {
    try ChipModel(
      LoadedChip(program, device: device), computes: computes, checksHazards: false)
  }

  /// Runs the programs in timing mode.
  func run(threads: Int = 1) throws -> ChipTotals {
    var chip = try chip()
    return try chip.run(threads: threads)
  }
}

/// Columns of SBUF at an offset.
func sbuf(_ columns: Int, at byte: Int = 0, partitions: Int = 128) -> AccessPattern {
  AccessPattern(
    .sbuf, .float32, partitions: 0..<partitions, byteOffset: byte, columns: columns)
}

/// A row of a tensor in HBM.
func row(_ tensor: Int, _ count: Int, at element: Int = 0) -> DataLocation {
  .hbm(
    TensorAccess(
      tensor: tensor, .float32, byteOffset: element * 4, rows: 1, columns: count,
      rowStride: count))
}

extension ChipTotals {
  /// The duration of a core's run.
  func duration(_ core: Int) -> Int64 {
    cores.first { $0.number == core }!.totals.duration.value
  }
}
