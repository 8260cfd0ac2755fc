package import CoreState
package import Hardware
import InstructionSet

/// How many bytes into a tensor a transfer begins, as the device computed it: a register of the
/// sequencer of the queue that triggers.
package struct OffsetRegister: Hashable, Sendable {
  let queue: Engine
  /// Counts the registers that the queue was given, beyond those that it has.
  let number: Int
  /// The largest offset: that of the last entry of a table.
  let bound: Int32
}

extension KernelBuilder {
  /// Reads the number of an entry of a table, a 32-bit whole number on chip, into a register of a
  /// queue and makes it the entry's offset. The queue's next registers take the place of its first
  /// ones, since a sequencer has read them by then.
  ///
  /// - Parameters:
  ///   - entry: one element.
  ///   - stepBytes: bytes from one entry to the next.
  ///   - count: entries. The last one begins within 2^31 bytes.
  package mutating func offsetRegister(
    _ entry: Tile, stepBytes: Int, count: Int, on queue: Engine = .sync,
    file: String = #fileID, line: UInt = #line
  ) -> OffsetRegister {
    precondition(count > 0 && stepBytes * (count - 1) <= Int(Int32.max), "a register holds it")
    let site = site(file, line)
    let register = OffsetRegister(
      queue: queue, number: registerCounts[Int(queue.rawValue)],
      bound: Int32(stepBytes * (count - 1)))
    registerCounts[Int(queue.rawValue)] += 1
    let index = Int(self.index(of: register))
    append(
      .tensorLoad(TensorLoad(index, from: .onChip(entry.access))), on: queue, site: site)
    appendControl(
      .register(.arithmetic(index, index, .multiply, .immediate(Int32(stepBytes)))), on: queue,
      site: site)
    return register
  }

  /// dma_copy from HBM into a tile, from so many bytes behind `access` as a register says; one that
  /// says more than the last entry's offset moves nothing.
  package mutating func load(
    _ tile: Tile, from access: TensorAccess, offset: OffsetRegister, file: String = #fileID,
    line: UInt = #line
  ) {
    precondition(holds(offset), "the register is taken")
    var source = access
    source.register = index(of: offset)
    transfer(
      .onChip(tile.access), from: .hbm(source), on: offset.queue, bound: offset.bound,
      site: site(file, line))
  }

  /// The same where a register says so, else a plain transfer on a queue.
  package mutating func load(
    _ tile: Tile, from access: TensorAccess, offset: OffsetRegister?, on queue: Engine,
    file: String = #fileID, line: UInt = #line
  ) {
    if let offset {
      load(tile, from: access, offset: offset, file: file, line: line)
    } else {
      load(tile, from: access, on: queue, file: file, line: line)
    }
  }

  /// False when a later register of the queue has taken its place.
  package func holds(_ register: OffsetRegister) -> Bool {
    registerCounts[Int(register.queue.rawValue)] - register.number
      <= device.memory.registersPerSequencer.value
  }

  private func index(of register: OffsetRegister) -> UInt8 {
    UInt8(register.number % device.memory.registersPerSequencer.value)
  }
}
