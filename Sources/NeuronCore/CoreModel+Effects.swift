import CoreState
import Hardware
import InstructionSet

extension CoreModel {
  /// Carries out what the instruction does: values, registers, hazard bookkeeping.
  @inline(never)
  mutating func carryOut(_ engine: Int, _ index: Int, _ record: IssueRecord) throws(RunError) {
    let kind = Engine(rawValue: UInt8(engine))!
    let (segment, place) = place(of: index)
    let program = loaded.program
    let operation = program.segments[segment].instructions[place].operation
    if let sanitizer {
      if record.traits.contains(.isDynamic) { try checkAddresses(operation, kind, place) }
      let ring = record.opcode.isDMA ? Int(loaded.transfers[Int(record.extent)].queue) : 0
      sanitizer.execute(
        operation, record, engine: engine, counter: index, ring: ring,
        invocation: engines[engine].invocation
      ) { register in
        register == AccessPattern.noRegister ? 0 : core.offset(register, kind)
      }
    }
    guard computes || record.traits.contains(.touchesRegisters) else { return }
    if record.opcode.readsTensors { bind(engines[engine].invocation) }
    if record.opcode == .compareBranch, case .register(let branch) = operation,
      !branch.isKnown(on: core, engine: kind)
    {
      throw .fault(
        Fault(
          record.opcode.name, operand: "ra",
          .value(
            found: "a word of memory in timing mode",
            allowed: "--mode functional: its value decides what runs"), index: place, engine: kind))
    }
    if record.traits.contains(.isDynamic) {
      do { try operation.checkRegisters(on: core, engine: kind) } catch { throw .fault(error) }
    }
    operation.execute(on: &core, engine: kind)
  }

  /// Checks that addresses that come from registers stay inside their memories, with or without
  /// data in them.
  private func checkAddresses(_ operation: Operation, _ engine: Engine, _ place: Int)
    throws(RunError)
  {
    let memory = loaded.device.memory
    var fault: Fault?
    operation.memoryAccesses { location, _ in
      let extent: Range<Int>
      let limit: Int
      switch location {
      case .onChip(let access):
        guard access.register != AccessPattern.noRegister else { return }
        extent = access.byteExtent.shifted(core.offset(access.register, engine))
        limit =
          access.space == .sbuf
          ? memory.sbufBytesPerPartition.value : memory.psumBytesPerPartition.value
      case .hbm(let access):
        guard access.register != AccessPattern.noRegister else { return }
        let invocation = engines[Int(engine.rawValue)].invocation
        let tensor = loaded.program.invocations[invocation].tensors[Int(access.tensor)]
        let address = loaded.program.tensors[tensor].address
        extent = access.byteExtent.shifted(address + core.offset(access.register, engine))
        limit = loaded.program.hbmBytes
      }
      guard extent.lowerBound < 0 || extent.upperBound > limit, fault == nil else { return }
      let found = extent.lowerBound < 0 ? extent.lowerBound : extent.upperBound
      fault = Fault(
        operation.opcode.name, operand: "register", .outOfBounds(found: found, limit: limit),
        index: place, engine: engine)
    }
    if let fault { throw .fault(fault) }
  }

  /// Names the addresses of an invocation's tensors to the core.
  mutating func bind(_ invocation: Int) {
    guard invocation != boundInvocation else { return }
    boundInvocation = invocation
    core.tensorAddresses = loaded.program.invocations[invocation].tensors.map {
      loaded.program.tensors[$0].address
    }
  }

  /// Where a branch goes, when it is taken.
  func branchTarget(_ engine: Int) -> Int? {
    guard case .register(let branch) = instruction(at: engines[engine].next).operation else {
      return nil
    }
    let isTaken = branch.isTaken(on: core, engine: Engine(rawValue: UInt8(engine))!)
    return isTaken ? Int(branch.target) : nil
  }
}

extension Range<Int> {
  /// The range moved by some steps.
  fileprivate func shifted(_ steps: Int) -> Range<Int> {
    lowerBound + steps..<upperBound + steps
  }
}
