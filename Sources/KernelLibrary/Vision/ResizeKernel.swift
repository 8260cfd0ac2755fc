import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// What one output of a resized axis is made of: (1 − weight) · x[low] + weight · x[high].
package struct ResizeSource: Hashable, Sendable {
  /// The first input.
  package var low: Int
  /// The second input.
  package var high: Int
  /// The share of the second.
  package var weight: Float

  /// A mixture of two inputs; one input alone without a weight.
  package init(_ low: Int, _ high: Int? = nil, weight: Float = 0) {
    self.low = low
    self.high = high ?? low
    self.weight = weight
  }
}

/// Resizes the planes of an image, nearest or linear: every output row and column says which inputs
/// it mixes.
///
/// Layout: planes on partitions. Outputs with equal weights whose inputs advance by equal steps are
/// one instruction: a factor of two is two or four of them per direction. Columns first, then rows;
/// copies are dealt over the vector and scalar engines, mixtures are two passes of the vector
/// engine. Bound: the DMA for nearest neighbours, the vector engine for mixtures.
///
/// Parameters in order: x [planes, rows, columns], out [planes, rows, columns].
package struct ResizeKernel: Kernel {
  /// Images × channels.
  package var planes: Int
  /// Rows of x.
  package var inputRows: Int
  /// Columns of x.
  package var inputColumns: Int
  /// One per row of out.
  package var rows: [ResizeSource]
  /// One per column of out.
  package var columns: [ResizeSource]
  /// Format of x and out.
  package var format: NumberFormat

  /// A resize of `planes` planes.
  package init(
    planes: Int, inputRows: Int, inputColumns: Int, rows: [ResizeSource],
    columns: [ResizeSource], format: NumberFormat = .bfloat16
  ) {
    self.planes = planes
    self.inputRows = inputRows
    self.inputColumns = inputColumns
    self.rows = rows
    self.columns = columns
    self.format = format
  }

  /// Nearest neighbours at a whole factor.
  package static func nearest(
    planes: Int, rows: Int, columns: Int, factor: Int, format: NumberFormat = .bfloat16
  ) -> ResizeKernel {
    ResizeKernel(
      planes: planes, inputRows: rows, inputColumns: columns,
      rows: (0..<rows * factor).map { ResizeSource($0 / factor) },
      columns: (0..<columns * factor).map { ResizeSource($0 / factor) }, format: format)
  }

  package var name: String {
    "resize \(planes)x\(inputRows)x\(inputColumns)->\(rows.count)x\(columns.count) \(format.name)"
  }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("x", [planes, inputRows, inputColumns], format),
      KernelParameter("out", [planes, rows.count, columns.count], format, .output),
    ]
  }

  /// True when no output mixes two inputs.
  private var isNearest: Bool { (rows + columns).allSatisfy { $0.weight == 0 } }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard planes > 0, !rows.isEmpty, !columns.isEmpty else {
      throw unsupported("an empty result", allowed: "at least one plane, row and column")
    }
    let width = max(inputColumns, columns.count)
    let limit = builder.freeSBUFBytes / (isNearest ? 20 : 40)
    let bands = PlaneBand.all(
      planes: planes, rows: rows.count, limit: min(limit, Int(UInt16.max)),
      perPlane: { max($0.count, seen($0).count) * width })
    guard let bands else {
      throw unsupported("rows of \(width)", allowed: "rows of at most \(limit) elements")
    }
    try builder.scope { builder throws(BuilderError) in
      try emit(bands, into: &builder, tensors)
    }
  }

  /// The input rows that some output rows read.
  private func seen(_ outputs: Range<Int>) -> Range<Int> {
    let used = rows[outputs].flatMap { [$0.low, $0.high] }
    return (used.min() ?? 0)..<(used.max() ?? 0) + 1
  }

  private func emit(
    _ bands: [PlaneBand], into builder: inout KernelBuilder, _ tensors: [TensorHandle]
  ) throws(BuilderError) {
    func most(_ size: (PlaneBand) -> Int) -> Int {
      bands.map { size($0) * $0.planes.perPartition }.max() ?? 1
    }
    let inputs = most { seen($0.rows).count * inputColumns }
    let middles = most { seen($0.rows).count * columns.count }
    let results = most { $0.rows.count * columns.count }
    let middleFormat = isNearest ? format : .float32
    var inputPool = try builder.pool("x", buffers: 3, inputs, format: format)
    var middlePool = try builder.pool("columns", buffers: 2, middles, format: middleFormat)
    var scratch = try builder.pool(
      "mixture", buffers: isNearest ? 1 : 2, isNearest ? 1 : max(middles, results),
      format: .float32)
    var outputPool = try builder.pool("out", buffers: 2, results, format: format)
    builder.pipelined(bands) { builder, band in
      let rows = seen(band.rows)
      let x = planeTile(inputPool.next(), band, rows.count, inputColumns)
      builder.load(
        x.whole, from: band.access(tensors[0], rows: rows, height: inputRows, width: inputColumns))
      return x
    } compute: { builder, band, x in
      let first = seen(band.rows)
      let middle = planeTile(middlePool.next(), band, first.count, columns.count)
      let out = planeTile(outputPool.next(), band, band.rows.count, columns.count)
      for run in Self.runs(columns, 0..<columns.count, first: 0) {
        mix(
          middle.view(rows: middle.allRows, columns: run.outputs),
          x.view(rows: x.allRows, columns: run.low), x.view(rows: x.allRows, columns: run.high),
          run.weight, scratch.next(), &builder)
      }
      for run in Self.runs(rows, band.rows, first: first.lowerBound) {
        mix(
          out.view(rows: run.outputs, columns: out.allColumns),
          middle.view(rows: run.low, columns: middle.allColumns),
          middle.view(rows: run.high, columns: middle.allColumns), run.weight, scratch.next(),
          &builder)
      }
      builder.store(
        band.access(tensors[1], rows: band.rows, height: rows.count, width: columns.count),
        from: out.whole, on: .sync)
    }
  }

  private func planeTile(_ buffer: Tile, _ band: PlaneBand, _ rows: Int, _ columns: Int)
    -> PlaneTile
  {
    PlaneTile(
      buffer, partitions: band.planes.partitions, planes: band.planes.perPartition, rows: rows,
      columns: columns)
  }

  /// target = low + weight · (high − low).
  private func mix(
    _ target: Tile, _ low: Tile, _ high: Tile, _ weight: Float, _ scratch: Tile,
    _ builder: inout KernelBuilder
  ) {
    guard weight != 0 else {
      builder.copy(target, low, on: .scalar)
      return
    }
    let difference = scratch[0..<target.partitions, 0..<target.columns]
    builder.tensorTensor(difference, high, low, .subtract)
    builder.scalarTensorTensor(target, difference, .multiply, .immediate(weight), .add, low)
  }

  private struct Run {
    var outputs: Steps
    var low: Steps
    var high: Steps
    var weight: Float
  }

  /// Outputs that one instruction makes: of equal weight, outputs and inputs in equal steps.
  /// Positions count from the beginning of `outputs` and from input `first`.
  private static func runs(
    _ sources: [ResizeSource], _ outputs: Range<Int>, first: Int
  ) -> [Run] {
    var left = Array(outputs)
    var runs: [Run] = []
    while let start = left.first {
      let source = sources[start]
      let equal = left.dropFirst().filter { sources[$0].weight == source.weight }
      var members = [start]
      for second in equal.prefix(8) {
        let found = progression(from: start, second, equal, sources)
        if found.count > members.count { members = found }
      }
      runs.append(run(members, sources, outputs.lowerBound, first))
      let done = Set(members)
      left.removeAll { done.contains($0) }
    }
    return runs
  }

  /// The outputs that go on from two as those two begin.
  private static func progression(
    from start: Int, _ second: Int, _ equal: [Int], _ sources: [ResizeSource]
  ) -> [Int] {
    let (a, b) = (sources[start], sources[second])
    let step = (second - start, b.low - a.low, b.high - a.high)
    var members = [start, second]
    for next in equal where next > second {
      let last = members[members.count - 1]
      let fits =
        next - last == step.0 && sources[next].low - sources[last].low == step.1
        && sources[next].high - sources[last].high == step.2
      if fits { members.append(next) }
    }
    return members
  }

  private static func run(
    _ members: [Int], _ sources: [ResizeSource], _ base: Int, _ first: Int
  ) -> Run {
    let start = members[0]
    let second = members.count > 1 ? members[1] : start + 1
    let from = sources[start]
    let next = members.count > 1 ? sources[second] : from
    return Run(
      outputs: Steps(start - base, members.count, step: second - start),
      low: Steps(from.low - first, members.count, step: next.low - from.low),
      high: Steps(from.high - first, members.count, step: next.high - from.high),
      weight: from.weight)
  }
}
