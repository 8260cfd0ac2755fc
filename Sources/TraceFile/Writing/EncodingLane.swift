import Synchronization

/// A block whose header is known and whose content is still to be encoded.
struct SealedBlock: Sendable {
  /// What the block holds.
  enum Content: Sendable {
    case events([TraceEvent])
    case transfers([TraceTransfer], [TransferShare])
    case totals(RowTally)
    case levels(TrackLevels)
    /// Columns or text.
    case encoded([UInt8])
  }

  var header: BlockHeader
  var content: Content
}

/// Room for a block's header, then its zstd frame.
struct EncodedBlock: Sendable {
  var output: [UInt8]
  var rawSize: Int
}

/// What one thread needs to encode and compress blocks, one after the other.
///
/// A class, so that threads take it in turn; whoever holds it is the only one to use it.
final class EncodingLane {
  private var events = EventEncoder()
  private let compressor: ZstdCompressor
  private let skews: TransferSkews

  init(skews: TransferSkews) throws(TraceError) {
    compressor = try ZstdCompressor()
    self.skews = skews
  }

  /// A block of records is worth more of the writer's time up to that size, in a trace that never
  /// filled one.
  private static let smallBlock = 128 << 10

  /// Puts a block's frame behind the room for its header; returns the size of its content.
  /// `isShort` says that the trace never filled a block.
  func encode(
    _ content: SealedBlock.Content, isShort: Bool, into output: inout [UInt8]
  ) throws(TraceError) -> Int {
    switch content {
    case .events(let events):
      let raw = unsafe self.events.encode(events, guessesFirstWaits: true)
      let effort = effort(raw.count, isShort)
      try unsafe compressor.compress(raw, prefix: BlockHeader.frameSize, into: &output, effort)
      return raw.count
    case .transfers(let transfers, let shares):
      let records = transfers.map(\.record)
      let columns = unsafe Array(events.encode(records, guessesFirstWaits: false))
      return try compress(
        columns + TransferCodec.encode(transfers, skews: skews, shares: shares), isShort, &output)
    case .totals(let rows): return try compress(TallyCodec.encode(rows), isShort, &output)
    case .levels(let levels): return try compress(TallyCodec.encode(levels), isShort, &output)
    case .encoded(let raw): return try compress(raw, isShort, &output)
    }
  }

  private func compress(
    _ raw: [UInt8], _ isShort: Bool, _ output: inout [UInt8]
  ) throws(TraceError) -> Int {
    try compressor.compress(
      raw, prefix: BlockHeader.frameSize, into: &output, effort(raw.count, isShort))
    return raw.count
  }

  private func effort(_ rawSize: Int, _ isShort: Bool) -> ZstdCompressor.Effort {
    isShort && rawSize <= Self.smallBlock ? .record : .usual
  }
}

/// Lanes for as many threads as ask for one.
final class EncodingLanes: Sendable {
  /// A lane that nobody uses; handed from thread to thread under the lock.
  private struct Spare: @unchecked Sendable { var lane: EncodingLane }

  private let spares: Mutex<[Spare]>
  private let skews: TransferSkews

  init(skews: TransferSkews) throws(TraceError) {
    self.skews = skews
    spares = Mutex([Spare(lane: try EncodingLane(skews: skews))])
  }

  /// Calls `body` with a lane that nobody else uses.
  func use<Value: Sendable>(
    _ body: (EncodingLane) throws(TraceError) -> Value
  ) throws(TraceError) -> Value {
    let spare = spares.withLock { $0.popLast() }
    let lane = if let spare { spare.lane } else { try EncodingLane(skews: skews) }
    let value = try body(lane)
    spares.withLock { $0.append(Spare(lane: lane)) }
    return value
  }
}
