import Dispatch
import Foundation
import Hardware
import InstructionSet
import NeuronCore
import Synchronization
import Units

/// How far a run's time moves when each assumed constant moves through its range.
struct Uncertainty {
  /// The root of the sum of squares of each constant's larger move, in percent of the run's time:
  /// the constants are taken to be wrong independently of each other.
  let percent: Double
  /// Paths of the assumed constants that moved the time at all, in the device's order.
  let constants: [String]

  /// Times the programs again with each assumed constant at either end of its range.
  ///
  /// The programs stay as they are: a compiler that knew the other machine might choose other
  /// tiles. An end at which a program breaks a rule of the device counts for nothing. Throws
  /// `cancelled`, and what running the programs throws.
  init(
    of programs: [Program], on device: Device, progress: (String, Double?) -> Void,
    isCancelled: () -> Bool
  ) throws(RunnerError) {
    let usual = try Self.time(programs, device)
    let moves = Self.moves(device)
    var squares = 0.0
    var constants: [String] = []
    let step = max(1, ProcessInfo.processInfo.activeProcessorCount)
    for start in stride(from: 0, to: moves.count, by: step) {
      if isCancelled() { throw .cancelled }
      progress("uncertainty", Double(start) / Double(moves.count))
      let part = Array(moves[start..<min(moves.count, start + step)])
      for (move, larger) in zip(part, Self.largest(part, programs, usual)) where larger > 0 {
        constants.append(move.path)
        let share = 100 * Double(larger) / Double(max(1, usual))
        squares += share * share
      }
    }
    percent = squares.squareRoot()
    self.constants = constants
  }

  /// A constant and the devices at the two ends of its range.
  private struct Move: Sendable {
    var path: String
    var ends: [Device]
  }

  private static func moves(_ device: Device) -> [Move] {
    device.constants().compactMap { row in
      guard row.confidence == .assumed else { return nil }
      let ends = [RangeEnd.low, .high].compactMap { end -> Device? in
        var moved = device
        guard (try? moved.move(row.path, to: end)) != nil, (try? moved.checkLimits()) != nil else {
          return nil
        }
        return moved
      }
      return Move(path: row.path, ends: ends)
    }
  }

  /// The larger change of time for each of several constants, one host thread each.
  private static func largest(_ moves: [Move], _ programs: [Program], _ usual: Int64) -> [Int64] {
    let results = Mutex([Int64](repeating: 0, count: moves.count))
    DispatchQueue.concurrentPerform(iterations: moves.count) { index in
      let changes = moves[index].ends.map { device in
        (try? time(programs, device)).map { abs($0 - usual) } ?? 0
      }
      results.withLock { $0[index] = changes.max() ?? 0 }
    }
    return results.withLock { $0 }
  }

  private static func time(_ programs: [Program], _ device: Device) throws(RunnerError) -> Int64 {
    var total = device.envelope.fixedKernel.value.value
    for program in programs {
      let loaded = try GraphRun.load(program, device)
      let run = try ProgramRun(
        loaded, computes: false, options: RunOptions(device: device), traceFile: nil,
        isCancelled: { false }, prepare: { _ in })
      total += run.totals.duration.value
    }
    return total
  }
}
