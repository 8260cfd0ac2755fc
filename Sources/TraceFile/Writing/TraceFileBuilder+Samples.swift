import Units

/// Samples go into their columns as they come; what no full chunk of the side file holds yet is
/// kept beside them.
extension TraceFileBuilder {
  /// Adds samples as runs of equal states `step` apart and writes each block that they fill.
  mutating func append(
    track: TrackID, runs: [TraceSampleRun], step: Picoseconds
  ) throws(TraceError) {
    let index = Int(track.rawValue)
    var rest = Rest()
    while rest.run < runs.count {
      guard tracks[index].append(runs, &rest, step: step.value) else {
        let before = tracks[index].totals.samples + Int64(tracks[index].samples.count)
        throw .illegalRecord(track: track, index: before)
      }
      if tracks[index].openCount == OpenBlocks.samplesPerChunk { try endChunk(track) }
    }
  }

  /// What is left of some runs.
  fileprivate struct Rest {
    /// The run that goes on.
    var run = 0
    /// Samples of it that were taken.
    var taken = 0
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
    tracks[index].openCount = 0
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
  /// Adds runs until all are there or the chunk is full; false where a time is out of bounds.
  fileprivate mutating func append(
    _ runs: [TraceSampleRun], _ rest: inout TraceFileBuilder.Rest, step: Int64
  ) -> Bool {
    if openSamples.isEmpty {
      let none = TraceSample(time: .zero, state: .idle, programCounter: 0)
      openSamples = Array(repeating: none, count: OpenBlocks.samplesPerChunk)
    }
    var (held, count) = ([TraceSample](), openCount)
    swap(&held, &openSamples)
    defer {
      swap(&held, &openSamples)
      openCount = count
    }
    var open = held.mutableSpan
    while rest.run < runs.count, count < open.count {
      let run = runs[rest.run]
      let last = run.first.time.value &+ Int64(run.count) &* step
      guard run.first.isWithinLimits, last <= TraceEvent.limit else { return false }
      var sample = run.first
      sample.time = Picoseconds(sample.time.value &+ Int64(rest.taken) &* step)
      let size = min(Int(run.count) - rest.taken, open.count - count)
      samples.append(sample, count: size, step: step)
      for place in count..<count + size {
        open[place] = sample
        sample.time = Picoseconds(sample.time.value &+ step)
      }
      count += size
      rest.taken += size
      if rest.taken == Int(run.count) { rest = TraceFileBuilder.Rest(run: rest.run + 1) }
    }
    return true
  }
}
