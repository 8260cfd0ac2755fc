import Units

/// Samples go into their columns as they come; what no full chunk of the side file holds yet is
/// kept beside them.
extension TraceFileBuilder {
  /// Adds samples as runs of equal states `step` apart and writes each block that they fill.
  mutating func append(
    track: TrackID, runs: [TraceSampleRun], step: Picoseconds
  ) throws(TraceError) {
    let index = Int(track.rawValue)
    for run in runs {
      let last = run.first.time.value &+ Int64(run.count) &* step.value
      guard run.first.isWithinLimits, last <= TraceEvent.limit else {
        let before = tracks[index].totals.samples + Int64(tracks[index].samples.count)
        throw .illegalRecord(track: track, index: before)
      }
      var (sample, left) = (run.first, Int(run.count))
      while left > 0 {
        let room = OpenBlocks.samplesPerChunk - tracks[index].openSamples.count
        let size = min(left, room)
        tracks[index].append(sample, count: size, step: step)
        sample.time += Picoseconds(Int64(size) * step.value)
        left -= size
        if size == room { try endChunk(track) }
      }
    }
  }

  /// Writes the block that became full, or saves the chunk that did.
  private mutating func endChunk(_ track: TrackID) throws(TraceError) {
    let index = Int(track.rawValue)
    let count = tracks[index].samples.count
    if count == BlockHeader.capacity {
      try write(sealSamples(track))
    } else {
      let family = OpenBlocks.samples
      let first = count - family.recordsPerChunk
      var failure: TraceError?
      unsafe tracks[index].openSamples.withUnsafeBytes { bytes in
        do throws(TraceError) {
          try unsafe openBlocks.save(
            family, track: track, chunk: first / family.recordsPerChunk,
            firstRecord: tracks[index].totals.samples + Int64(first), records: bytes)
        } catch { failure = error }
      }
      if let failure { throw failure }
    }
    tracks[index].openSamples.removeAll(keepingCapacity: true)
  }

  /// The samples of a track as a block; they are added to its totals.
  mutating func sealSamples(_ track: TrackID) -> SealedBlock {
    let index = Int(track.rawValue)
    let samples = tracks[index].samples
    var header = BlockHeader(
      kind: .samples, track: track.rawValue, count: UInt32(samples.count))
    (header.timeMin, header.timeMax) = samples.times
    header.recordsBefore = tracks[index].totals.samples
    header.summary = samples.summary
    tracks[index].totals.samples += Int64(samples.count)
    return SealedBlock(header: header, content: .encoded(tracks[index].samples.finish()))
  }
}

extension TraceFileBuilder.Track {
  /// Adds equal samples `step` apart.
  fileprivate mutating func append(_ first: TraceSample, count: Int, step: Picoseconds) {
    samples.append(first, count: count, step: step.value)
    var sample = first
    for _ in 0..<count {
      openSamples.append(sample)
      sample.time += step
    }
  }
}
