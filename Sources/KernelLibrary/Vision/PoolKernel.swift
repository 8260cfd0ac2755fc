import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Pooling over windows of an image: the maximum or the average of each.
///
/// Layout: planes (an image's channel) on partitions, as many per partition as fit. The window is
/// separable: columns are combined first, then rows, each with one pass of the vector engine per
/// tap after the first, which the scalar engine copies. Padding takes no part: a tap that would
/// read outside works on fewer places. Bound: the vector engine, (columns − 1) · rows + (rows − 1)
/// passes over the results of each direction; the DMA for small windows.
///
/// Parameters in order: x [planes, rows, columns], out [planes, rows, columns].
package struct PoolKernel: Kernel {
  /// How a window combines.
  package enum Mode: Hashable, Sendable {
    case max
    /// The mean; with `includesPadding` zeros outside count.
    case average(includesPadding: Bool)
  }

  /// Images × channels.
  package var planes: Int
  /// The window along rows.
  package var rows: WindowAxis
  /// The window along columns.
  package var columns: WindowAxis
  /// How a window combines.
  package var mode: Mode
  /// Format of x and out.
  package var format: NumberFormat

  /// Pooling of `planes` planes.
  package init(
    planes: Int, rows: WindowAxis, columns: WindowAxis, mode: Mode,
    format: NumberFormat = .bfloat16
  ) {
    self.planes = planes
    self.rows = rows
    self.columns = columns
    self.mode = mode
    self.format = format
  }

  package var name: String {
    "\(mode == .max ? "max" : "average")-pool \(planes)x\(rows.text)x\(columns.text) \(format.name)"
  }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("x", [planes, rows.size, columns.size], format),
      KernelParameter("out", [planes, rows.output, columns.output], format, .output),
    ]
  }

  /// Sums are kept in fp32, maxima in the format.
  private var middleFormat: NumberFormat { mode == .max ? format : .float32 }
  private var combine: ALUOperation { mode == .max ? .max : .add }
  /// True when one window covers each plane.
  private var isGlobal: Bool {
    rows.output == 1 && columns.output == 1 && rows.kernel == rows.size
      && columns.kernel == columns.size && rows.before == 0 && columns.before == 0
      && rows.dilation == 1 && columns.dilation == 1
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard planes > 0, rows.output > 0, columns.output > 0, rows.stride > 0, columns.stride > 0
    else { throw unsupported("an empty result", allowed: "windows that fit the image") }
    let limit = builder.freeSBUFBytes / (isGlobal ? 4 : 12) / 4
    let bands = PlaneBand.all(
      planes: planes, rows: rows.output, limit: min(limit, Int(UInt16.max)),
      perPlane: { rows.inputs($0).count * columns.size })
    guard let bands else {
      throw unsupported("rows of \(columns.size)", allowed: "rows of at most \(limit) elements")
    }
    try builder.scope { builder throws(BuilderError) in
      try emit(bands, into: &builder, tensors)
    }
  }

  private func emit(
    _ bands: [PlaneBand], into builder: inout KernelBuilder, _ tensors: [TensorHandle]
  ) throws(BuilderError) {
    func most(_ size: (PlaneBand) -> Int) -> Int {
      bands.map { size($0) * $0.planes.perPartition }.max() ?? 1
    }
    let inputs = most { rows.inputs($0.rows).count * columns.size }
    let middles = most { rows.inputs($0.rows).count * columns.output }
    let results = most { $0.rows.count * columns.output }
    var inputPool = try builder.pool("x", buffers: 3, inputs, format: format)
    var middlePool = try builder.pool("columns", buffers: 2, middles, format: middleFormat)
    var sumPool = try builder.pool("rows", buffers: 2, results, format: middleFormat)
    var outputPool = try builder.pool("out", buffers: 3, results, format: format)
    builder.pipelined(bands) { builder, band in
      let seen = rows.inputs(band.rows)
      let x = planeTile(inputPool.next(), band, seen.count, columns.size)
      builder.load(
        x.whole, from: band.access(tensors[0], rows: seen, height: rows.size, width: columns.size))
      return x
    } compute: { builder, band, x in
      let seen = rows.inputs(band.rows)
      let sum = planeTile(sumPool.next(), band, band.rows.count, columns.output)
      if isGlobal {
        let perPlane = x.tile.shaped(band.planes.perPartition, seen.count * columns.size)
        builder.tensorReduce(sum.whole, perPlane, combine)
      } else {
        let middle = planeTile(middlePool.next(), band, seen.count, columns.output)
        combineColumns(x, into: middle, &builder)
        combineRows(middle, from: seen, into: sum, band.rows, &builder)
      }
      let out = planeTile(outputPool.next(), band, band.rows.count, columns.output)
      finish(sum, band.rows, into: out, &builder)
      builder.store(
        band.access(tensors[1], rows: band.rows, height: rows.output, width: columns.output),
        from: out.whole, on: .scalar)
    }
  }

  private func planeTile(_ buffer: Tile, _ band: PlaneBand, _ rows: Int, _ columns: Int)
    -> PlaneTile
  {
    PlaneTile(
      buffer, partitions: band.planes.partitions, planes: band.planes.perPartition, rows: rows,
      columns: columns)
  }

  private func combineColumns(
    _ x: PlaneTile, into middle: PlaneTile, _ builder: inout KernelBuilder
  ) {
    let taps = Self.order(columns, 0..<columns.output)
    begin(taps, middle.whole, &builder)
    for (index, tap) in taps.enumerated() {
      let target = middle.view(
        rows: middle.allRows, columns: Steps(tap.outputs.lowerBound, tap.outputs.count))
      let source = x.view(
        rows: x.allRows,
        columns: Steps(
          columns.input(tap.outputs.lowerBound, tap: tap.tap), tap.outputs.count,
          step: columns.stride))
      apply(target, source, isFirst: index == 0 && taps[0].isWhole, &builder)
    }
  }

  private func combineRows(
    _ middle: PlaneTile, from seen: Range<Int>, into sum: PlaneTile, _ outputs: Range<Int>,
    _ builder: inout KernelBuilder
  ) {
    let taps = Self.order(rows, outputs)
    begin(taps, sum.whole, &builder)
    for (index, tap) in taps.enumerated() {
      let target = sum.view(
        rows: Steps(tap.outputs.lowerBound - outputs.lowerBound, tap.outputs.count),
        columns: sum.allColumns)
      let source = middle.view(
        rows: Steps(
          rows.input(tap.outputs.lowerBound, tap: tap.tap) - seen.lowerBound, tap.outputs.count,
          step: rows.stride), columns: middle.allColumns)
      apply(target, source, isFirst: index == 0 && taps[0].isWhole, &builder)
    }
  }

  private struct Tap {
    var tap: Int
    var outputs: Range<Int>
    var isWhole: Bool
  }

  /// The taps of an axis that reach some outputs, one that reaches all of them first.
  private static func order(_ axis: WindowAxis, _ outputs: Range<Int>) -> [Tap] {
    var list: [Tap] = []
    for tap in 0..<axis.kernel {
      let reached = axis.outputs(tap: tap).shared(with: outputs)
      if !reached.isEmpty {
        list.append(Tap(tap: tap, outputs: reached, isWhole: reached == outputs))
      }
    }
    if let whole = list.firstIndex(where: \.isWhole) { list.swapAt(0, whole) }
    return list
  }

  /// Where no tap reaches every output, all taps add to a neutral value.
  private func begin(_ taps: [Tap], _ target: Tile, _ builder: inout KernelBuilder) {
    if taps.first?.isWhole != true {
      builder.memset(target, mode == .max ? -.infinity : 0)
    }
  }

  private func apply(
    _ target: Tile, _ source: Tile, isFirst: Bool, _ builder: inout KernelBuilder
  ) {
    if isFirst {
      builder.copy(target, source, on: .scalar)
    } else {
      builder.tensorTensor(target, target, source, combine)
    }
  }

  /// Casts; an average is divided by its number of elements, which is smaller at the edges.
  private func finish(
    _ sum: PlaneTile, _ outputs: Range<Int>, into out: PlaneTile, _ builder: inout KernelBuilder
  ) {
    guard case .average(let includesPadding) = mode else {
      builder.copy(out.whole, sum.whole, on: .scalar)
      return
    }
    let rowRuns = Self.counts(rows, outputs, includesPadding)
    let columnRuns = Self.counts(columns, 0..<columns.output, includesPadding)
    for row in rowRuns {
      for column in columnRuns {
        let at = (
          Steps(row.outputs.lowerBound - outputs.lowerBound, row.outputs.count),
          Steps(column.outputs.lowerBound, column.outputs.count)
        )
        let count = max(1, row.count * column.count)
        builder.tensorScalar(
          out.view(rows: at.0, columns: at.1), sum.view(rows: at.0, columns: at.1), .multiply,
          .immediate(1 / Float(count)))
      }
    }
  }

  /// Runs of outputs whose windows hold equally many elements.
  private static func counts(
    _ axis: WindowAxis, _ outputs: Range<Int>, _ includesPadding: Bool
  ) -> [(outputs: Range<Int>, count: Int)] {
    var runs: [(outputs: Range<Int>, count: Int)] = []
    for output in outputs {
      let inside = (0..<axis.kernel).count { tap in
        let input = axis.input(output, tap: tap)
        return includesPadding
          ? input < axis.size + (axis.countedAfter ?? axis.after) : (0..<axis.size).contains(input)
      }
      if let last = runs.last, last.count == inside {
        runs[runs.count - 1].outputs = last.outputs.lowerBound..<output + 1
      } else {
        runs.append((output..<output + 1, inside))
      }
    }
    return runs
  }
}
