import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Embedding bags: for each bag and each of several tables, the sum of the table's rows that the
/// bag names; the sums of all tables side by side.
///
/// A bag has `lengths[t]` places for table t; a row number beyond the table marks a place that is
/// empty, so that bags of any length fit.
///
/// Layout: bags on partitions. GpSimd gathers one place of 128 bags at a time; the tensor engine
/// adds the rows up in fp32 in PSUM as products with the identity, 55 ns each, so that nothing but
/// descriptors costs time. Sums leave through the vector and scalar engines in turn, whole rows of
/// out at once. Bound: GpSimd's descriptors, one per row.
///
/// Parameters in order: index [bags, Σ lengths] uint32, tables [rows, row length] each, of which
/// the first `columns` elements of a row are summed, leading [bags, columns] (if any; copied in
/// front of the sums), out [bags, pieces · columns].
package struct EmbeddingBagKernel: Kernel {
  /// A table and how many places a bag has for it.
  package struct Table: Hashable, Sendable {
    /// Rows of the table.
    package var rows: Int
    /// Places of a bag.
    package var length: Int

    /// A table.
    package init(rows: Int, length: Int) {
      self.rows = rows
      self.length = length
    }
  }

  /// Bags.
  package var bags: Int
  /// The tables in the order of the sums.
  package var tables: [Table]
  /// Elements of a row that are summed.
  package var columns: Int
  /// Elements of a row of every table.
  package var rowLength: Int
  /// True when places may be empty.
  package var isRagged = true
  /// True when a tensor goes in front of the sums.
  package var hasLeading = false
  /// Format of the tables.
  package var format: NumberFormat
  /// Format of leading and out.
  package var output: NumberFormat

  /// Sums of bags over some tables.
  package init(bags: Int, tables: [Table], columns: Int, format: NumberFormat = .bfloat16) {
    self.bags = bags
    self.tables = tables
    self.columns = columns
    rowLength = columns
    self.format = format
    output = format
  }

  /// Places per bag.
  package var places: Int { tables.map(\.length).reduce(0, +) }
  /// Pieces of a row of out.
  private var pieceCount: Int { tables.count + (hasLeading ? 1 : 0) }

  package var name: String {
    "embedding-bag \(bags)x\(places) of \(tables.count) tables x\(columns) \(format.name)"
      + (output == format ? "" : " to \(output.name)")
  }

  package var parameters: [KernelParameter] {
    var list = [KernelParameter("index", [bags, places], .uint32)]
    for (number, table) in tables.enumerated() {
      list.append(KernelParameter("table \(number)", [table.rows, rowLength], format))
    }
    if hasLeading { list.append(KernelParameter("leading", [bags, columns], output)) }
    list.append(KernelParameter("out", [bags, pieceCount * columns], output, .output))
    return list
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard bags > 0, !tables.isEmpty, tables.allSatisfy({ $0.length > 0 && $0.rows > 0 }) else {
      throw unsupported("an empty bag", allowed: "at least one bag, table, row and place")
    }
    try builder.scope { builder throws(BuilderError) in
      let identity = try builder.identity(128, format)
      var indices = try builder.pool("index", buffers: 3, places, format: .uint32)
      var outputs = try builder.pool("out", buffers: 2, pieceCount * columns, format: output)
      let buffers = gatherBuffers(
        rowBytes: columns * format.sizeBytes, freeBytes: builder.freeSBUFBytes)
      var rows = try builder.pool("rows", buffers: buffers, columns, format: format)
      var banks = try builder.banks("sums", buffers: builder.freeBanks)
      var turn = 0
      builder.pipelined(pieces(bags, 128)) { builder, tile in
        let index = indices.next().rows(0..<tile.count)
        builder.load(index, from: tensors[0].rows(tile))
        return index
      } compute: { builder, tile, index in
        let out = outputs.next().rows(0..<tile.count)
        if hasLeading {
          builder.load(
            out.columns(0..<columns), from: tensors[tables.count + 1].rows(tile), on: .scalar)
        }
        var place = 0
        var column = hasLeading ? columns : 0
        for (number, table) in tables.enumerated() {
          let sum = Sum(
            table: tensors[number + 1], index: index.columns(place..<place + table.length),
            out: out.columns(column..<column + columns))
          emit(sum, identity, &rows, &banks, &turn, &builder)
          place += table.length
          column += columns
        }
        builder.store(tensors[tensors.count - 1].rows(tile), from: out)
      }
    }
  }

  /// One table's sums of a tile of bags.
  private struct Sum {
    var table: TensorHandle
    /// Row numbers: a column per place.
    var index: Tile
    var out: Tile
  }

  private func emit(
    _ sum: Sum, _ identity: Tile, _ rows: inout TilePool, _ banks: inout BankPool,
    _ turn: inout Int, _ builder: inout KernelBuilder
  ) {
    let bags = sum.out.partitions
    let parts = pieces(columns, 512)
    let open = parts.map { banks.next(partitions: bags, columns: $0.count) }
    for place in 0..<sum.index.columns {
      let row = rows.next().rows(0..<bags)
      // A gather leaves what an empty place would have received as it was.
      if isRagged { builder.memset(row, 0) }
      builder.gather(
        row, rowsOf: sum.table, index: sum.index.columns(place..<place + 1),
        columns: 0..<columns)
      for (part, bank) in zip(parts, open) {
        builder.matmul(
          bank, stationary: identity[0..<bags, 0..<bags], moving: row.columns(part),
          accumulates: place > 0)
      }
    }
    for (part, bank) in zip(parts, open) {
      turn += 1
      builder.copy(sum.out.columns(part), bank, on: turn % 2 == 0 ? .vector : .scalar)
    }
  }
}
