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

  /// The transfers in `bytes`; one beyond the format's limits ends the list.
  static func transfers(_ bytes: ArraySlice<UInt8>) -> [TraceTransfer] {
    let size = MemoryLayout<TraceTransfer>.stride
    var transfers: [TraceTransfer] = []
    for index in 0..<bytes.count / size {
      // Every bit pattern is a legal `TraceTransfer`, and the record lies inside the bytes.
      let transfer = unsafe bytes.withUnsafeBytes { raw in
        unsafe raw.loadUnaligned(fromByteOffset: index * size, as: TraceTransfer.self)
      }
      guard transfer.record.isWithinLimits else { break }
      transfers.append(transfer)
    }
    return transfers
  }

  /// The skews before a chunk of transfers; nil when they are none.
  static func skews(_ bytes: ArraySlice<UInt8>) -> TransferSkews? {
    var reader = ByteReader(bytes)
    var values: [Int64] = []
    while let value = reader.take(Int64.self) { values.append(value) }
    guard values.count == TrackID.dmaCount,
      values.allSatisfy({ abs($0 / 2) <= TraceEvent.limit })
    else { return nil }
    return TransferSkews(values)
  }

  /// The skews and the records of a chunk of transfers.
  static func chunk(_ skews: TransferSkews, _ records: UnsafeRawBufferPointer) -> [UInt8] {
    var out = ByteWriter()
    for value in skews.values { out.put(value) }
    return unsafe out.bytes + Array(records)
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
