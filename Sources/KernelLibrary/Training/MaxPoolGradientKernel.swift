import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// The gradient of the maximum of each place of a window that slides over images.
///
/// Each place hands its gradient to the first of its elements, row by row, that is as large as the
/// maximum. Layout: planes on partitions, in bands of rows; the places that see rows of a band are
/// looked at again for each. All places at once go through the taps: where an element equals the
/// maximum it takes what is left of the place's gradient, all or nothing, so that no later tap gets
/// any. Sums are kept in fp32. Bound: the vector engine, four passes over the places per tap.
///
/// Parameters in order: x [planes, rows, columns], y and dY [planes, rows', columns'], dX like x.
package struct MaxPoolGradientKernel: Kernel {
  /// Images × channels.
  package var planes: Int
  /// The window along rows.
  package var rows: WindowAxis
  /// The window along columns.
  package var columns: WindowAxis
  /// Format of x and y.
  package var format: NumberFormat
  /// Format of the gradients.
  package var gradient: NumberFormat

  /// The gradient for `planes` planes.
  package init(
    planes: Int, rows: WindowAxis, columns: WindowAxis, format: NumberFormat,
    gradient: NumberFormat
  ) {
    self.planes = planes
    self.rows = rows
    self.columns = columns
    self.format = format
    self.gradient = gradient
  }

  package var name: String {
    "max-pool-gradient \(planes)x\(rows.text)x\(columns.text) \(gradient.name)"
  }

  package var parameters: [KernelParameter] {
    let (whole, pooled) = (
      [planes, rows.size, columns.size], [planes, rows.output, columns.output]
    )
    return [
      KernelParameter("x", whole, format), KernelParameter("y", pooled, format),
      KernelParameter("dy", pooled, gradient), KernelParameter("dx", whole, gradient, .output),
    ]
  }

  /// Bytes of SBUF per element of a band: x, sums, results and what belongs to places.
  private static let bytesPerElement = 48

  /// The places that see some rows, and the rows that those see.
  private func reach(_ band: Range<Int>) -> (places: Range<Int>, seen: Range<Int>) {
    let span = rows.dilation * (rows.kernel - 1)
    let first = max(0, ceilDivide(max(0, band.lowerBound + rows.before - span), rows.stride))
    let last = min(rows.output - 1, (band.upperBound - 1 + rows.before) / rows.stride)
    guard first <= last else { return (0..<0, band) }
    let seen = rows.inputs(first..<last + 1)
    return (
      first..<last + 1,
      min(band.lowerBound, seen.lowerBound)..<max(band.upperBound, seen.upperBound)
    )
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard planes > 0, rows.output > 0, columns.output > 0 else {
      throw unsupported("an empty result", allowed: "windows that fit the image")
    }
    let limit = builder.freeSBUFBytes / Self.bytesPerElement
    let bands = PlaneBand.all(planes: planes, rows: rows.size, limit: limit) {
      reach($0).seen.count * columns.size
    }
    guard let bands else {
      throw unsupported("rows of \(columns.size)", allowed: "rows of at most \(limit) elements")
    }
    try builder.scope { builder throws(BuilderError) in
      var buffers = try Buffers(self, bands, &builder)
      builder.pipelined(bands) { builder, band in
        load(band, &buffers, tensors, &builder)
      } compute: { builder, band, loaded in
        compute(band, loaded, &buffers, tensors[3], &builder)
      }
    }
  }

  private struct Buffers {
    var inputs: TilePool
    var maxima: TilePool
    var slopes: TilePool
    var equal: TilePool
    var parts: TilePool
    var sums: TilePool
    var outputs: TilePool

    init(
      _ kernel: MaxPoolGradientKernel, _ bands: [PlaneBand], _ builder: inout KernelBuilder
    ) throws(BuilderError) {
      func most(_ size: (PlaneBand) -> Int) -> Int {
        max(1, bands.map { size($0) * $0.planes.perPartition }.max() ?? 1)
      }
      let whole = most { kernel.reach($0.rows).seen.count * kernel.columns.size }
      let pooled = most { kernel.reach($0.rows).places.count * kernel.columns.output }
      inputs = try builder.pool("x", buffers: 3, whole, format: kernel.format)
      maxima = try builder.pool("y", buffers: 3, pooled, format: kernel.format)
      slopes = try builder.pool("dy", buffers: 3, pooled, format: kernel.gradient)
      equal = try builder.pool("equal", buffers: 2, pooled, format: kernel.gradient)
      parts = try builder.pool("part", buffers: 2, pooled, format: kernel.gradient)
      sums = try builder.pool("sum", buffers: 2, whole, format: .float32)
      outputs = try builder.pool("dx", buffers: 2, whole, format: kernel.gradient)
    }
  }

  /// What a band needs from HBM.
  private struct Loaded {
    var x: PlaneTile
    var y: PlaneTile
    /// What is left of each place's gradient.
    var rest: PlaneTile
  }

  private func tile(_ buffer: Tile, _ band: PlaneBand, _ rows: Int, _ columns: Int) -> PlaneTile {
    PlaneTile(
      buffer, partitions: band.planes.partitions, planes: band.planes.perPartition, rows: rows,
      columns: columns)
  }

  private func load(
    _ band: PlaneBand, _ buffers: inout Buffers, _ tensors: [TensorHandle],
    _ builder: inout KernelBuilder
  ) -> Loaded? {
    let (places, seen) = reach(band.rows)
    guard !places.isEmpty else { return nil }
    let loaded = Loaded(
      x: tile(buffers.inputs.next(), band, seen.count, columns.size),
      y: tile(buffers.maxima.next(), band, places.count, columns.output),
      rest: tile(buffers.slopes.next(), band, places.count, columns.output))
    builder.load(
      loaded.x.whole,
      from: band.access(tensors[0], rows: seen, height: rows.size, width: columns.size))
    for (tile, tensor) in [(loaded.y, tensors[1]), (loaded.rest, tensors[2])] {
      builder.load(
        tile.whole,
        from: band.access(tensor, rows: places, height: rows.output, width: columns.output),
        on: .scalar)
    }
    return loaded
  }

  private func compute(
    _ band: PlaneBand, _ loaded: Loaded?, _ buffers: inout Buffers, _ tensor: TensorHandle,
    _ builder: inout KernelBuilder
  ) {
    let (places, seen) = reach(band.rows)
    let sum = tile(buffers.sums.next(), band, seen.count, columns.size)
    builder.memset(sum.whole, 0, on: .gpsimd)
    if let loaded {
      for row in 0..<rows.kernel {
        for column in 0..<columns.kernel {
          take(row, column, places, from: seen, loaded, sum, &buffers, &builder)
        }
      }
    }
    let out = tile(buffers.outputs.next(), band, band.rows.count, columns.size)
    let own = Steps(band.rows.lowerBound - seen.lowerBound, band.rows.count)
    builder.copy(
      out.view(rows: out.allRows, columns: out.allColumns),
      sum.view(rows: own, columns: sum.allColumns), on: .scalar)
    builder.store(
      band.access(tensor, rows: band.rows, height: rows.size, width: columns.size),
      from: out.whole)
  }

  /// One tap of all places.
  private func take(
    _ row: Int, _ column: Int, _ places: Range<Int>, from seen: Range<Int>, _ loaded: Loaded,
    _ sum: PlaneTile, _ buffers: inout Buffers, _ builder: inout KernelBuilder
  ) {
    let reachedRows = rows.outputs(tap: row).shared(with: places)
    let reached = columns.outputs(tap: column)
    guard !reachedRows.isEmpty, !reached.isEmpty else { return }
    let source = (
      Steps(
        rows.input(reachedRows.lowerBound, tap: row) - seen.lowerBound, reachedRows.count,
        step: rows.stride),
      Steps(columns.input(reached.lowerBound, tap: column), reached.count, step: columns.stride)
    )
    let place = (
      Steps(reachedRows.lowerBound - places.lowerBound, reachedRows.count),
      Steps(reached.lowerBound, reached.count)
    )
    func view(_ tile: PlaneTile) -> Tile { tile.view(rows: place.0, columns: place.1) }
    var (equal, part) = (loaded.rest, loaded.rest)
    equal.tile = buffers.equal.next().rows(0..<loaded.rest.tile.partitions)
    part.tile = buffers.parts.next().rows(0..<loaded.rest.tile.partitions)
    let target = sum.view(rows: source.0, columns: source.1)
    builder.tensorTensor(
      view(equal), loaded.x.view(rows: source.0, columns: source.1), view(loaded.y), .isEqual)
    builder.tensorTensor(view(part), view(equal), view(loaded.rest), .multiply)
    builder.tensorTensor(view(loaded.rest), view(loaded.rest), view(part), .subtract)
    builder.tensorTensor(target, target, view(part), .add)
  }
}
