import CoreState
import Hardware
import InstructionSet
import NeuronChip
import NeuronCore
import Testing
import Units

/// Cores that share the bandwidth of an HBM stack.
@Suite struct StackTests {
  private let device = Device.trainium2
  /// Elements of one long transfer: 32 MiB.
  private static let count = 8 << 20

  /// Some cores, each of which copies a tensor to another place in HBM.
  private func copying(_ cores: Int, _ copies: Int = 1) -> ChipBench {
    var bench = ChipBench(cores: cores, coresPerLogicalCore: 1)
    bench.tensors = [
      TensorParameter(name: "in", sizeBytes: Self.count * 4),
      TensorParameter(name: "out", sizeBytes: Self.count * 4),
    ]
    for core in 0..<cores {
      for index in 0..<copies {
        bench.add(
          core, .sync,
          .dma(DMADirect(row(1, Self.count), from: row(0, Self.count), queue: index)),
          update: SemaphoreUpdate(1, .add, 16))
      }
    }
    return bench
  }

  /// Bytes per microsecond of HBM traffic that all cores move together.
  private func rate(_ totals: ChipTotals) -> Double {
    let bytes = totals.cores.reduce(0) { $0 + $1.totals.hbmReadBytes + $1.totals.hbmWriteBytes }
    return Double(bytes) * 1e6 / Double(totals.duration.value)
  }

  /// One core copies as fast as its engines or the whole stack: the smaller of both.
  @Test func aLoneCoreMayUseItsWholeStack() throws {
    let stack = Double(device.hbmBytesPerMicrosecondPerStack)
    let engines =
      2 * Double(device.dma.enginesPerCore.value)
      * Double(device.dma.sustainedBytesPerMicrosecondPerEngine.value)
    let alone = rate(try copying(1).run())
    #expect(abs(alone - min(stack, engines)) < 0.03 * alone, "\(alone) B/us")
  }

  /// Two cores on one stack get half of it each, whoever else runs on other stacks.
  @Test(arguments: [2, 8]) func coresOfAStackShareIt(cores: Int) throws {
    let totals = try copying(cores).run()
    let stacks = Double(cores) / 2
    let all = stacks * Double(device.hbmBytesPerMicrosecondPerStack)
    #expect(abs(rate(totals) - all) < 0.03 * all, "\(rate(totals)) of \(all) B/us")
    let first = totals.duration(0)
    for core in totals.cores { #expect(abs(core.totals.duration.value - first) < first / 1_000) }
    #expect(try copying(cores).run(threads: 4) == totals)
  }

  /// When one core is done, the other gets the whole stack again: twice the work beside once takes
  /// as long as three times alone.
  @Test func whatOneLeavesTheOtherTakes() throws {
    var bench = copying(2, 2)
    bench.streams[1] = copying(1).streams[0]
    let totals = try bench.run()
    let alone = Double(try copying(1).run().duration.value)
    #expect(abs(Double(totals.duration(0)) - 3 * alone) < 0.03 * 3 * alone)
    #expect(abs(Double(totals.duration(1)) - 2 * alone) < 0.5 * alone)
  }

  /// A stack that has enough for both slows neither.
  @Test func coresThatWantLittleDisturbNobody() throws {
    func loading(_ cores: Int) -> ChipBench {
      var bench = ChipBench(cores: cores, coresPerLogicalCore: 1)
      bench.tensors = [TensorParameter(name: "in", sizeBytes: 1 << 16)]
      for core in 0..<cores {
        bench.add(
          core, .sync, .dma(DMADirect(.onChip(sbuf(128)), from: row(0, 128 * 128))),
          update: SemaphoreUpdate(1, .add, 16))
      }
      return bench
    }
    let alone = try loading(1).run()
    let eight = try loading(8).run()
    // One load of 64 KiB asks for less than half a stack only where the stack is wide enough.
    var wide = loading(8)
    wide.device.memory.hbmBytesPerSecondChip.value *= 4
    var wideAlone = loading(1)
    wideAlone.device.memory.hbmBytesPerSecondChip.value *= 4
    #expect(try wide.run().duration == wideAlone.run().duration)
    #expect(eight.duration >= alone.duration)
  }
}
