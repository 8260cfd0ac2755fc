/// A program as a trace keeps it, encoded and compressed before there is a file: what a writer only
/// has to append. Cores that run one program share it.
package struct ProgramBlocks: Sendable {
  /// A block whose header lacks its place in the file.
  struct Block: Sendable {
    var kind: BlockKind
    var count: Int
    var rawSize: Int
    /// Room for the header, then the zstd frame.
    var output: [UInt8]
    /// Bytes of each row's records on DMA tracks.
    var rowBytes: [Int64] = []
    /// Floating-point operations of one execution of each row.
    var rowFlops: [Int64] = []
  }

  /// In the order of the file.
  fileprivate(set) var blocks: [Block] = []
  /// Rows in all.
  package var rowCount: Int { blocks.reduce(0) { $0 + $1.rowBytes.count } }

  fileprivate init(_ blocks: [Block]) { self.blocks = blocks }

  /// The program in the recorder's own binary form.
  package init(binary: [UInt8]) throws(TraceError) {
    blocks = [try Block(.programBinary, count: 1, binary, ZstdCompressor())]
  }
}

/// Rows of a program on their way into blocks, one after the other, so that neither all of them are
/// held nor the last one is waited for.
package struct ProgramRowWriter: ~Copyable {
  private let compressor: ZstdCompressor
  private var columns = ProgramColumns()
  private var rowBytes: [Int64] = []
  private var rowFlops: [Int64] = []
  private var blocks: [ProgramBlocks.Block] = []

  /// No rows yet.
  package init() throws(TraceError) { compressor = try ZstdCompressor() }

  /// Adds a row, whose texts `texts` holds.
  @inline(__always)
  package mutating func append(_ row: CodedRow, _ texts: StringTable) throws(TraceError) {
    columns.append(row, texts)
    rowBytes.append(row.bytes)
    rowFlops.append(row.flops)
    if columns.count == BlockHeader.capacity { try seal() }
  }

  /// All blocks.
  package consuming func finish() throws(TraceError) -> ProgramBlocks {
    if columns.count > 0 { try seal() }
    return ProgramBlocks(blocks)
  }

  private mutating func seal() throws(TraceError) {
    let count = columns.count
    var block = try ProgramBlocks.Block(.program, count: count, columns.finish(), compressor)
    swap(&block.rowBytes, &rowBytes)
    swap(&block.rowFlops, &rowFlops)
    blocks.append(block)
  }
}

extension ProgramBlocks.Block {
  init(
    _ kind: BlockKind, count: Int, _ raw: [UInt8], _ compressor: borrowing ZstdCompressor
  ) throws(TraceError) {
    self.kind = kind
    self.count = count
    rawSize = raw.count
    output = []
    try compressor.compress(
      raw, prefix: BlockHeader.frameSize, into: &output, .program(sizeBytes: raw.count))
  }
}
