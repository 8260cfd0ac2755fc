import CoreState
import Hardware
import InstructionSet
import NumericFormats

/// Watches every access of a run for what a program must not do although the model gets through:
/// accesses that nothing orders, bytes that nothing wrote, sums that were never begun, allocations
/// that share bytes. What cannot be run at all is a fault, out of bounds for one.
///
/// A class: large, shared with nobody, and absent in a run that is not checked.
final class Sanitizer {
  /// Reports are cut here; one missing wait shows up many times.
  private static let maximumReports = 64

  private(set) var reports: [HazardReport]
  private let program: Program
  private let bases: [Int]
  private var order: OrderChecker
  private var sbuf: WrittenBytes
  private var psum: WrittenBytes
  private var hbm: WrittenHBM
  private var groups: AccumulationGroups
  /// Program counters that were reported: an instruction in a loop is reported once.
  private var reported: Set<Int> = []

  init(_ loaded: LoadedProgram) {
    let memory = loaded.device.memory
    let partitions = memory.partitions.value
    program = loaded.program
    bases = loaded.bases
    order = OrderChecker(
      device: loaded.device, wordBytes: Self.smallestElement(of: loaded.program))
    sbuf = WrittenBytes(
      partitions: partitions, bytesPerPartition: memory.sbufBytesPerPartition.value)
    psum = WrittenBytes(
      partitions: partitions, bytesPerPartition: memory.psumBytesPerPartition.value)
    hbm = WrittenHBM(
      given: loaded.program.tensors.filter { $0.contents == .given }.map {
        $0.address..<$0.address + $0.sizeBytes
      })
    groups = AccumulationGroups(
      partitions: partitions, bytesPerPartition: memory.psumBytesPerPartition.value)
    reports = AllocationChecker.reports(loaded.program, limit: Self.maximumReports)
    for preset in loaded.program.presets {
      if preset.space == .sbuf {
        sbuf.mark(preset, runs: preset.byteRuns)
      } else {
        psum.mark(preset, runs: preset.byteRuns)
      }
    }
  }

  /// Bytes of the smallest element on chip that a program names, at most two: accesses are told
  /// apart to the byte where single bytes matter.
  private static func smallestElement(of program: Program) -> Int {
    var smallest = 2
    for segment in program.segments where smallest > 1 {
      for instruction in segment.instructions {
        instruction.operation.memoryAccesses { location, _ in
          if case .onChip(let access) = location {
            smallest = min(smallest, access.format.sizeBytes)
          }
        }
      }
    }
    return smallest
  }

  /// An engine's wait is met: it now knows what the updaters knew.
  func wait(_ wait: SemaphoreWait, engine: Int) { order.wait(wait, engine: engine) }

  /// An instruction runs; `offset` gives the bytes that a register adds to an address.
  func execute(
    _ operation: Operation, _ record: IssueRecord, engine: Int, counter: Int, ring: Int,
    invocation: Int, offset: (UInt8) -> Int
  ) {
    let agent = order.begin(record, engine: engine, ring: ring, invocation: invocation)
    var accesses: [(location: DataLocation, isWrite: Bool)] = []
    operation.memoryAccesses { accesses.append(($0, $1)) }
    // What an instruction reads was there before what it writes.
    for isWrite in [false, true] {
      for access in accesses where access.isWrite == isWrite {
        let step = Step(
          operation: operation, agent: agent, counter: counter, isWrite: isWrite)
        switch access.location {
        case .onChip(let pattern): note(pattern.moved(byBytes: offset(pattern.register)), step)
        case .hbm(let tensor):
          var moved = tensor
          moved.byteOffset += Int64(offset(tensor.register))
          note(moved, step, binding: program.invocations[invocation].tensors)
        }
      }
    }
    order.end(operation, record, agent: agent)
  }

  /// What is known of an instruction while its accesses are looked at.
  private struct Step {
    var operation: Operation
    var agent: Int
    var counter: Int
    var isWrite: Bool
  }

  private func note(_ access: AccessPattern, _ step: Step) {
    let runs = access.byteRuns
    if let conflict = order.note(
      access, runs: runs, isWrite: step.isWrite, agent: step.agent, counter: step.counter)
    {
      report(conflict, step)
    }
    guard step.isWrite else {
      // Which elements of a view offsets choose is not known here.
      if access.isIndirect { return }
      let missing =
        access.space == .sbuf
        ? sbuf.firstUnwritten(access, runs: runs) : psum.firstUnwritten(access, runs: runs)
      if let missing {
        reportUnwritten(
          step, "\(access.space.name) partition \(missing.partition) byte \(missing.byte)")
      }
      return
    }
    if access.space == .sbuf {
      sbuf.mark(access, runs: runs)
    } else {
      psum.mark(access, runs: runs)
      noteGroup(access, step)
    }
  }

  private func noteGroup(_ access: AccessPattern, _ step: Step) {
    guard case .matmul(let matmul) = step.operation else {
      groups.write(access, counter: step.counter)
      return
    }
    guard let misuse = groups.product(matmul, counter: step.counter) else { return }
    append(
      HazardReport(
        kind: .accumulation,
        earlier: misuse.writer.map { self.access($0, agent: nil, isWrite: true) },
        later: self.access(step.counter, agent: step.agent, isWrite: true),
        place: "psum partition \(misuse.partition) byte \(misuse.byte)"), step.counter)
  }

  private func note(_ access: TensorAccess, _ step: Step, binding: [Int]) {
    let index = binding[Int(access.tensor)]
    let allocation = program.tensors[index]
    if let conflict = order.note(
      access, allocation: index, isWrite: step.isWrite, agent: step.agent, counter: step.counter)
    {
      report(conflict, step)
    }
    // Rows that an index chooses stand for the whole table: which of them hold something is not
    // known here, and which were written neither.
    if case .dmaIndirect(let indirect) = step.operation {
      if step.isWrite, let table = indirect.tableExtent {
        hbm.mark(table.lowerBound + allocation.address..<table.upperBound + allocation.address)
      }
      return
    }
    var missing: Int?
    access.forEachRun { run in
      let bytes = run.lowerBound + allocation.address..<run.upperBound + allocation.address
      if step.isWrite { hbm.mark(bytes) } else { missing = missing ?? hbm.firstUnwritten(bytes) }
    }
    if let missing {
      reportUnwritten(
        step, "hbm tensor '\(allocation.name)' byte \(missing - allocation.address)")
    }
  }

  // MARK: Reports

  private func report(_ conflict: ShadowConflict, _ step: Step) {
    append(
      HazardReport(
        kind: .unordered,
        earlier: access(Int(conflict.counter), agent: conflict.agent, isWrite: conflict.isWrite),
        later: access(step.counter, agent: step.agent, isWrite: step.isWrite),
        place: conflict.place), step.counter)
  }

  private func reportUnwritten(_ step: Step, _ place: String) {
    append(
      HazardReport(
        kind: .uninitialized, earlier: nil,
        later: access(step.counter, agent: step.agent, isWrite: false), place: place),
      step.counter)
  }

  private func append(_ report: HazardReport, _ counter: Int) {
    guard reports.count < Self.maximumReports, reported.insert(counter).inserted else { return }
    reports.append(report)
  }

  /// What a report says of an instruction; an agent tells transfers of the same queue apart.
  private func access(_ counter: Int, agent: Int?, isWrite: Bool) -> HazardReport.Access {
    var segment = 0
    while bases[segment + 1] <= counter { segment += 1 }
    let owner = program.segments[segment]
    let index = counter - bases[segment]
    let instruction = owner.instructions[index]
    let site =
      owner.sites.indices.contains(Int(instruction.site))
      ? owner.sites[Int(instruction.site)] : Site(kernel: owner.name)
    let known = agent.map { order.owner($0) }
    return HazardReport.Access(
      engine: known?.engine ?? owner.engine(of: index),
      isTransfer: known?.isTransfer ?? instruction.operation.opcode.isDMA,
      programCounter: counter, instruction: instruction.operation.opcode.name, isWrite: isWrite,
      kernel: site.kernel, source: site.source)
  }
}
