/// One column of a block: what it means, declared once for writer, reader and the file's own
/// schema.
struct ColumnDescription: Codable, Sendable {
  var id: UInt8
  var block: String
  var name: String
  var unit: String
  var description: String
}

/// The numbers of the columns.
enum Column {
  static let gap: UInt8 = 1
  static let duration: UInt8 = 2
  static let programCounter: UInt8 = 3
  static let wait: UInt8 = 4
  static let stallCause: UInt8 = 5
  static let detail: UInt8 = 6
  static let flags: UInt8 = 7
  static let engines: UInt8 = 8
  static let skew: UInt8 = 9
  static let shareBefore: UInt8 = 10
  static let shareCovered: UInt8 = 11
  static let shareTimeMin: UInt8 = 12
  static let shareTimeMax: UInt8 = 13
  static let shareBytes: UInt8 = 14
  static let repeats: UInt8 = 15
  static let strings: UInt8 = 20
  static let opcode: UInt8 = 21
  static let engine: UInt8 = 22
  static let kernel: UInt8 = 23
  static let layer: UInt8 = 24
  static let sourceFile: UInt8 = 25
  static let sourceLine: UInt8 = 26
  static let shape: UInt8 = 27
  static let bytes: UInt8 = 28
  static let flops: UInt8 = 29
  static let waitCondition: UInt8 = 30
  static let waitSemaphore: UInt8 = 31
  static let waitValue: UInt8 = 32
  static let updateOperation: UInt8 = 33
  static let updateSemaphore: UInt8 = 34
  static let updateValue: UInt8 = 35
  static let ring: UInt8 = 36
  static let transposeFlops: UInt8 = 37
  static let hbmReadBytes: UInt8 = 38
  static let hbmWriteBytes: UInt8 = 39
  static let runLength: UInt8 = 40
  static let runState: UInt8 = 41
  static let runProgramCounter: UInt8 = 42
  static let runGap: UInt8 = 43
  static let runStep: UInt8 = 44
  static let totalRow: UInt8 = 50
  static let totalInstructions: UInt8 = 51
  static let totalBusy: UInt8 = 52
  /// The first of eight, by cause.
  static let totalStall: UInt8 = 53
  static let totalTransfers: UInt8 = 61
  static let totalTransferBusy: UInt8 = 62
  /// The first of ten: busy, eight causes, amount.
  static let levelBusy: UInt8 = 70
  /// The first of nine: busy, eight causes.
  static let shareBusy: UInt8 = 80
  /// The first of ten: first row, rows, layer, operators, node, the engines' begins.
  static let invocationFirstRow: UInt8 = 90
}

extension ColumnDescription {
  private static func events(
    _ id: UInt8, _ name: String, _ unit: String, _ description: String
  ) -> ColumnDescription {
    ColumnDescription(id: id, block: "events", name: name, unit: unit, description: description)
  }

  private static func transfers(
    _ id: UInt8, _ name: String, _ unit: String, _ description: String
  ) -> ColumnDescription {
    ColumnDescription(id: id, block: "transfers", name: name, unit: unit, description: description)
  }

  private static func program(
    _ id: UInt8, _ name: String, _ unit: String, _ description: String
  ) -> ColumnDescription {
    ColumnDescription(id: id, block: "program", name: name, unit: unit, description: description)
  }

  private static func samples(
    _ id: UInt8, _ name: String, _ unit: String, _ description: String
  ) -> ColumnDescription {
    ColumnDescription(id: id, block: "samples", name: name, unit: unit, description: description)
  }

  private static func footer(
    _ id: UInt8, _ block: String, _ name: String, _ unit: String, _ description: String
  ) -> ColumnDescription {
    ColumnDescription(id: id, block: block, name: name, unit: unit, description: description)
  }

  /// All columns, as they stand in every file.
  static let schema = [
    events(Column.gap, "gap", "ps", "start minus end before, against the row's last gap"),
    events(Column.duration, "duration", "ps", "busy time, against the row's last duration"),
    events(Column.programCounter, "program_counter", "row", "against the row before plus one"),
    events(Column.wait, "wait", "ps", "stall before start, against its prediction from the gap"),
    events(Column.stallCause, "stall_cause", "code", "why it waited, xor the row's last"),
    events(Column.detail, "detail", "number", "semaphore or queue, against the row's last"),
    events(Column.flags, "flags", "bits", "marks of the recorder"),
    events(Column.repeats, "repeats", "4 numbers", "stretches that repeat earlier ones"),
    transfers(Column.engines, "engines", "bits", "who takes part, xor the transfer before"),
    transfers(Column.skew, "skew", "ps", "start of each engine's record after the transfer's"),
    transfers(Column.shareBefore, "records_before", "count", "of each DMA track in earlier blocks"),
    transfers(Column.shareCovered, "covered_until", "ps", "of each DMA track before the block"),
    transfers(Column.shareTimeMin, "time_min", "ps", "earliest of each DMA track"),
    transfers(Column.shareTimeMax, "time_max", "ps", "latest of each DMA track"),
    transfers(Column.shareBytes, "bytes", "B", "of each DMA track"),
    transfers(Column.shareBusy, "busy", "ps", "of each DMA track; 8 stall causes follow"),
    program(Column.strings, "strings", "text", "each distinct text of the block: length, UTF-8"),
    program(Column.opcode, "opcode", "string", "machine instruction"),
    program(Column.engine, "engine", "track", "engine in whose stream it stands"),
    program(Column.kernel, "kernel", "string", "kernel that emitted it"),
    program(Column.layer, "layer", "string", "layer of the model"),
    program(Column.sourceFile, "source_file", "string", "file that emitted it"),
    program(Column.sourceLine, "source_line", "line", "line in the file, 0 when unknown"),
    program(Column.shape, "shape", "string", "operand shapes"),
    program(Column.bytes, "bytes", "B", "moved by one record on a DMA track"),
    program(Column.flops, "flops", "count", "floating-point operations of one execution"),
    program(Column.waitCondition, "wait_condition", "code", "0 none, 1 at least, 2 equal"),
    program(Column.waitSemaphore, "wait_semaphore", "number", "semaphore waited for"),
    program(Column.waitValue, "wait_value", "count", "value compared with"),
    program(
      Column.updateOperation, "update_operation", "code",
      "0 none, 1 add, 2 subtract, 3 write, 4 clear so many from the semaphore on"),
    program(Column.updateSemaphore, "update_semaphore", "number", "semaphore changed at the end"),
    program(Column.updateValue, "update_value", "count", "number added, subtracted or written"),
    program(Column.ring, "ring", "number", "DMA ring plus one, 0 when it is no transfer"),
    program(Column.transposeFlops, "transpose_flops", "count", "those of flops that transpose"),
    program(Column.hbmReadBytes, "hbm_read_bytes", "B", "those of bytes that come from HBM"),
    program(Column.hbmWriteBytes, "hbm_write_bytes", "B", "those of bytes that go to HBM"),
    samples(Column.runLength, "run_length", "samples", "equal samples at equal steps, minus one"),
    samples(Column.runState, "state", "code", "0 idle, 1 busy, 16 plus cause when stalled"),
    samples(Column.runProgramCounter, "program_counter", "row", "against the run before"),
    samples(Column.runGap, "gap", "ps", "first time against the run before plus its step"),
    samples(Column.runStep, "step", "ps", "time between samples, against the run before"),
    footer(Column.totalRow, "row_totals", "row", "row", "rows skipped since the one before"),
    footer(Column.totalInstructions, "row_totals", "instructions", "count", "runs on an engine"),
    footer(Column.totalBusy, "row_totals", "busy", "ps", "busy time on engines"),
    footer(Column.totalStall, "row_totals", "stall", "ps", "the first of eight, by cause"),
    footer(Column.totalTransfers, "row_totals", "transfers", "count", "records on DMA tracks"),
    footer(Column.totalTransferBusy, "row_totals", "transfer_busy", "ps", "on DMA engines"),
    footer(
      Column.invocationFirstRow, "invocations", "first_row", "row",
      "rows, layer, operators, node and begin on each engine follow"),
    footer(Column.levelBusy, "levels", "busy", "ps", "in each bin; 8 stall causes, amount follow"),
  ]
}

/// How the bytes of a column are to be read.
enum ColumnEncoding {
  /// No bytes: every value is 0.
  static let zero: UInt8 = 0
  /// One LEB128 number per value.
  static let varint: UInt8 = 1
  /// One byte per value, or bytes with a layout of their own.
  static let raw: UInt8 = 2
  /// Since 1.2: of values that semaphores are compared with, zigzag of the difference to the value
  /// before it of the same semaphore, which is 0 at the start of a block.
  static let bySemaphore: UInt8 = 3
  /// Since 1.3: of waits, one LEB128 number per value, whose guess for a row's first record is what
  /// the gap exceeds the overhead of the last wait by.
  static let afterOverhead: UInt8 = 4
}

/// The frame of one column: id, encoding, two zero bytes, byte length.
enum ColumnFrame {
  static let headerSize = 8

  static func header(id: UInt8, encoding: UInt8, size: Int) -> [UInt8] {
    var out = ByteWriter()
    out.put(id)
    out.put(encoding)
    out.put(UInt16(0))
    out.put(UInt32(size))
    return out.bytes
  }
}

/// The columns of a decoded block by id, as ranges of its bytes.
struct ColumnSet {
  struct Location {
    var encoding: UInt8
    var range: Range<Int>
  }

  private var locations: [UInt8: Location] = [:]

  /// Finds the columns; nil when their lengths do not fill the block exactly.
  init?(_ raw: [UInt8]) {
    var offset = 0
    while offset < raw.count {
      var reader = ByteReader(raw[offset...])
      guard let id = reader.take(UInt8.self), let encoding = reader.take(UInt8.self),
        reader.take(UInt16.self) != nil, let size = reader.take(UInt32.self)
      else { return nil }
      let start = offset + ColumnFrame.headerSize
      guard Int(size) <= raw.count - start else { return nil }
      locations[id] = Location(encoding: encoding, range: start..<start + Int(size))
      offset = start + Int(size)
    }
  }

  subscript(_ id: UInt8) -> Location? { locations[id] }

  /// The values of a column of unsigned numbers; zeros when absent; nil when malformed.
  func values(
    _ id: UInt8, count: Int, in raw: [UInt8], encoding: UInt8 = ColumnEncoding.varint
  ) -> [UInt64]? {
    guard let location = locations[id], location.encoding != ColumnEncoding.zero else {
      return Array(repeating: 0, count: count)
    }
    let bytes = raw[location.range]
    if location.encoding == ColumnEncoding.raw {
      return bytes.count == count ? bytes.map(UInt64.init) : nil
    }
    guard location.encoding == encoding else { return nil }
    var reader = ByteReader(bytes)
    var values: [UInt64] = []
    values.reserveCapacity(count)
    for _ in 0..<count {
      guard let value = reader.takeVarint() else { return nil }
      values.append(value)
    }
    return reader.remaining == 0 ? values : nil
  }
}

/// Several columns that are filled side by side, each of at most so many numbers.
@safe struct ColumnWriters: ~Copyable {
  private let writers: UnsafeMutablePointer<ColumnWriter>
  private let count: Int

  init(count: Int, maximumCount: Int) {
    self.count = count
    unsafe writers = .allocate(capacity: count)
    for index in 0..<count {
      unsafe (writers + index).initialize(to: ColumnWriter(maximumCount: maximumCount))
    }
  }

  deinit {
    unsafe writers.deinitialize(count: count)
    unsafe writers.deallocate()
  }

  subscript(_ index: Int) -> ColumnWriter {
    @inline(__always) _read {
      precondition(index >= 0 && index < count, "no such column")
      yield unsafe writers[index]
    }
    @inline(__always) _modify {
      precondition(index >= 0 && index < count, "no such column")
      yield unsafe &writers[index]
    }
  }
}

/// Collects one column of numbers; all zeros take no bytes.
///
/// The bytes lie in a block that is large enough for any values, so that a number costs its bytes
/// and no check of who else holds them.
@safe struct ColumnWriter: ~Copyable {
  /// Bytes of the longest LEB128 number of 64 bits.
  private static let longest = 10

  private let base: UnsafeMutablePointer<UInt8>
  private let limit: Int
  private var size = 0
  private var anyBits: UInt64 = 0

  /// A column of at most `count` numbers.
  init(maximumCount count: Int) {
    limit = count * Self.longest
    unsafe base = .allocate(capacity: max(1, limit))
  }

  deinit { unsafe base.deallocate() }

  /// Appends a number: seven bits per byte, lowest first, the high bit set on all but the last.
  @inline(__always)
  mutating func put(_ value: UInt64) {
    precondition(size <= limit - Self.longest, "no more numbers than the column was made for")
    anyBits |= value
    var rest = value
    // Inside: a number takes at most `longest` bytes, and so many are left.
    while rest >= 0x80 {
      unsafe base[size] = UInt8(truncatingIfNeeded: rest) | 0x80
      size &+= 1
      rest >>= 7
    }
    unsafe base[size] = UInt8(truncatingIfNeeded: rest)
    size &+= 1
  }

  /// Forgets the numbers, to collect others.
  mutating func removeAll() { (size, anyBits) = (0, 0) }

  /// The column with its frame; values that are coded in another way than as numbers say so.
  func framed(_ id: UInt8, encoding: UInt8 = ColumnEncoding.varint) -> [UInt8] {
    guard anyBits != 0 else {
      return ColumnFrame.header(id: id, encoding: ColumnEncoding.zero, size: 0)
    }
    var framed = ColumnFrame.header(id: id, encoding: encoding, size: size)
    framed.reserveCapacity(framed.count + size)
    // Inside: so many bytes were written.
    unsafe framed.append(contentsOf: UnsafeBufferPointer(start: base, count: size))
    return framed
  }
}
