/// Invocations as columns; texts by number, times against the engine's last one.
enum InvocationCodec {
  /// The content of a block.
  static func encode(_ invocations: [TraceInvocation]) -> [UInt8] {
    var texts = StringTable()
    var columns = ColumnWriters(
      count: 5 + TrackID.engineCount, maximumCount: max(1, invocations.count))
    var last = [Int64](repeating: 0, count: TrackID.engineCount)
    for invocation in invocations {
      columns[0].put(UInt64(invocation.firstRow))
      columns[1].put(UInt64(invocation.rowCount))
      columns[2].put(UInt64(texts.intern(invocation.layer)))
      columns[3].put(UInt64(texts.intern(invocation.operators)))
      columns[4].put(UInt64(texts.intern(invocation.node)))
      for engine in 0..<TrackID.engineCount {
        guard engine < invocation.begins.count, let begin = invocation.begins[engine] else {
          columns[5 + engine].put(0)
          continue
        }
        columns[5 + engine].put(zigzag(begin &- last[engine]) &+ 1)
        last[engine] = begin
      }
    }
    var strings = ByteWriter()
    for text in texts.strings {
      strings.putVarint(UInt64(text.utf8.count))
      strings.put(Array(text.utf8))
    }
    var raw = ColumnFrame.header(
      id: Column.strings, encoding: ColumnEncoding.raw, size: strings.bytes.count)
    raw += strings.bytes
    for index in 0..<5 + TrackID.engineCount {
      raw += columns[index].framed(Column.invocationFirstRow + UInt8(index))
    }
    return raw
  }

  /// The invocations of a block; nil when malformed.
  static func decode(_ raw: [UInt8], count: Int) -> [TraceInvocation]? {
    guard count <= BlockHeader.capacity, let set = ColumnSet(raw),
      let texts = ProgramCodec.strings(set, raw)
    else { return nil }
    var columns: [[UInt64]] = []
    for index in 0..<5 + TrackID.engineCount {
      let id = Column.invocationFirstRow + UInt8(index)
      guard let values = set.values(id, count: count, in: raw) else { return nil }
      columns.append(values)
    }
    guard columns[0...1].joined().allSatisfy({ $0 <= UInt64(UInt32.max) }),
      columns[2...4].joined().allSatisfy({ $0 < UInt64(texts.count) })
    else { return nil }
    var last = [Int64](repeating: 0, count: TrackID.engineCount)
    var found: [TraceInvocation] = []
    for place in 0..<count {
      var begins: [Int64?] = []
      for engine in 0..<TrackID.engineCount {
        let code = columns[5 + engine][place]
        guard code > 0 else {
          begins.append(nil)
          continue
        }
        last[engine] &+= unzigzag(code - 1)
        guard abs(last[engine] / 2) <= TraceEvent.limit else { return nil }
        begins.append(last[engine])
      }
      found.append(
        TraceInvocation(
          firstRow: UInt32(columns[0][place]), rowCount: UInt32(columns[1][place]),
          layer: texts[Int(columns[2][place])], operators: texts[Int(columns[3][place])],
          node: texts[Int(columns[4][place])], begins: begins))
    }
    return found
  }
}
