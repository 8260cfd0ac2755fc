import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats
import Testing

/// Transfers that begin where a register says.
@Suite struct OffsetRegisterTests {
  private func transfers(_ segment: Segment) -> [DMADirect] {
    segment.instructions.compactMap {
      if case .dma(let transfer) = $0.operation { transfer } else { nil }
    }
  }

  /// The load waits for the index, and for every row of the table that it may choose.
  @Test(arguments: [Engine.sync, .scalar, .gpsimd]) func everythingIsInOrder(queue: Engine) throws {
    var builder = KernelBuilder(name: "chosen", device: .trainium2)
    let table = builder.tensor("table", [8 * 128, 64], .float32)
    let source = try builder.tile("source", 64, format: .float32)
    let number = try builder.tile("number", partitions: 1, 4, format: .uint32)
    var rows = try builder.pool("rows", buffers: 2, 64, format: .float32)
    builder.memset(source, 3, on: .gpsimd)
    for slot in 0..<4 {
      builder.store(table.rows(slot * 128..<(slot + 1) * 128), from: source)
      builder.memset(number, 2, on: .vector)
      let offset = builder.offsetRegister(
        number.columns(slot..<slot + 1), stepBytes: 128 * table.rowBytes, count: 8, on: queue)
      let target = rows.next()
      builder.load(target, from: table.rows(0..<128), offset: offset)
      builder.tensorTensor(source, source, target, .add)
    }
    let segment = try builder.finish()
    #expect(OrderChecker(segment).problems == [])
    let dynamic = transfers(segment).filter { $0.skipsOutOfBounds }
    #expect(dynamic.map(\.bound) == Array(repeating: 7 * 128 * 256, count: 4))
  }

  /// A queue has 64 registers: more offsets take the place of those that were read.
  @Test func registersGoRound() throws {
    var builder = KernelBuilder(name: "many", device: .trainium2)
    let table = builder.tensor("table", [100, 64], .float32)
    let number = try builder.tile("number", partitions: 1, 1, format: .uint32)
    let row = try builder.tile("row", partitions: 1, 64, format: .float32)
    builder.memset(number, 1)
    for _ in 0..<150 {
      let offset = builder.offsetRegister(number, stepBytes: table.rowBytes, count: 100)
      builder.load(row, from: table.rows(0..<1), offset: offset)
    }
    let segment = try builder.finish()
    #expect(OrderChecker(segment).problems == [])
    let loads = segment.instructions.filter { $0.operation.opcode == .tensorLoad }
    #expect(loads.count == 150)
  }
}
