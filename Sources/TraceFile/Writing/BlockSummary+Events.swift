import Units

/// Times and totals of a run of events, taken before they are encoded.
struct EventTotals {
  var summary = BlockSummary()
  var timeMin: Int64 = 0
  var timeMax: Int64 = 0
  /// The first event that breaks the format's limits.
  var illegalIndex: Int?

  /// Walks `events` with the track's cursor; `rowBytes` by program counter, empty for engines.
  init(_ events: [TraceEvent], cursor: inout TimelineCursor, rowBytes: [Int64]) {
    guard let first = events.first else { return }
    timeMin = first.start.value &- first.wait.value
    timeMax = first.end.value
    var place = cursor
    for (index, event) in events.enumerated() {
      guard event.isWithinLimits else {
        illegalIndex = index
        return
      }
      let added = place.place(event)
      summary.busy &+= added.busyEnd &- added.busyStart
      if event.wait.value != 0 {
        summary.stall[Int(event.stallCause.rawValue)] &+= added.busyStart &- added.stallStart
      }
      timeMin = min(timeMin, event.start.value &- event.wait.value)
      timeMax = max(timeMax, event.end.value)
      if Int(event.programCounter) < rowBytes.count {
        summary.bytes &+= rowBytes[Int(event.programCounter)]
      }
    }
    cursor = place
  }
}

extension BlockSummary {
  /// Counts of samples by state, in the places of the picosecond totals.
  init(samples: [TraceSample]) {
    self.init()
    for sample in samples {
      if sample.state == .busy || sample.state.movingEngines != nil {
        busy += 1
      } else if let cause = sample.state.stallCause {
        stall[Int(cause.rawValue)] += 1
      }
    }
  }
}
