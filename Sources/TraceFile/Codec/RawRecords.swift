import Units

/// Records as they lie in memory, little-endian, for the side file of open blocks.
enum RawRecords {
  /// The events in `bytes`; one beyond the format's limits ends the list.
  static func events(_ bytes: [UInt8]) -> [TraceEvent] {
    let size = MemoryLayout<TraceEvent>.stride
    var events: [TraceEvent] = []
    for index in 0..<bytes.count / size {
      // Every bit pattern is a legal `TraceEvent`, and the record lies inside the bytes.
      let event = unsafe bytes.withUnsafeBytes { raw in
        unsafe raw.loadUnaligned(fromByteOffset: index * size, as: TraceEvent.self)
      }
      guard event.isWithinLimits else { break }
      events.append(event)
    }
    return events
  }

  /// The samples in `bytes`; one beyond the format's limits ends the list.
  static func samples(_ bytes: [UInt8]) -> [TraceSample] {
    let size = MemoryLayout<TraceSample>.stride
    var samples: [TraceSample] = []
    for index in 0..<bytes.count / size {
      // Every bit pattern is a legal `TraceSample`, and the record lies inside the bytes.
      let sample = unsafe bytes.withUnsafeBytes { raw in
        unsafe raw.loadUnaligned(fromByteOffset: index * size, as: TraceSample.self)
      }
      guard sample.isWithinLimits else { break }
      samples.append(sample)
    }
    return samples
  }
}
