import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats
import Testing

@Suite struct AllocationTests {
  @Test func tilesAreAlignedAndApart() throws {
    var builder = KernelBuilder(name: "tiles", device: .trainium2)
    let a = try builder.tile("a", 3, format: .bfloat16)
    let b = try builder.tile("b", 5, format: .float32)
    #expect(Int(a.access.byteOffset) % 64 == 0)
    #expect(Int(b.access.byteOffset) == 64)
  }

  @Test func sbufRunsOutWithAName() throws {
    var builder = KernelBuilder(name: "big", device: .trainium2)
    let limit = Device.trainium2.memory.sbufBytesPerPartition.value
    _ = try builder.tile("most", shape: [limit / 4 - 16], format: .float32)
    _ = try builder.tile("rest", 16, format: .float32)
    #expect(
      throws: BuilderError.outOfSBUF(name: "one more", neededBytes: 64, freeBytes: 0, kernel: "big")
    ) {
      try builder.tile("one more", 1, format: .float32)
    }
  }

  @Test func psumRunsOutWithAName() throws {
    var builder = KernelBuilder(name: "banks", device: .trainium2)
    _ = try builder.banks("six", buffers: 3, banksPerBuffer: 2)
    #expect(
      throws: BuilderError.outOfPSUM(name: "three", neededBanks: 3, freeBanks: 2, kernel: "banks")
    ) {
      try builder.banks("three", buffers: 3)
    }
  }

  @Test func scopesGiveMemoryBackSafely() throws {
    var builder = KernelBuilder(name: "scopes", device: .trainium2)
    let free = builder.freeSBUFBytes
    for value in 0..<3 {
      try builder.scope { builder throws(BuilderError) in
        let a = try builder.tile("a", 64, format: .float32)
        builder.memset(a, Float(value), on: value % 2 == 0 ? .vector : .gpsimd)
      }
    }
    #expect(builder.freeSBUFBytes == free)
    #expect(OrderChecker(try builder.finish()).problems == [])
  }

  /// NeuronCore-v2 reads a bias from memory: one column per number, filled once, alive to the end.
  @Test func biasesOfTheOldestCoreLieInMemory() throws {
    for (device, fills) in [(Device.trainium1, 2), (.trainium2, 0)] {
      var builder = KernelBuilder(name: "biases", device: device)
      for value in [Float(0), 1, 1, 2, 1] {
        try builder.scope { builder throws(BuilderError) in
          let tile = try builder.tile("t", 64, format: .float32)
          builder.memset(tile, 0.5, on: .gpsimd)
          builder.activation(tile, .exp, tile, bias: .immediate(value))
        }
      }
      let segment = try builder.finish()
      #expect(OrderChecker(segment).problems == [])
      #expect(segment.instructions.filter { $0.operation.opcode == .memset }.count == fills + 5)
      #expect(
        segment.buffers.filter { $0.name.hasPrefix("constant") }.allSatisfy {
          $0.life.upperBound == .max || $0.life.upperBound >= segment.instructions.count
        })
    }
  }

  @Test func tooManyBiasesAreRefused() throws {
    var builder = KernelBuilder(name: "biases", device: .trainium1)
    let tile = try builder.tile("t", 64, format: .float32)
    builder.memset(tile, 0)
    for value in 1...5 { builder.activation(tile, .exp, tile, bias: .immediate(Float(value))) }
    #expect(throws: BuilderError.self) { try builder.finish() }
  }

  @Test func poolsRotate() throws {
    var builder = KernelBuilder(name: "pool", device: .trainium2)
    var pool = try builder.pool("p", buffers: 2, 8, format: .float32)
    let first = pool.next()
    let second = pool.next()
    #expect(first != second)
    #expect(pool.next() == first)
  }

  @Test func viewsNameTheRightElements() throws {
    var builder = KernelBuilder(name: "views", device: .trainium2)
    let tile = try builder.tile("t", 4, 10, format: .float32)
    let base = Int(tile.access.byteOffset)
    #expect(Int(tile.block(2).access.byteOffset) == base + 80)
    #expect(Int(tile.block(2).columns(3..<5).access.byteOffset) == base + 92)
    #expect(tile.blocks(1..<3).columns == 20)
    #expect(tile.block(0).shaped(2, 5).access.strides == SIMD4(5, 1, 0, 0))
    #expect(tile.block(1).repeated(3).access.strides == SIMD4(0, 1, 0, 0))
    #expect(tile.rows(32..<64).access.startPartition == 32)
  }

  @Test func emptyKernelsHaveABarrierOnly() throws {
    let segment = try KernelBuilder(name: "empty", device: .trainium2).finish()
    #expect(OrderChecker(segment).problems == [])
    let isOnlyControl = segment.instructions.allSatisfy { $0.operation.opcode.isControl }
    #expect(isOnlyControl)
  }
}
