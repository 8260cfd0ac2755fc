import Units

/// One transfer that several DMA engines carry out alike: a record for each of their tracks, which
/// differ in their start alone, by the engines' skews.
public struct TraceTransfer: Hashable, Sendable, BitwiseCopyable {
  /// The record of an engine without skew.
  public var record: TraceEvent
  /// The engines that take part, engine 0 in the lowest bit.
  public var engines: UInt16

  @inlinable public init(_ record: TraceEvent, engines: UInt16) {
    self.record = record
    self.engines = engines
  }

  /// Whether an engine takes part.
  @inlinable public func includes(_ engine: Int) -> Bool { engines >> UInt16(engine) & 1 == 1 }
}

/// How much later than a transfer's record each of the DMA engines starts.
package struct TransferSkews: Hashable, Sendable {
  /// Picoseconds, one for each DMA engine.
  package let values: [Int64]

  /// All engines start together.
  package static let none = TransferSkews(Array(repeating: 0, count: TrackID.dmaCount))

  /// One for each DMA engine.
  package init(_ values: [Int64]) {
    precondition(values.count == TrackID.dmaCount, "a skew for each DMA engine")
    self.values = values
  }

  /// The records on the track of one engine.
  func records(of transfers: [TraceTransfer], engine: Int) -> [TraceEvent] {
    var records: [TraceEvent] = []
    records.reserveCapacity(transfers.count)
    for transfer in transfers where transfer.includes(engine) {
      var record = transfer.record
      // Wrapping: what lies beyond the limits is found where records are checked.
      record.start = Picoseconds(record.start.value &+ values[engine])
      records.append(record)
    }
    return records
  }
}
