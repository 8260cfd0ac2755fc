import CoreState
import Hardware
import NumericFormats
import Testing
import VectorKernels

/// Rows between memory and scratch, against the element-by-element accessors.
@Suite struct RowTests {
  /// Free dimensions worth trying: dense, broadcast, backwards, nested, with gaps.
  static let shapes: [[(Int, Int)]] = [
    [(1, 1)], [(17, 1)], [(5, 0)], [(9, -1)], [(7, 3)], [(4, 0), (5, 1)], [(3, 5), (5, 1)],
    [(3, 7), (2, 3), (3, 1)], [(2, 40), (2, 0), (3, -2), (2, 1)], [(300, 1)],
  ]

  @Test(arguments: NumberFormat.allCases)
  func loadReadsWhatThePatternNames(_ format: NumberFormat) throws {
    var core = try makeCore()
    var generator = Generator(seed: 1)
    let all = pattern(.sbuf, format, partitions: 32..<36, byte: 0, [(512, 1)])
    core.setElements(all, to: randomValues(4 * 512, &generator))
    for shape in Self.shapes {
      let access = pattern(
        .sbuf, format, partitions: 32..<36, byte: 64 * format.sizeBytes, shape)
      let expected = core.elements(access)
      for partition in 0..<4 {
        core.load(access, partition: partition, into: .b, engine: .vector)
        let row = (0..<access.columns).map { core.rows[.b, $0] }
        let start = partition * access.columns
        let wanted = expected[start..<(start + access.columns)]
        // By pattern, for the scale format has no negative numbers and gives NaN.
        #expect(row.map(\.bitPattern) == wanted.map(\.bitPattern), "\(shape)")
      }
    }
  }

  @Test(arguments: NumberFormat.allCases)
  func storeWritesOnlyWhatThePatternNames(_ format: NumberFormat) throws {
    for shape in Self.shapes {
      var core = try makeCore()
      var generator = Generator(seed: 2)
      let access = pattern(
        .psum, format, partitions: 0..<3, byte: 128 * format.sizeBytes, shape)
      let all = pattern(.psum, format, partitions: 0..<3, byte: 0, [(512, 1)])
      core.setElements(all, to: randomValues(3 * 512, &generator))
      var expected = core.elementBits(all)
      for partition in 0..<3 {
        for index in 0..<access.columns {
          let value = Float.random(in: -4...4, using: &generator)
          core.rows[.c, index] = value
          let place = 128 + access.elementOffset(of: index)
          expected[partition * 512 + place] = format.encode(value) & Self.mask(format)
        }
        core.store(.c, to: access, partition: partition, engine: .vector)
      }
      #expect(core.elementBits(all) == expected, "\(shape)")
    }
  }

  private static func mask(_ format: NumberFormat) -> UInt32 {
    format.sizeBytes == 4 ? .max : (1 << UInt32(8 * format.sizeBytes)) - 1
  }

  @Test(arguments: [NumberFormat.float32, .bfloat16, .float8e4m3])
  func copyBitsKeepsEveryBit(_ format: NumberFormat) throws {
    for shape in Self.shapes {
      var core = try makeCore()
      var generator = Generator(seed: 3)
      let source = pattern(.sbuf, format, partitions: 0..<2, byte: 1024, shape)
      let target = pattern(
        .psum, format, partitions: 0..<2, byte: 0, [(source.columns, 2)])
      let all = pattern(.sbuf, format, partitions: 0..<2, byte: 0, [(2048, 1)])
      let bits = (0..<4096).map { _ in UInt32.random(in: 0...UInt32.max, using: &generator) }
      core.setElementBits(all, to: bits)
      for partition in 0..<2 {
        core.copyBits(from: source, to: target, partition: partition, engine: .vector)
      }
      #expect(core.elementBits(target) == core.elementBits(source), "\(shape)")
    }
  }

  @Test func aRegisterMovesThePattern() throws {
    var core = try makeCore()
    let all = pattern(.sbuf, .float32, partitions: 0..<1, byte: 0, [(64, 1)])
    core.setElements(all, to: (0..<64).map(Float.init))
    var access = pattern(.sbuf, .float32, partitions: 0..<1, byte: 8, [(2, 1)])
    access.register = 5
    core.setRegister(5, of: .scalar, to: 40)
    let moved = core.scalar(access, partition: 0, engine: .scalar)
    let still = core.scalar(access, partition: 0, engine: .vector)
    #expect(moved == 12)
    #expect(still == 2)
    let limit = Device.trainium2.memory.sbufBytesPerPartition.value
    let inside = core.reaches(access, offset: limit - 16)
    let outside = core.reaches(access, offset: limit - 15)
    #expect(inside && !outside)
  }

  @Test func registersBelongToTheirEngine() throws {
    var core = try makeCore()
    for (index, engine) in Engine.allCases.enumerated() {
      core.setRegister(63, of: engine, to: Int32(index))
    }
    let values = Engine.allCases.map { core.register(63, of: $0) }
    #expect(values == [0, 1, 2, 3, 4])
  }

  @Test func blocksAreTransposedWithinTheirQuadrant() throws {
    let source = pattern(.sbuf, .bfloat16, partitions: 0..<64, byte: 0, [(64, 1)])
    for target in [
      source, pattern(.psum, .bfloat16, partitions: 64..<128, byte: 128, [(64, 1)]),
      pattern(.psum, .bfloat16, partitions: 64..<128, byte: 128, [(64, 2)]),
    ] {
      var core = try makeCore()
      var generator = Generator(seed: 4)
      let bits = (0..<(64 * 64)).map { _ in UInt32.random(in: 0...0xFFFF, using: &generator) }
      core.setElementBits(source, to: bits)
      core.transposeBlocks(from: source, to: target, side: 32, engine: .vector)
      let result = core.elementBits(target)
      var expected = bits
      for row in 0..<64 {
        for column in 0..<64 {
          let (blockRow, blockColumn) = (row / 32 * 32, column / 32 * 32)
          let origin = (blockRow + column % 32) * 64 + blockColumn + row % 32
          expected[row * 64 + column] = bits[origin]
        }
      }
      #expect(result == expected)
    }
  }
}
