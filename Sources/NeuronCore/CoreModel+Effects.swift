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
    if !computes, record.opcode == .tensorLoad {
      throw .fault(
        Fault(
          record.opcode.name, operand: "src",
          .value(found: "timing mode", allowed: "--mode functional: its value decides what runs"),
          index: place, engine: kind))
    }
    if record.traits.contains(.isDynamic) {
      do { try operation.checkRegisters(on: core, engine: kind) } catch { throw .fault(error) }
    }
    operation.execute(on: &core, engine: kind)
  }

  /// Names the addresses of an invocation's tensors to the core.
  private mutating func bind(_ invocation: Int) {
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
