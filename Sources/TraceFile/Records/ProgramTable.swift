/// What is known of one instruction before it runs; the same for each of its executions.
package struct ProgramRow: Hashable, Sendable {
  /// The machine instruction's name, as device profiles spell it.
  package var opcode: String
  /// The engine in whose stream it stands.
  package var engine: TrackID
  /// The kernel that emitted it.
  package var kernel: String
  /// The layer of the model that it belongs to; empty when none.
  package var layer: String
  /// The source file that emitted it; empty when unknown.
  package var sourceFile: String
  /// The line in `sourceFile`; 0 when unknown.
  package var sourceLine: UInt32
  /// The operand shapes as text.
  package var shape: String
  /// Bytes that one record of this row on a DMA track moves; 0 when it moves none.
  package var bytes: Int64
  /// Floating-point operations of one execution.
  package var flops: Int64

  package init(
    opcode: String, engine: TrackID, kernel: String = "", layer: String = "",
    sourceFile: String = "", sourceLine: UInt32 = 0, shape: String = "", bytes: Int64 = 0,
    flops: Int64 = 0
  ) {
    self.opcode = opcode
    self.engine = engine
    self.kernel = kernel
    self.layer = layer
    self.sourceFile = sourceFile
    self.sourceLine = sourceLine
    self.shape = shape
    self.bytes = bytes
    self.flops = flops
  }
}

/// Each distinct text once, named by its number.
package struct StringTable: Sendable {
  /// The texts in order of first use.
  package private(set) var strings: [String] = []
  private var numbers: [String: Int] = [:]

  /// An empty table.
  package init() {}

  /// The number of `text`, which is added when new.
  package mutating func intern(_ text: String) -> Int {
    if let known = numbers[text] { return known }
    numbers[text] = strings.count
    strings.append(text)
    return strings.count - 1
  }
}

/// The rows of all segments, indexed by program counter; rows lost to damage are absent.
package struct ProgramTable: Sendable {
  private var rows: [ProgramRow?] = []

  /// An empty table.
  package init() {}

  /// One more than the highest program counter with a row.
  package var count: Int { rows.count }

  /// The row of that program counter; nil when the trace has none or it was lost.
  package subscript(_ programCounter: UInt32) -> ProgramRow? {
    Int(programCounter) < rows.count ? rows[Int(programCounter)] : nil
  }

  /// Puts `new` rows at `first` and up.
  mutating func insert(_ new: [ProgramRow], at first: Int) {
    if rows.count < first + new.count {
      rows.append(contentsOf: repeatElement(nil, count: first + new.count - rows.count))
    }
    for (index, row) in new.enumerated() { rows[first + index] = row }
  }
}
