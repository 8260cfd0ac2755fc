import Threads
import Units

/// The events of one track in a block.
package struct TrackBatch: Sendable {
  /// The track.
  package let track: TrackID
  /// Its events there.
  package let batch: EventBatch
}

/// Blocks of events by their places in the file, for who looks at the same ones again and again.
extension TraceReader {
  /// The places of the blocks whose events may touch `from..<to`, in order of the file; of one
  /// track alone when it is given.
  package func eventBlocks(of track: TrackID? = nil, from: Int64, to: Int64) -> [Int] {
    contents.blocks.indices.filter { place in
      let block = contents.blocks[place]
      let isWanted =
        track.map { block.holds($0) }
        ?? (block.header.kind == .events || block.header.kind == .transfers)
      return isWanted && block.touches(.init(from), .init(to))
    }
  }

  /// The records of a block on all tracks together, as they are stored.
  package func storedCount(ofBlock place: Int) -> Int { Int(contents.blocks[place].header.count) }

  /// The time that blocks cover together; nil when there are none.
  package func span(ofBlocks places: [Int]) -> (from: Int64, to: Int64)? {
    let headers = places.map { contents.blocks[$0].header }
    guard let from = headers.map(\.timeMin).min(), let to = headers.map(\.timeMax).max()
    else { return nil }
    return (from, to)
  }

  /// The events of blocks, decoded on all threads; none of a block that is damaged.
  package func events(ofBlocks places: [Int]) throws(TraceError) -> [[TrackBatch]] {
    var frames: [(entry: BlockEntry, bytes: [UInt8])] = []
    for place in places {
      let entry = contents.blocks[place]
      frames.append((entry, try FooterReader.readFrame(file, entry) ?? []))
    }
    let decoded = try HostThreads.map(frames, size: 1) { (frames) throws(TraceError) in
      let decompressor = try ZstdDecompressor()
      return frames.map { frame -> [TrackBatch]? in
        let tracks = TrackID.all.filter { frame.entry.holds($0) }
        let raw = FooterReader.content(frame.bytes, decompressor, frame.entry)
        return raw.flatMap { Self.batches($0, frame.entry.header, tracks) }.map {
          zip(tracks, $0).map { TrackBatch(track: $0, batch: $1) }
        }
      }
    }
    for (frame, batches) in zip(frames, decoded) where batches == nil {
      noteDamage(of: frame.entry)
    }
    return decoded.map { $0 ?? [] }
  }

  /// The record of a track that ends first after a moment, and when those before it have ended;
  /// nil where there is none.
  package func neighbours(
    of track: TrackID, at time: Int64
  ) throws(TraceError) -> (lastEnd: Int64?, next: TraceEvent?) {
    var lastEnd: Int64?
    /// Whether the record that comes next is found.
    func look(_ parts: [TrackBatch], _ next: inout TraceEvent?) -> Bool {
      for part in parts where part.track == track {
        for event in part.batch {
          guard event.end.value <= time else {
            next = event
            return true
          }
          lastEnd = max(lastEnd ?? .min, event.end.value)
        }
      }
      return false
    }
    var next: TraceEvent?
    let all = eventBlocks(of: track, from: .min, to: .max)
    let first = all.firstIndex { contents.blocks[$0].touches(.init(time), nil) } ?? all.count
    for place in all[max(0, first - 1)...] {
      for parts in try events(ofBlocks: [place]) where look(parts, &next) { return (lastEnd, next) }
    }
    _ = look(openEvents, &next)
    return (lastEnd, next)
  }

  /// The events of a killed run that stand in no block.
  package var openEvents: [TrackBatch] {
    TrackID.all.compactMap { track in
      let events = contents.open[Int(track.rawValue)].events
      guard !events.isEmpty else { return nil }
      return TrackBatch(
        track: track, batch: EventBatch(events, cursor: contents.cursorAfterBlocks(track)))
    }
  }
}
