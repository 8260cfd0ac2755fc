package import Foundation
package import Hardware
package import Results
package import Units

/// How workloads are run and what is recorded.
package struct RunOptions: Sendable {
  /// What a run records beside its result.
  package enum Trace: Hashable, Sendable {
    /// Nothing.
    case off
    /// The state of every engine each interval of simulated time.
    case samples(interval: Picoseconds)
    /// Every instruction and transfer.
    case events

    /// The sampling interval; 0 where nothing is sampled.
    var intervalPicoseconds: Int64 {
      if case .samples(let interval) = self { interval.value } else { 0 }
    }
  }

  /// The modelled device.
  package var device: Device
  /// Values and times, or times alone; nil leaves it to the workload.
  package var mode: RunMode?
  /// What inputs and weights are drawn from.
  package var seed: UInt64 = 0
  /// Executions of each workload; host metrics keep all of them.
  package var repeats = 1
  /// What is recorded.
  package var trace = Trace.off
  /// True to report accesses that no semaphore orders.
  package var checksHazards = false
  /// True to time the run again with each assumed constant at the ends of its range.
  package var computesUncertainty = false
  /// The root of the result store.
  package var output = URL(fileURLWithPath: "Results")
  /// The commit that results belong to.
  package var source = SourceState.unknown

  /// The usual options on a device.
  package init(device: Device) { self.device = device }
}
