/// A row of the program whose texts are numbers of a `StringTable`: making one counts no
/// references.
package struct CodedRow: Sendable, BitwiseCopyable {
  /// See `ProgramRow`; the number of a text.
  package var opcode: UInt32
  /// See `ProgramRow`; the number of a text.
  package var kernel: UInt32
  /// See `ProgramRow`; the number of a text.
  package var layer: UInt32
  /// See `ProgramRow`; the number of a text.
  package var sourceFile: UInt32
  /// See `ProgramRow`; the number of a text.
  package var shape: UInt32
  /// See `ProgramRow`.
  package var sourceLine: UInt32
  /// See `ProgramRow`.
  package var bytes: Int64 = 0
  /// See `ProgramRow`.
  package var flops: Int64
  /// See `ProgramRow`.
  package var transposeFlops: Int64 = 0
  /// See `ProgramRow`.
  package var hbmReadBytes: Int64 = 0
  /// See `ProgramRow`.
  package var hbmWriteBytes: Int64 = 0
  /// See `ProgramRow`.
  package var wait = ProgramWait.none
  /// See `ProgramRow`.
  package var update = ProgramUpdate.none
  /// The number of the ring plus one; 0 when it is no transfer.
  package var ringPlusOne: UInt16 = 0
  /// See `ProgramRow`.
  package var engine: TrackID

  package init(
    opcode: UInt32, engine: TrackID, kernel: UInt32, layer: UInt32, sourceFile: UInt32,
    sourceLine: UInt32, shape: UInt32, flops: Int64
  ) {
    self.opcode = opcode
    self.engine = engine
    self.kernel = kernel
    self.layer = layer
    self.sourceFile = sourceFile
    self.sourceLine = sourceLine
    self.shape = shape
    self.flops = flops
  }
}

extension CodedRow {
  /// A row with its texts in `texts`, which gets those that are new.
  init(_ row: ProgramRow, _ texts: inout StringTable) {
    self.init(
      opcode: UInt32(texts.intern(row.opcode)), engine: row.engine,
      kernel: UInt32(texts.intern(row.kernel)), layer: UInt32(texts.intern(row.layer)),
      sourceFile: UInt32(texts.intern(row.sourceFile)), sourceLine: row.sourceLine,
      shape: UInt32(texts.intern(row.shape)), flops: row.flops)
    bytes = row.bytes
    transposeFlops = row.transposeFlops
    hbmReadBytes = row.hbmReadBytes
    hbmWriteBytes = row.hbmWriteBytes
    (wait, update) = (row.wait, row.update)
    ringPlusOne = row.ring.map { UInt16($0) + 1 } ?? 0
  }
}
