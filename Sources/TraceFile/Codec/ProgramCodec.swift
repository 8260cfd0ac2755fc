/// Reads program rows: columns, with the block's own dictionary of texts.
enum ProgramCodec {
  /// The values of a column that counts by semaphore, or of one of before version 1.2.
  private static func readWaitValues(
    _ semaphores: [UInt64], _ set: ColumnSet, _ raw: [UInt8]
  ) -> [UInt64]? {
    let coding = ColumnEncoding.bySemaphore
    guard set[Column.waitValue]?.encoding == coding else {
      return set.values(Column.waitValue, count: semaphores.count, in: raw)
    }
    let codes = set.values(
      Column.waitValue, count: semaphores.count, in: raw, encoding: coding)
    guard let codes else { return nil }
    var last = SemaphoreValues()
    var values: [UInt64] = []
    for (semaphore, code) in zip(semaphores, codes) {
      guard let semaphore = UInt16(exactly: semaphore),
        let value = UInt32(exactly: last[semaphore] &+ unzigzag(code))
      else { return nil }
      _ = last.exchange(semaphore, value)
      values.append(UInt64(value))
    }
    return values
  }

  /// Fills in columns 30 to 39; false when malformed. Codes of later versions read as none.
  private static func readSynchronisation(
    _ rows: inout [ProgramRow], _ set: ColumnSet, _ raw: [UInt8]
  ) -> Bool {
    func numbers(_ id: UInt8) -> [UInt64]? { set.values(id, count: rows.count, in: raw) }
    guard let conditions = numbers(Column.waitCondition),
      let waited = numbers(Column.waitSemaphore), let wanted = readWaitValues(waited, set, raw),
      let operations = numbers(Column.updateOperation),
      let updated = numbers(Column.updateSemaphore), let values = numbers(Column.updateValue),
      let rings = numbers(Column.ring), let transposes = numbers(Column.transposeFlops),
      let reads = numbers(Column.hbmReadBytes), let writes = numbers(Column.hbmWriteBytes)
    else { return false }
    for index in rows.indices {
      guard let first = UInt16(exactly: waited[index]), let want = UInt32(exactly: wanted[index]),
        let second = UInt16(exactly: updated[index]), let value = UInt32(exactly: values[index]),
        rings[index] <= 256
      else { return false }
      let condition = UInt8(exactly: conditions[index]).flatMap {
        ProgramWait.Condition(rawValue: $0)
      }
      let operation = UInt8(exactly: operations[index]).flatMap {
        ProgramUpdate.Operation(rawValue: $0)
      }
      rows[index].wait = ProgramWait(first, condition ?? .none, want)
      rows[index].update = ProgramUpdate(second, operation ?? .none, value)
      rows[index].transposeFlops = unzigzag(transposes[index])
      rows[index].hbmReadBytes = unzigzag(reads[index])
      rows[index].hbmWriteBytes = unzigzag(writes[index])
      rows[index].ring = rings[index] == 0 ? nil : UInt8(rings[index] - 1)
    }
    return true
  }

  /// The rows of a block; nil when malformed.
  static func decode(_ raw: [UInt8], count: Int) -> [ProgramRow]? {
    guard count <= BlockHeader.capacity, let set = ColumnSet(raw), let texts = strings(set, raw)
    else { return nil }
    func text(_ id: UInt8) -> [String]? {
      guard let numbers = set.values(id, count: count, in: raw) else { return nil }
      var found: [String] = []
      for number in numbers {
        guard number < UInt64(texts.count) else { return nil }
        found.append(texts[Int(number)])
      }
      return found
    }
    func numbers(_ id: UInt8) -> [UInt64]? { set.values(id, count: count, in: raw) }
    guard let opcodes = text(Column.opcode), let kernels = text(Column.kernel),
      let layers = text(Column.layer), let files = text(Column.sourceFile),
      let shapes = text(Column.shape), let engines = numbers(Column.engine),
      let lines = numbers(Column.sourceLine), let bytes = numbers(Column.bytes),
      let flops = numbers(Column.flops)
    else { return nil }
    var rows: [ProgramRow] = []
    for index in 0..<count {
      guard let engine = UInt8(exactly: engines[index]).flatMap(TrackID.init(rawValue:)),
        let line = UInt32(exactly: lines[index])
      else { return nil }
      rows.append(
        ProgramRow(
          opcode: opcodes[index], engine: engine, kernel: kernels[index], layer: layers[index],
          sourceFile: files[index], sourceLine: line, shape: shapes[index],
          bytes: unzigzag(bytes[index]), flops: unzigzag(flops[index])))
    }
    return readSynchronisation(&rows, set, raw) ? rows : nil
  }

  static func strings(_ set: ColumnSet, _ raw: [UInt8]) -> [String]? {
    guard let location = set[Column.strings] else { return [] }
    var reader = ByteReader(raw[location.range])
    var texts: [String] = []
    while reader.remaining > 0 {
      guard let size = reader.takeVarint(), let count = Int(exactly: size),
        let bytes = reader.take(count: count)
      else { return nil }
      texts.append(String(decoding: bytes, as: UTF8.self))
    }
    return texts
  }
}

/// The value that each semaphore was last compared with.
struct SemaphoreValues {
  private var values = [UInt32](repeating: 0, count: Int(UInt16.max) + 1)

  subscript(_ semaphore: UInt16) -> Int64 { Int64(values[Int(semaphore)]) }

  /// Notes a value and returns the one before it.
  mutating func exchange(_ semaphore: UInt16, _ value: UInt32) -> Int64 {
    let last = self[semaphore]
    values[Int(semaphore)] = value
    return last
  }
}
