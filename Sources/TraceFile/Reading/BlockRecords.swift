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
