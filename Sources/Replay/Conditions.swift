import CoreState
import Hardware
import InstructionSet
import NeuronCore
import ProfileImport
import Units

/// What a replay takes from the capture beside the program, as model times.
///
/// `offset` is what a capture's time must be moved by to become the model's: the first trigger
/// comes at the same moment on both clocks.
struct Conditions {
  let report: ProfileReport
  let core: String
  let rebuilt: RebuiltProgram
  let offset: Int64

  /// Updates of semaphores that nothing rebuilt makes, as the capture saw them.
  func updates() -> [(time: Int64, update: SemaphoreUpdate)] {
    let orphans = rebuilt.orphans
    guard !orphans.isEmpty else { return [] }
    return report.semaphores.compactMap { row in
      guard row.core == core, let number = UInt8(exactly: row.semaphore), orphans.contains(number),
        let value = UInt32(exactly: row.value)
      else { return nil }
      return (row.time + offset, SemaphoreUpdate(number, .write, value))
    }
  }

  /// When each transfer's increments were seen, counted from the beginning of its trigger's row.
  ///
  /// The transfers of one semaphore take its increments in order; where the capture lost some, the
  /// last one seen stands for them. `incomplete` counts such transfers.
  func transferDelays() -> (delays: [UInt32: [Int64]], incomplete: Int) {
    var increments: [UInt8: [Int64]] = [:]
    for row in report.semaphores.sorted(by: { ($0.time, $0.value) < ($1.time, $1.value) }) {
      guard row.core == core, row.value > 0, let number = UInt8(exactly: row.semaphore) else {
        continue
      }
      increments[number, default: []].append(row.time)
    }
    var delays: [UInt32: [Int64]] = [:]
    var incomplete = 0
    for counter in transfers() {
      let update = rebuilt.program.segments[0].instructions[counter].update
      guard update.operation == .add, let times = increments[update.semaphore] else { continue }
      let start = rebuilt.rows[counter].start
      var own = times.prefix(Int(update.value)).map { max(0, $0 - start) }
      increments[update.semaphore]?.removeFirst(own.count)
      guard let last = own.last else { continue }
      if own.count < Int(update.value) {
        incomplete += 1
        own += repeatElement(last, count: Int(update.value) - own.count)
      }
      delays[UInt32(counter)] = own
    }
    return (delays, incomplete)
  }

  /// Program counters of all triggers in the order in which the capture ran them.
  private func transfers() -> [Int] {
    let instructions = rebuilt.program.segments[0].instructions
    return instructions.indices.filter { instructions[$0].operation.opcode.isDMA }
      .sorted { (rebuilt.rows[$0].start, $0) < (rebuilt.rows[$1].start, $1) }
  }

  /// The device with the limiter's phase that the capture shows: its windows run on their own
  /// clock, and one that changes the rate is recorded when it begins. Nil when none of that kind
  /// is.
  func deviceWithPhase(_ device: Device) -> Device? {
    let windows = report.limiter.filter { $0.core == core }
    let isStepped = windows.allSatisfy { $0.allowed == $0.period || 2 * $0.allowed == $0.period }
    guard isStepped, let mark = windows.first(where: { $0.allowed == $0.period && $0.start > 0 })
    else { return nil }
    let clock = device.clocks.sequencer.value
    let window =
      (2 * device.limiter.windowCycles.value * clock.numerator + clock.denominator)
      / (2 * clock.denominator)
    guard window > 0 else { return nil }
    let rest = (mark.start + offset) % window
    var changed = device
    // The first window ends within one length of the beginning.
    changed.limiter.phase.value = Picoseconds((rest + window) % window - window)
    return changed
  }
}
