import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Rotary position embedding: with x = (x1, x2) the halves of what is turned of a head, or its
/// elements of even and odd place, out = (x1 · cos − x2 · sin, x2 · cos + x1 · sin).
///
/// Layouts: `rowMajor` has x [tokens, heads · size] with tokens on partitions and tables
/// [tokens, turned / 2]; `transposed` has x [heads · size, tokens] with the head's elements on
/// partitions and tables [size / 2, tokens] (size 64 or 128), as attention wants its queries and
/// keys. One product runs on GpSimd, the other and the sum on the vector engine.
/// Bound: the vector engine at two cycles per element, three transposed, where the halves of a head
/// are crossed one after the other.
///
/// Parameters in order: x, cos, sin, out; then another x and its out, if there is one.
package struct RotaryKernel: Kernel {
  /// What lies on partitions.
  package enum Layout: Hashable, Sendable { case rowMajor, transposed }

  /// Tokens.
  package var tokens: Int
  /// Heads.
  package var heads: Int
  /// Elements of a head.
  package var size: Int
  /// Elements at the beginning of a head that are turned, the others stay: all, or by rows fewer.
  package var turned: Int
  /// True where neighbours are turned together, by rows alone.
  package var isInterleaved = false
  /// What lies on partitions.
  package var layout: Layout
  /// Format of x and out.
  package var format: NumberFormat
  /// Format of the tables.
  package var table: NumberFormat
  /// Rows of the tables by rows: as many as tokens, one that all tokens share, or as many as each
  /// of several sequences has tokens.
  package var tableRows: Int
  /// Heads of another tensor by rows that the same tables turn, such as keys beside queries; 0 for
  /// none.
  package var otherHeads = 0

  /// Bytes of a partition that a row by itself may take, in every form in which it is held: of the
  /// 192 KiB of the smallest SBUF, with room for tables.
  private static let rowBytes = 160 << 10

  /// True where a whole row of so many elements, all of them turned, fits a partition of SBUF.
  package static func fits(rowOf elements: Int, _ format: NumberFormat) -> Bool {
    // Crossed and straight products in fp32, of which one and two, and four rows as they lie.
    elements * (3 * 4 + 4 * format.sizeBytes) <= rowBytes
  }

  /// The rotation of `heads` heads of `size` elements.
  package init(
    tokens: Int, heads: Int, size: Int, layout: Layout, format: NumberFormat = .bfloat16,
    table: NumberFormat = .float32
  ) {
    self.tokens = tokens
    tableRows = tokens
    self.heads = heads
    self.size = size
    turned = size
    self.layout = layout
    self.format = format
    self.table = table
  }

  package var name: String {
    let heads = otherHeads > 0 ? "\(heads)+\(otherHeads)" : "\(heads)"
    let part = turned < size ? "\(turned) of \(size)" : "\(size)"
    return "rotary \(tokens)x\(heads)x\(part)\(isInterleaved ? " pairs" : "") \(format.name)"
  }

  package var parameters: [KernelParameter] {
    let isRows = layout == .rowMajor
    let shape = isRows ? [tokens, heads * size] : [heads * size, tokens]
    let tables = isRows ? [tableRows, turned / 2] : [size / 2, tokens]
    let list = [
      KernelParameter("x", shape, format), KernelParameter("cos", tables, table),
      KernelParameter("sin", tables, table), KernelParameter("out", shape, format, .output),
    ]
    guard otherHeads > 0 else { return list }
    let other = [tokens, otherHeads * size]
    return list + [
      KernelParameter("other", other, format), KernelParameter("otherOut", other, format, .output),
    ]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard tableRows > 0, tokens % tableRows == 0 else {
      throw unsupported(
        "tables of \(tableRows) rows for \(tokens) tokens",
        allowed: "one row per token of a sequence, and whole sequences")
    }
    guard turned % 2 == 0, 2...size ~= turned,
      layout == .rowMajor || (size == 64 || size == 128) && turned == size && !isInterleaved
    else {
      throw unsupported(
        "\(turned) of a head's \(size) elements",
        allowed: "even numbers by rows; transposed whole heads of 64 and 128 by halves")
    }
    guard otherHeads == 0 || layout == .rowMajor else {
      throw unsupported("two tensors transposed", allowed: "two by rows")
    }
    try builder.scope { builder throws(BuilderError) in
      if layout == .rowMajor {
        try emitRows(into: &builder, tensors, heads: heads)
        guard otherHeads > 0 else { return }
        // In memory of its own, so that both go on at once.
        try emitRows(
          into: &builder, [tensors[4], tensors[1], tensors[2], tensors[5]], heads: otherHeads)
      } else {
        try emitTransposed(into: &builder, tensors)
      }
    }
  }

  private func emitRows(
    into builder: inout KernelBuilder, _ tensors: [TensorHandle], heads: Int
  ) throws(BuilderError) {
    let half = turned / 2
    let width = heads * size
    let pairs = heads * turned
    // Two rows of fp32 twice, two results, and five pairs of tables beside the inputs; wide rows on
    // a small SBUF get fewer buffers.
    let rest =
      4 * 4 * pairs + 2 * width * format.sizeBytes + 10 * half * table.sizeBytes
    let isRoomy = rest + 3 * width * format.sizeBytes <= builder.freeSBUFBytes
    var inputs = try builder.pool("x", buffers: isRoomy ? 3 : 2, width, format: format)
    var tables = try builder.pool("cos, sin", buffers: 3, 2, half, format: table)
    var signed = try builder.pool("signed sin", buffers: 2, 2, half, format: table)
    var crossed = try builder.pool("crossed", buffers: isRoomy ? 2 : 1, pairs, format: .float32)
    var straights = try builder.pool("straight", buffers: 2, pairs, format: .float32)
    var outputs = try builder.pool("out", buffers: 2, width, format: format)
    builder.pipelined(pieces(tokens, 128)) { builder, tile in
      let x = inputs.next().rows(0..<tile.count)
      let cosine = tables.next().rows(0..<tile.count)
      builder.load(x, from: tensors[0].rows(tile))
      for table in 0..<2 {
        load(cosine.block(table), tensors[1 + table], tile, &builder)
      }
      return (x: x, cosine: cosine)
    } compute: { builder, tile, loaded in
      let (x, cosine) = loaded
      let sine = signed.next().rows(0..<tile.count)
      builder.tensorScalar(sine.block(0), cosine.block(1), .multiply, .immediate(-1))
      builder.copy(sine.block(1), cosine.block(1))
      let cross = crossed.next().rows(0..<tile.count)
      let straight = straights.next().rows(0..<tile.count)
      let out = outputs.next().rows(0..<tile.count)
      let shape = [heads, 2, half]
      let strides = [turned, half, 1]
      let (apart, next) = isInterleaved ? (1, 2) : (half, 1)
      // The second element of each pair stands before the first.
      let swapped = x.viewed(offset: apart, sizes: shape, strides: [size, -apart, next])
      builder.tensorTensor(
        cross.viewed(sizes: shape, strides: strides), swapped,
        sine.viewed(sizes: shape, strides: [0, half, 1]), .multiply, on: .gpsimd)
      builder.tensorTensor(
        straight.viewed(sizes: shape, strides: strides),
        x.viewed(sizes: shape, strides: [size, apart, next]),
        cosine.block(0).viewed(sizes: shape, strides: [0, 0, 1]), .multiply)
      if turned == size, !isInterleaved {
        builder.tensorTensor(out, straight, cross, .add)
      } else {
        builder.tensorTensor(
          out.viewed(sizes: shape, strides: [size, apart, next]),
          straight.viewed(sizes: shape, strides: strides),
          cross.viewed(sizes: shape, strides: strides), .add)
      }
      if turned < size {
        let rest = [heads, size - turned]
        builder.copy(
          out.viewed(offset: turned, sizes: rest, strides: [size, 1]),
          x.viewed(offset: turned, sizes: rest, strides: [size, 1]), on: .scalar)
      }
      builder.store(tensors[3].rows(tile), from: out)
    }
  }

  /// The rows of a table for a tile of tokens: every sequence begins the table anew.
  private func load(
    _ target: Tile, _ table: TensorHandle, _ tokens: Range<Int>, _ builder: inout KernelBuilder
  ) {
    if tableRows == 1 {
      let all = table.broadcast(columns: 0..<turned / 2, partitions: tokens.count)
      builder.load(target, from: all, on: .scalar)
      return
    }
    var first = tokens.lowerBound
    while first < tokens.upperBound {
      let row = first % tableRows
      let count = min(tableRows - row, tokens.upperBound - first)
      let partition = first - tokens.lowerBound
      builder.load(
        target.rows(partition..<partition + count), from: table.rows(row..<row + count),
        on: .scalar)
      first += count
    }
  }

  private func emitTransposed(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    let half = size / 2
    let width = min(tokens, 2048)
    let headsPerTile = min(heads, 128 / size)
    var inputs = try builder.pool("x", buffers: 3, width, format: format)
    var cosines = try builder.pool("cos", buffers: 2, width, format: table)
    var sines = try builder.pool("sin", buffers: 2, width, format: table)
    var crossed = try builder.pool("crossed", buffers: 2, width, format: .float32)
    var straights = try builder.pool("straight", buffers: 2, width, format: .float32)
    var outputs = try builder.pool("out", buffers: 2, width, format: format)
    for columns in pieces(tokens, width) {
      let cosine = cosines.next().columns(0..<columns.count)
      let sine = sines.next().columns(0..<columns.count)
      loadTables(tensors, columns, cosine, sine, heads: headsPerTile, &builder)
      builder.pipelined(pieces(heads, headsPerTile)) { builder, group in
        let elements = group.lowerBound * size..<group.upperBound * size
        let x = inputs.next()[0..<elements.count, 0..<columns.count]
        builder.load(x, from: tensors[0].block(rows: elements, columns: columns))
        return x
      } compute: { builder, group, x in
        let elements = group.lowerBound * size..<group.upperBound * size
        let cross = crossed.next()[0..<elements.count, 0..<columns.count]
        let straight = straights.next()[0..<elements.count, 0..<columns.count]
        let out = outputs.next()[0..<elements.count, 0..<columns.count]
        for part in 0..<2 * group.count {
          let rows = part * half..<(part + 1) * half
          let other = (part ^ 1) * half..<((part ^ 1) + 1) * half
          // The half from the other partitions.
          builder.tensorTensor(cross.rows(rows), x.rows(other), sine.rows(rows), .multiply)
        }
        builder.tensorTensor(
          straight, x, cosine.rows(0..<elements.count), .multiply, on: .gpsimd)
        builder.tensorTensor(out, straight, cross, .add)
        builder.store(tensors[3].block(rows: elements, columns: columns), from: out)
      }
    }
  }

  /// Both halves of every head's partitions hold the same tables; the sine of the first half is
  /// negative.
  private func loadTables(
    _ tensors: [TensorHandle], _ columns: Range<Int>, _ cosine: Tile, _ sine: Tile, heads: Int,
    _ builder: inout KernelBuilder
  ) {
    let half = size / 2
    for part in 0..<2 * heads {
      let rows = part * half..<(part + 1) * half
      for (tile, tensor) in [(cosine, tensors[1]), (sine, tensors[2])] {
        builder.load(
          tile.rows(rows), from: tensor.block(rows: 0..<half, columns: columns), on: .scalar)
      }
    }
    for part in stride(from: 0, to: 2 * heads, by: 2) {
      let rows = sine.rows(part * half..<(part + 1) * half)
      builder.tensorScalar(rows, rows, .multiply, .immediate(-1))
    }
  }
}
