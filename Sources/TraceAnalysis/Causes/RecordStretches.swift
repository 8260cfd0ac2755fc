import TraceFile
import Units

/// A run cut into stretches of about equally many records, as the headers of its blocks tell.
struct RecordStretches {
  /// The first one's beginning, the borders, and the last one's end.
  let borders: [Int64]

  /// Cuts a range into stretches of at most about `limit` records; records lie about evenly in
  /// their blocks.
  init(_ reader: borrowing TraceReader, from: Int64, to: Int64, limit: Int) {
    var borders = [to]
    let blocks = Self.blocks(reader, from: from, to: to)
    // From the end to the beginning: the rate of records changes where a block begins or ends.
    let edges =
      Set(blocks.flatMap { [$0.from, $0.to] }.filter { from < $0 && $0 < to })
      .sorted(by: >) + [from]
    var gathered = 0.0
    var place = to
    for edge in edges {
      let rate = blocks.reduce(0.0) { sum, block in
        block.from <= edge && block.to >= place
          ? sum + Double(block.records) / Double(max(1, block.to - block.from)) : sum
      }
      while rate > 0, gathered + rate * Double(place - edge) > Double(limit) {
        let step = Int64((Double(limit) - gathered) / rate)
        place = max(edge, place - max(1, step))
        borders.append(place)
        gathered = 0
        if place == edge { break }
      }
      gathered += rate * Double(place - edge)
      place = edge
    }
    if borders.last != from { borders.append(from) }
    self.borders = borders.reversed()
  }

  /// The time of each block of events and its records on all tracks, at most.
  private static func blocks(
    _ reader: borrowing TraceReader, from: Int64, to: Int64
  ) -> [(from: Int64, to: Int64, records: Int)] {
    var tracks: [Int: Int] = [:]
    for track in TrackID.all {
      for place in reader.eventBlocks(of: track, from: from, to: to + 1) {
        tracks[place, default: 0] += 1
      }
    }
    return tracks.sorted { $0.key < $1.key }.compactMap { place, count in
      reader.span(ofBlocks: [place]).map {
        ($0.from, $0.to, reader.storedCount(ofBlock: place) * count)
      }
    }
  }
}
