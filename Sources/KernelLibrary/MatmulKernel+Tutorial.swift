import Hardware
import KernelBuilder

/// The two naive variants, for comparison with the published times of the vendor's tutorial.
extension MatmulKernel {
  /// Both tiles from HBM for every product.
  func emitReload(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    var stationaries = try builder.pool("lhsT", buffers: reloadBuffers, 128, format: input)
    var movings = try builder.pool("rhs", buffers: reloadBuffers, 512, format: input)
    var results = try builder.pool("out", buffers: 2, 512, format: output)
    var banks = try builder.banks("product", buffers: 2)
    for rows in pieces(m, 128) {
      for columns in pieces(n, 512) {
        let bank = banks.next(columns: 512)
        for steps in pieces(k, 128) {
          let stationary = stationaries.next()
          let moving = movings.next()
          builder.load(stationary, from: tensors[0].block(rows: steps, columns: rows), on: .scalar)
          builder.load(moving, from: tensors[1].block(rows: steps, columns: columns))
          builder.matmul(
            bank, stationary: stationary, moving: moving, accumulates: steps.lowerBound > 0)
        }
        let result = results.next()
        builder.copy(result, bank)
        builder.store(tensors[2].block(rows: rows, columns: columns), from: result)
      }
    }
  }

  /// lhsT stays for `rowTiles` rows of tiles; rhs comes again for each of them, in rows of 2 KiB
  /// when several rows share it.
  func emitRowResident(
    into builder: inout KernelBuilder, _ tensors: [TensorHandle], rowTiles: Int
  ) throws(BuilderError) {
    let kTiles = k / 128
    let width = rowTiles > 1 && n % 1024 == 0 ? 1024 : 512
    let height = max(1, min(rowTiles, 8 * 512 / width / 2))
    var stationaries = try builder.pool(
      "lhsT", buffers: 2, kTiles, 128 * height, format: input)
    var movings = try builder.pool("rhs", buffers: 4, width, format: input)
    var results = try builder.pool("out", buffers: 2, width, format: output)
    var banks = try builder.banks("product", buffers: 8)
    for rows in pieces(m, 128 * height) {
      let stationary = stationaries.next()
      for step in 0..<kTiles {
        builder.load(
          stationary.block(step).columns(0..<rows.count),
          from: tensors[0].block(rows: step * 128..<(step + 1) * 128, columns: rows), on: .scalar)
      }
      for columns in pieces(n, width) {
        let outputs = (0..<rows.count / 128 * (width / 512)).map { _ in banks.next(columns: 512) }
        for step in 0..<kTiles {
          let moving = movings.next()
          builder.load(
            moving, from: tensors[1].block(rows: step * 128..<(step + 1) * 128, columns: columns))
          for (index, bank) in outputs.enumerated() {
            let row = index / (width / 512)
            let column = index % (width / 512)
            builder.matmul(
              bank, stationary: stationary.block(step).columns(row * 128..<(row + 1) * 128),
              moving: moving.columns(column * 512..<(column + 1) * 512), accumulates: step > 0)
          }
        }
        store(outputs, rows: rows, columns: columns, &results, &builder, tensors[2])
      }
    }
  }

  private func store(
    _ banks: [Tile], rows: Range<Int>, columns: Range<Int>, _ results: inout TilePool,
    _ builder: inout KernelBuilder, _ out: TensorHandle
  ) {
    let perRow = columns.count / 512
    for row in 0..<rows.count / 128 {
      let result = results.next()
      for column in 0..<perRow {
        builder.copy(
          result.columns(column * 512..<(column + 1) * 512), banks[row * perRow + column])
      }
      let first = rows.lowerBound + row * 128
      builder.store(out.block(rows: first..<first + 128, columns: columns), from: result)
    }
  }
}
