import CoreState
import InstructionSet
import NeuronCore

/// An instruction that met others, with the core that came to it.
struct CoreMeeting: Sendable {
  var core: Int
  var meeting: Meeting
}

/// One core of a chip. A class so that a stack can hold several: models cannot be copied.
final class ChipCore {
  let number: Int
  var model: CoreModel
  /// What its transfers take of the stack at full pace, in bytes per microsecond.
  var demand: Int64 = 0
  /// The part of its pace that its transfers have now.
  var pace = TransferPace.Share.full
  var watcher: CoreWatcher

  init(number: Int, model: consuming CoreModel, watcher: consuming CoreWatcher) {
    self.number = number
    self.model = model
    self.watcher = watcher
  }
}

/// The cores whose HBM lies in one stack, advanced together on one thread.
///
/// They touch nothing in common but the stack's bandwidth: whoever is behind goes on, up to the
/// earliest time at which another's demand could change. Where all of them want more than the
/// stack has, each gets an equal part, and what one does not need goes to the others.
struct CoreStack {
  let cores: [ChipCore]
  /// Bytes per microsecond.
  private let bandwidth: Int64

  init(_ cores: [ChipCore], bandwidth: Int64) {
    self.cores = cores
    self.bandwidth = bandwidth
    if cores.count > 1 { for core in cores { core.model.shareStack() } }
  }

  /// The next time at which something happens in any of the cores.
  var nextTime: Int64 { cores.reduce(Int64.max) { min($0, $1.model.nextTime) } }

  /// Goes on until nothing is left before `limit`, or until a core comes to a meeting.
  func advance(to limit: Int64) throws(ChipError) -> [CoreMeeting] {
    while true {
      var first = cores[0]
      for core in cores.dropFirst() where core.model.nextTime < first.model.nextTime {
        first = core
      }
      let time = first.model.nextTime
      guard time < limit else { return [] }
      var bound = limit
      for core in cores where core !== first { bound = min(bound, core.model.nextDemandChange) }
      // Two that change at once do so one after the other.
      do {
        try first.model.advance(to: max(bound, time + 1), watchedBy: &first.watcher)
      } catch {
        if case .cancelled = error { throw .cancelled }
        throw .run(core: first.number, error)
      }
      if cores.count > 1 { share(after: first) }
      let meetings = first.model.takeMeetings()
      if !meetings.isEmpty { return meetings.map { CoreMeeting(core: first.number, meeting: $0) } }
    }
  }

  /// Divides the stack's bandwidth anew after a core's demand may have changed.
  private func share(after core: ChipCore) {
    let demand = core.model.takeDemand()
    guard demand != core.demand else { return }
    core.demand = demand
    let time = core.model.transferTime
    let shares = StackShares(bandwidth: bandwidth, demands: cores.map(\.demand))
    for (index, core) in cores.enumerated() where shares.paces[index] != core.pace {
      core.pace = shares.paces[index]
      core.model.setPace(core.pace, at: time)
    }
  }
}

/// How cores share the bandwidth of a stack: none gets more than it wants, and what is left is
/// divided equally among those that want more.
struct StackShares {
  /// The pace of each core.
  let paces: [TransferPace.Share]

  init(bandwidth: Int64, demands: [Int64]) {
    var left = bandwidth
    var granted = demands
    let order = demands.indices.sorted { (demands[$0], $0) < (demands[$1], $1) }
    for (place, index) in order.enumerated() {
      let equal = left / Int64(order.count - place)
      granted[index] = min(demands[index], equal)
      left -= granted[index]
    }
    paces = demands.indices.map { TransferPace.Share(granted: granted[$0], of: demands[$0]) }
  }
}
