/// How much of a run a trace keeps.
package enum TraceRetention: Equatable, Sendable {
  /// Every record.
  case all
  /// The last records, at most so many compressed bytes of them: a flight recorder.
  case last(sizeBytes: Int)
}

/// The last blocks of records, compressed, until the run ends.
struct BlockRing {
  struct Block {
    var header: BlockHeader
    var frame: [UInt8]
  }

  /// What was dropped.
  struct Loss: Equatable {
    var records: Int64
    /// All tracks are whole from here on.
    var until: Int64
  }

  private let limitBytes: Int
  private var sizeBytes = 0
  private(set) var blocks: [Block] = []
  private(set) var loss: Loss?

  init(limitBytes: Int) { self.limitBytes = limitBytes }

  /// Takes a block of records and drops the oldest ones beyond the limit; false for other blocks,
  /// which are written at once.
  mutating func keep(_ header: BlockHeader, _ frame: ArraySlice<UInt8>) -> Bool {
    guard header.kind.holdsRecords else { return false }
    blocks.append(Block(header: header, frame: Array(frame)))
    sizeBytes += frame.count + BlockHeader.frameSize
    while sizeBytes > limitBytes, blocks.count > 1 { drop(blocks.removeFirst()) }
    return true
  }

  private mutating func drop(_ block: Block) {
    sizeBytes -= block.frame.count + BlockHeader.frameSize
    var lost = loss ?? Loss(records: 0, until: 0)
    lost.records += Int64(block.header.recordCount)
    lost.until = max(lost.until, block.header.timeMax)
    loss = lost
  }
}
