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
  private(set) var blocks: [Block] = []
  /// Rows in all.
  package var rowCount: Int { blocks.reduce(0) { $0 + $1.rowBytes.count } }

  /// Rows of the program, and the texts that they name.
  package init(_ rows: [CodedRow], _ texts: StringTable) throws(TraceError) {
    let compressor = try ZstdCompressor()
    var start = 0
    while start < rows.count {
      let end = min(rows.count, start + BlockHeader.capacity)
      blocks.append(try Block(Array(rows[start..<end]), texts, compressor))
      start = end
    }
  }

  /// The program in the recorder's own binary form.
  package init(binary: [UInt8]) throws(TraceError) {
    blocks = [try Block(.programBinary, count: 1, binary, ZstdCompressor())]
  }
}

extension ProgramBlocks.Block {
  init(
    _ rows: [CodedRow], _ texts: StringTable, _ compressor: borrowing ZstdCompressor
  ) throws(TraceError) {
    try self.init(.program, count: rows.count, ProgramCodec.encode(rows, texts), compressor)
    rowBytes = rows.map(\.bytes)
    rowFlops = rows.map(\.flops)
  }

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
