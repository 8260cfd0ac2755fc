import TraceFile
import Units

/// The values of all semaphores at some moments of a run, from a walk over its records that holds
/// none of them.
///
/// Blocks of different tracks do not follow each other in order of time. A value is its last write
/// and what was added since: so a first walk finds the last write of each semaphore in each stretch
/// between moments, and a second one adds up what came after it. A program without writes takes one
/// walk.
struct SemaphoreCheckpoints {
  /// The moments, in order.
  let times: [Int64]
  /// By moment and semaphore: the value that all records ending before the moment have left.
  private(set) var values: [[UInt32]]

  /// Where a change stands among those of a semaphore.
  private struct Place: Comparable {
    var time: Int64
    var track: UInt8
    var ordinal: Int

    static func < (a: Place, b: Place) -> Bool {
      (a.time, a.track, a.ordinal) < (b.time, b.track, b.ordinal)
    }
  }

  /// What a stretch does to a semaphore.
  private struct Stretch {
    var lastWrite: (place: Place, value: UInt32)?
    var added: Int64 = 0
  }

  /// Reads the records of a run up to the last moment; before the first of them semaphores hold
  /// `before`, or 0. What is damaged stays out, and is known to the reader.
  init(
    _ reader: borrowing TraceReader, facts: [RowFacts], at moments: [Int64],
    before: [UInt32] = []
  ) throws(TraceError) {
    times = moments.sorted()
    let semaphores = facts.reduce(before.count) { max($0, $1.semaphores.upperBound) }
    var stretches = times.map { _ in Array(repeating: Stretch(), count: semaphores) }
    values = times.map { _ in Array(repeating: 0, count: semaphores) }
    guard let end = times.last, semaphores > 0 else { return }
    let engines = TrackID.engines
    if facts.contains(where: \.isWrite) {
      try Self.forEach(reader, facts, of: engines, times, end) { stretch, facts, place in
        guard facts.isWrite else { return }
        for semaphore in facts.semaphores
        where stretches[stretch][semaphore].lastWrite.map({ $0.place < place }) ?? true {
          stretches[stretch][semaphore].lastWrite = (place, facts.update.applied(to: 0))
        }
      }
    }
    try Self.forEach(reader, facts, of: TrackID.all, times, end) { stretch, facts, place in
      guard !facts.isWrite else { return }
      let semaphore = Int(facts.update.semaphore)
      let last = stretches[stretch][semaphore].lastWrite?.place
      guard last.map({ $0 < place }) ?? true else { return }
      let change: Int64 = place.track < TrackID.engineCount ? Int64(facts.update.value) : 1
      stretches[stretch][semaphore].added +=
        facts.update.operation == .subtract ? -change : change
    }
    for semaphore in 0..<semaphores {
      var value = semaphore < before.count ? Int64(before[semaphore]) : 0
      for (index, stretch) in stretches.enumerated() {
        let own = stretch[semaphore]
        value = max(0, (own.lastWrite.map { Int64($0.value) } ?? value) + own.added)
        values[index][semaphore] = UInt32(truncatingIfNeeded: value)
      }
    }
  }

  /// Hands on each change of a semaphore before the last moment, with the number of its stretch.
  private static func forEach(
    _ reader: borrowing TraceReader, _ facts: [RowFacts], of tracks: [TrackID], _ times: [Int64],
    _ end: Int64, _ body: (Int, RowFacts, Place) -> Void
  ) throws(TraceError) {
    var ordinals = Array(repeating: 0, count: TrackID.count)
    _ = try reader.readEvents(of: tracks, to: Picoseconds(end)) { track, batch in
      let index = Int(track.rawValue)
      var near = 0
      for event in batch {
        ordinals[index] += 1
        let row = Int(event.programCounter)
        guard row < facts.count, facts[row].update.operation != .none,
          facts[row].isTransfer == track.isDMA, event.end.value < end
        else { continue }
        // Records come about in order of time, so that the stretch is near that of the one before.
        while near < times.count - 1, times[near] <= event.end.value { near += 1 }
        while near > 0, times[near - 1] > event.end.value { near -= 1 }
        body(
          near, facts[row],
          Place(time: event.end.value, track: track.rawValue, ordinal: ordinals[index]))
      }
    }
  }
}

extension RowFacts {
  /// Whether its update does not depend on the value before.
  fileprivate var isWrite: Bool { update.operation == .write || update.operation == .clear }

  /// The semaphores that it changes.
  fileprivate var semaphores: Range<Int> {
    guard update.operation != .none else { return 0..<0 }
    let first = Int(update.semaphore)
    return first..<first + (update.operation == .clear ? Int(update.value) : 1)
  }
}
