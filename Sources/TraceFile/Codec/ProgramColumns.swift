/// Program rows on their way into a block, with the block's own dictionary of texts: each block
/// reads alone.
struct ProgramColumns: ~Copyable {
  /// Rows so far.
  private(set) var count = 0
  private var columns = ColumnWriters(
    count: ProgramColumns.ids.count, maximumCount: BlockHeader.capacity)
  private var texts = UsedTexts()
  private var waits = SemaphoreValues()

  /// The columns in the order of the file.
  private static let ids = [
    Column.opcode, Column.kernel, Column.layer, Column.sourceFile, Column.shape, Column.engine,
    Column.sourceLine, Column.bytes, Column.flops, Column.waitCondition, Column.waitSemaphore,
    Column.waitValue, Column.updateOperation, Column.updateSemaphore, Column.updateValue,
    Column.ring, Column.transposeFlops, Column.hbmReadBytes, Column.hbmWriteBytes,
  ]

  /// Adds a row, whose texts `table` holds. A block has at most as many as its capacity.
  mutating func append(_ row: CodedRow, _ table: StringTable) {
    count += 1
    columns[0].put(texts.number(row.opcode, in: table))
    columns[1].put(texts.number(row.kernel, in: table))
    columns[2].put(texts.number(row.layer, in: table))
    columns[3].put(texts.number(row.sourceFile, in: table))
    columns[4].put(texts.number(row.shape, in: table))
    columns[5].put(UInt64(row.engine.rawValue))
    columns[6].put(UInt64(row.sourceLine))
    columns[7].put(zigzag(row.bytes))
    columns[8].put(zigzag(row.flops))
    // Since version 1.1: who waits for whom, what transposes, what touches HBM.
    columns[9].put(UInt64(row.wait.condition.rawValue))
    columns[10].put(UInt64(row.wait.semaphore))
    // Waits count up, semaphore by semaphore, so that differences repeat where values do not.
    let last = waits.exchange(row.wait.semaphore, row.wait.value)
    columns[11].put(zigzag(Int64(row.wait.value) - last))
    columns[12].put(UInt64(row.update.operation.rawValue))
    columns[13].put(UInt64(row.update.semaphore))
    columns[14].put(UInt64(row.update.value))
    columns[15].put(UInt64(row.ringPlusOne))
    columns[16].put(zigzag(row.transposeFlops))
    columns[17].put(zigzag(row.hbmReadBytes))
    columns[18].put(zigzag(row.hbmWriteBytes))
  }

  /// The content of the block, which is empty again.
  mutating func finish() -> [UInt8] {
    var raw = ColumnFrame.header(
      id: Column.strings, encoding: ColumnEncoding.raw, size: texts.bytes.count)
    raw += texts.bytes
    for (index, id) in Self.ids.enumerated() {
      let isWait = id == Column.waitValue
      raw += columns[index].framed(
        id, encoding: isWait ? ColumnEncoding.bySemaphore : ColumnEncoding.varint)
      columns[index].removeAll()
    }
    (count, texts, waits) = (0, UsedTexts(), SemaphoreValues())
    return raw
  }
}

/// The texts that a block uses, in the order of their first use.
private struct UsedTexts {
  private var numbers: [Int] = []
  private var count = 0
  private var writer = ByteWriter()

  /// Length and UTF-8 of each.
  var bytes: [UInt8] { writer.bytes }

  /// The block's number of a text of the table.
  mutating func number(_ text: UInt32, in table: StringTable) -> UInt64 {
    let index = Int(text)
    if index < numbers.count, numbers[index] >= 0 { return UInt64(numbers[index]) }
    return add(index, table)
  }

  private mutating func add(_ index: Int, _ table: StringTable) -> UInt64 {
    if index >= numbers.count {
      numbers.append(contentsOf: repeatElement(-1, count: index + 1 - numbers.count))
    }
    let utf8 = Array(table.strings[index].utf8)
    writer.putVarint(UInt64(utf8.count))
    writer.put(utf8)
    numbers[index] = count
    count += 1
    return UInt64(count - 1)
  }
}
