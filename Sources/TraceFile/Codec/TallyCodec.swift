/// Blocks of the footer that spare a reader the records: bins of time and totals of rows.
enum TallyCodec {
  // MARK: Levels

  /// The columns of a block of levels.
  static func encode(_ levels: TrackLevels) -> [UInt8] {
    var raw: [UInt8] = []
    for index in 0..<TrackLevels.columnCount {
      let values = levels.column(index)
      var writer = ColumnWriter(maximumCount: values.count)
      for value in values { writer.put(UInt64(max(0, value))) }
      raw += writer.framed(Column.levelBusy + UInt8(index))
    }
    return raw
  }

  /// The bins of a block; nil when malformed. `length` is that of a bin.
  static func levels(_ raw: [UInt8], count: Int, length: Int64) -> TrackLevels? {
    guard count <= TrackLevels.binLimit, length > 0, length & (length - 1) == 0,
      let set = ColumnSet(raw)
    else { return nil }
    var columns: [[UInt64]] = []
    for index in 0..<TrackLevels.columnCount {
      guard let values = set.values(Column.levelBusy + UInt8(index), count: count, in: raw)
      else { return nil }
      columns.append(values)
    }
    return TrackLevels(shift: Int64(length.trailingZeroBitCount), columns: columns)
  }

  // MARK: Totals of rows

  /// Those rows that ran, as columns.
  static func encode(_ rows: RowTally) -> [UInt8] {
    var ran: [Int] = []
    ran.reserveCapacity(rows.count)
    for place in 0..<rows.count where rows.hasRun(place) { ran.append(place) }
    var places = ColumnWriter(maximumCount: ran.count)
    var next = 0
    for place in ran {
      places.put(UInt64(place - next))
      next = place + 1
    }
    func column(_ id: UInt8, _ numbers: [Int64]) -> [UInt8] {
      var writer = ColumnWriter(maximumCount: numbers.isEmpty ? 0 : ran.count)
      if !numbers.isEmpty { for place in ran { writer.put(UInt64(max(0, numbers[place]))) } }
      return writer.framed(id)
    }
    var raw = places.framed(Column.totalRow)
    raw += column(Column.totalInstructions, rows.instructions)
    raw += column(Column.totalBusy, rows.busy)
    for cause in 0..<StallCause.count {
      raw += column(Column.totalStall + UInt8(cause), rows.stalls[cause])
    }
    raw += column(Column.totalTransfers, rows.transfers)
    raw += column(Column.totalTransferBusy, rows.transferBusy)
    return raw
  }

  /// The totals of a block, for a program of `rowCount` rows; nil when malformed.
  static func rowTotals(_ raw: [UInt8], count: Int, rowCount: Int) -> RowTotals? {
    guard count <= rowCount + 1, let set = ColumnSet(raw) else { return nil }
    func values(_ id: UInt8) -> [Int64]? {
      guard let numbers = set.values(id, count: count, in: raw),
        numbers.allSatisfy({ $0 <= UInt64(TraceEvent.limit) })
      else { return nil }
      return numbers.map(Int64.init)
    }
    guard let gaps = values(Column.totalRow), let runs = values(Column.totalInstructions),
      let busy = values(Column.totalBusy), let transfers = values(Column.totalTransfers),
      let moved = values(Column.totalTransferBusy)
    else { return nil }
    var stalls: [[Int64]] = []
    for cause in 0..<StallCause.count {
      guard let column = values(Column.totalStall + UInt8(cause)) else { return nil }
      stalls.append(column)
    }
    var totals = Array(repeating: RowTotal(), count: rowCount + 1)
    var next: Int64 = 0
    for index in 0..<count {
      let place = next + gaps[index]
      guard place <= Int64(rowCount) else { return nil }
      var total = RowTotal()
      (total.instructions, total.busy) = (runs[index], busy[index])
      (total.transfers, total.dmaBusy) = (transfers[index], moved[index])
      for cause in 0..<StallCause.count { total.stall[cause] = stalls[cause][index] }
      totals[Int(place)] = total
      next = place + 1
    }
    return RowTotals(totals)
  }
}
