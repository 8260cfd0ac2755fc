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
    /// The instructions and transfers that touch a stretch of simulated time.
    case window(from: Picoseconds, to: Picoseconds)
    /// The last instructions and transfers, at most so many compressed bytes of them.
    case ring(sizeBytes: Int)

    /// The word for it on the command line and in a trace.
    var name: String {
      switch self {
      case .off: "off"
      case .samples: "samples"
      case .events: "events"
      case .window: "window"
      case .ring: "ring"
      }
    }

    /// The sampling interval; 0 where nothing is sampled.
    var intervalPicoseconds: Int64 {
      if case .samples(let interval) = self { interval.value } else { 0 }
    }
  }

  /// How values are stored in formats that do not hold them.
  package enum Rounding: String, Hashable, Sendable, CaseIterable {
    /// To the nearest number, as engines do unless told otherwise.
    case nearest
    /// To one of the two neighbours at random, seeded.
    case stochastic
    /// Not at all: every stored value keeps the bits of fp32, so that what is left of an error is
    /// the algorithm's own. Layout and times stay as they are.
    case none

    /// How the result of such a run is told apart; nil for the usual one.
    var variant: String? {
      switch self {
      case .nearest: nil
      case .stochastic: "stochastic"
      case .none: "unrounded"
      }
    }
  }

  /// The modelled device.
  package var device: Device
  /// Values and times, or times alone; nil leaves it to the workload.
  package var mode: RunMode?
  /// How values are stored.
  package var rounding = Rounding.nearest
  /// What inputs, weights and stochastic rounding are drawn from.
  package var seed: UInt64 = 0
  /// What sets the run apart from the usual one of its workload, such as another number format:
  /// part of the names of its files. The runner says it once it knows the workload.
  var variant: String?
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
  package var source: SourceState { lookup.state }
  /// Where `source` comes from: it may still be asked for.
  package var lookup = SourceLookup(.unknown)

  /// The usual options on a device.
  package init(device: Device) { self.device = device }
}
