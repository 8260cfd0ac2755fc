import CoreState
import Hardware
import InstructionSet
import NeuronCore
import NumericFormats
import Testing

/// Addresses and branches that depend on a word of memory.
@Suite struct ChosenAddressTests {
  private static let word = DataLocation.onChip(sbuf(1, .int32, at: 1024, partitions: 1))

  /// Loads a word into a register of a queue, and lets transfers begin there.
  private func bench(_ queue: Engine, transfers: Int, isDynamic: Bool = true) -> TestBench {
    var bench = TestBench()
    bench.tensors = [TensorParameter(name: "t", sizeBytes: 1 << 20)]
    var access = TensorAccess(
      tensor: 0, .float32, byteOffset: 0, rows: 128, columns: 64, rowStride: 64)
    if isDynamic { access.register = 5 }
    bench.add(queue, .tensorLoad(TensorLoad(5, from: Self.word)))
    bench.add(queue, .register(.arithmetic(5, 5, .multiply, .immediate(32_768))))
    for index in 0..<transfers {
      bench.add(
        queue, .dma(DMADirect(.onChip(sbuf(64, at: 4096 + 256 * index)), from: .hbm(access))),
        update: SemaphoreUpdate(0, .add, 16))
    }
    return bench
  }

  /// Where a transfer begins is nothing that its time depends on.
  @Test(arguments: [Engine.sync, .scalar, .gpsimd]) func bothModesTakeTheSameTime(queue: Engine)
    throws
  {
    let bench = bench(queue, transfers: 6)
    let timed = try bench.run(computes: false, checksHazards: true).totals
    let computed = try bench.run(computes: true, checksHazards: true).totals
    #expect(timed == computed)
  }

  /// One address from a register every 600 cycles of 0.96 GHz, or as slowly as any.
  @Test(arguments: [Engine.sync, .scalar]) func anAddressFromARegisterTakesItsTime(queue: Engine)
    throws
  {
    let starts = try bench(queue, transfers: 4).run().rows(queue, .dmaDirect).map(\.start)
    for (first, second) in zip(starts, starts.dropFirst()) {
      #expect(second - first >= 625)
    }
    let fixed = try bench(queue, transfers: 4, isDynamic: false).run().rows(queue, .dmaDirect)
    #expect(fixed[3].start - fixed[0].start < starts[3] - starts[0])
  }

  /// What runs is another matter.
  @Test func aBranchOnAnUnknownWordIsAFault() throws {
    for (copied, comparison) in [
      (5, RegisterComparison.less), (6, .equal), (5, .always),
    ] {
      var bench = TestBench()
      bench.add(.vector, .tensorLoad(TensorLoad(5, from: Self.word)))
      bench.add(.vector, .register(.move(6, from: .register(5))))
      bench.add(.vector, .register(.branch(copied, comparison, .immediate(3), to: 4)))
      bench.add(.vector, .memset(Memset(sbuf(8), 1)))
      _ = try bench.run(computes: true)
      if comparison == .always {
        _ = try bench.run(computes: false)
      } else {
        #expect(throws: RunError.self) { try bench.run(computes: false) }
      }
    }
  }

  /// A register that is set again is known again.
  @Test func aNumberMakesARegisterKnown() throws {
    var bench = TestBench()
    bench.add(.vector, .tensorLoad(TensorLoad(5, from: Self.word)))
    bench.add(.vector, .register(.move(5, from: .immediate(3))))
    bench.add(.vector, .register(.branch(5, .less, .immediate(4), to: 3)))
    _ = try bench.run(computes: false)
  }
}
