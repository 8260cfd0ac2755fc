import Units

/// What the executions of each program row add up to while a trace is written, number by number in
/// arrays of their own: a long program has many rows, and an event changes few numbers of one.
struct RowTally: Sendable {
  /// Executions on an engine, by row; the last place is of counters without a row, in all arrays.
  private(set) var instructions: [Int64] = [0]
  /// Busy picoseconds on engines; empty where nobody knows them.
  private(set) var busy: [Int64] = [0]
  /// Stalled picoseconds on engines, by `StallCause`; empty for causes that never stood before one.
  private(set) var stalls = Array(repeating: [Int64](), count: StallCause.count)
  /// Records on DMA tracks.
  private(set) var transfers: [Int64] = [0]
  /// Busy picoseconds on DMA engines; empty where nobody knows them.
  private(set) var transferBusy: [Int64] = [0]

  /// No rows yet.
  init() {}

  /// Rows of which the model counted how often they ran, and nobody how long they took.
  init(_ counts: RowCounts) {
    (instructions, transfers) = (counts.executions + [0], counts.transfers + [0])
    (busy, transferBusy) = ([], [])
  }

  /// Places, the last one among them.
  var count: Int { instructions.count }

  /// Whether the row of a place was executed.
  func hasRun(_ place: Int) -> Bool { instructions[place] != 0 || transfers[place] != 0 }

  /// Makes room for rows that were added to the program.
  mutating func grow(rowCount: Int) {
    let added = rowCount + 1 - count
    guard added > 0 else { return }
    func widen(_ numbers: inout [Int64]) {
      guard let last = numbers.popLast() else { return }
      numbers.append(contentsOf: repeatElement(0, count: added))
      numbers.append(last)
    }
    widen(&instructions)
    widen(&busy)
    for cause in stalls.indices { widen(&stalls[cause]) }
    widen(&transfers)
    widen(&transferBusy)
  }

  /// Adds executions on an engine, each at its place on the track.
  mutating func add(_ stretch: TrackLevels.Stretch) {
    for cause in 0..<StallCause.count where stretch.causes[cause] != 0 && stalls[cause].isEmpty {
      stalls[cause] = Array(repeating: 0, count: count)
    }
    let last = count - 1
    for index in stretch.events.indices {
      let (event, place) = (stretch.events[index], stretch.places[index])
      let row = min(Int(event.programCounter), last)
      instructions[row] &+= 1
      busy[row] &+= place.busyEnd &- place.busyStart
      if event.wait.value > 0 {
        stalls[Int(event.stallCause.rawValue)][row] &+= place.busyStart &- place.stallStart
      }
    }
  }

  /// Adds records of transfers, each on so many DMA tracks.
  mutating func add(transfers stretch: TrackLevels.Stretch, tracks: Int) {
    let last = count - 1
    for index in stretch.events.indices {
      let place = stretch.places[index]
      let row = min(Int(stretch.events[index].programCounter), last)
      transfers[row] &+= Int64(tracks)
      transferBusy[row] &+= Int64(tracks) &* (place.busyEnd &- place.busyStart)
    }
  }
}
