import NeuronCore

/// Keeps every event of a replay: a profile's program is small.
struct TimelineObserver: Observer {
  /// One instruction and the engine that ran it.
  var instructions: [(event: Event, engine: Int)] = []
  /// One transfer and how many DMA engines shared it.
  var transfers: [(event: Event, engines: Int)] = []

  mutating func ran(_ event: Event, on engine: Int) { instructions.append((event, engine)) }
  mutating func moved(_ event: Event, engines: Int) { transfers.append((event, engines)) }
}
