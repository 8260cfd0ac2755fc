import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Emits a reduction.
struct ReduceEmitter {
  /// Results of one tile: partition p holds `rows` × `inner` of them.
  private struct Group {
    /// The first element of x and of out.
    var start: Int
    var result: Int
    var partitions: Int
    /// Elements from one partition to the next, of x and of out.
    var pitch: Int
    var resultPitch: Int
    /// Rows of one partition.
    var rows = 1
    /// Elements that each result joins.
    var reduced: Int
    /// Elements behind the reduced axis.
    var inner: Int
  }

  private let kernel: ReduceKernel
  private let x: TensorHandle
  private let out: TensorHandle
  private var inputs: TilePool
  private var changed: TilePool?
  private var totals: TilePool
  private var parts: TilePool
  private var outputs: TilePool
  private var turn = 0

  /// Elements per partition of one piece of x, and of its results.
  private static let columns = 4096
  private static let resultColumns = 2048

  init(_ kernel: ReduceKernel, _ tensors: [TensorHandle], _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.kernel = kernel
    x = tensors[0]
    out = tensors[1]
    let width = min(Self.columns, max(1, kernel.outer * kernel.reduced * kernel.inner))
    let results = min(Self.resultColumns, kernel.outer * kernel.inner)
    inputs = try builder.pool("x", buffers: 3, width, format: kernel.input)
    if kernel.first != nil {
      changed = try builder.pool("changed", buffers: 2, width, format: .float32)
    }
    totals = try builder.pool("total", buffers: 2, results, format: .float32)
    parts = try builder.pool("part", buffers: 2, results, format: .float32)
    outputs = try builder.pool("out", buffers: 2, results, format: kernel.output)
  }

  mutating func emit(into builder: inout KernelBuilder) throws(BuilderError) {
    let isSmall = kernel.outer < 32 && kernel.inner < 256
    if isSmall, let parts = partitionParts {
      try emitAcross(parts: parts, into: &builder)
      return
    }
    for group in groups {
      let total = totals.next().rows(0..<group.partitions).columns(0..<group.rows * group.inner)
      join(group, into: total, &builder)
      finish(
        total,
        out.access(
          offset: group.result, sizes: [group.partitions, total.columns],
          strides: [group.resultPitch, 1]), &builder)
    }
  }

  /// The tiles whose results stay on their partitions.
  private var groups: [Group] {
    let (reduced, inner) = (kernel.reduced, kernel.inner)
    if kernel.outer >= 32 || inner < 256 {
      let most = max(1, min(16, Self.resultColumns / min(inner, Self.resultColumns)))
      return RowTile.tiles(
        kernel.outer, rowBytes: reduced * inner * kernel.input.sizeBytes, mostPerPartition: most
      ).flatMap { tile in
        pieces(inner, Self.resultColumns).map { cut in
          Group(
            start: tile.first * reduced * inner + cut.lowerBound,
            result: tile.first * inner + cut.lowerBound, partitions: tile.partitions,
            pitch: tile.perPartition * reduced * inner, resultPitch: tile.perPartition * inner,
            rows: tile.perPartition, reduced: reduced, inner: cut.count)
        }
      }
    }
    // Parts of inner on partitions: 128 equal runs, and what is left on one partition.
    let run = inner / 128
    let cuts = run == 0 ? [] : pieces(run, Self.resultColumns)
    return (0..<kernel.outer).flatMap { row in
      let first = (x: row * reduced * inner, out: row * inner)
      var list = cuts.map { cut in
        Group(
          start: first.x + cut.lowerBound, result: first.out + cut.lowerBound, partitions: 128,
          pitch: run, resultPitch: run, reduced: reduced, inner: cut.count)
      }
      if inner % 128 > 0 {
        list.append(
          Group(
            start: first.x + run * 128, result: first.out + run * 128, partitions: 1, pitch: 1,
            resultPitch: 1, reduced: reduced, inner: inner % 128))
      }
      return list
    }
  }

  /// Joins the elements of a group, piece by piece.
  private mutating func join(_ group: Group, into total: Tile, _ builder: inout KernelBuilder) {
    let results = group.rows * group.inner
    let operation = kernel.join.operation
    for piece in pieces(group.reduced, max(1, Self.columns / results)) {
      let row = load(group, piece, &builder)
      let columns = row.viewed(
        sizes: [group.rows, group.inner, piece.count],
        strides: [piece.count * group.inner, 1, group.inner])
      if piece.lowerBound == 0 {
        builder.tensorReduce(total, columns, operation)
      } else if piece.count == 1 {
        builder.tensorTensor(total, total, row, operation)
      } else {
        let part = parts.next().rows(0..<group.partitions).columns(0..<results)
        builder.tensorReduce(part, columns, operation)
        builder.tensorTensor(total, total, part, operation)
      }
    }
  }

  /// A piece of a group: [rows, piece, inner] per partition, with the first function applied.
  private mutating func load(
    _ group: Group, _ piece: Range<Int>, _ builder: inout KernelBuilder
  ) -> Tile {
    let count = group.rows * piece.count * group.inner
    let row = inputs.next().rows(0..<group.partitions).columns(0..<count)
    turn += 1
    builder.load(
      row.viewed(
        sizes: [group.rows, piece.count, group.inner],
        strides: [piece.count * group.inner, group.inner, 1]),
      from: x.access(
        offset: group.start + piece.lowerBound * kernel.inner,
        sizes: [group.partitions, group.rows, piece.count, group.inner],
        strides: [group.pitch, kernel.reduced * kernel.inner, kernel.inner, 1]),
      on: turn % 2 == 0 ? .scalar : .sync)
    guard let function = kernel.first, var pool = changed else { return row }
    let result = pool.next().rows(0..<group.partitions).columns(0..<count)
    changed = pool
    builder.activation(result, function, row)
    return result
  }

  /// Scales, applies the last function, casts and stores.
  private mutating func finish(
    _ total: Tile, _ target: TensorAccess, _ builder: inout KernelBuilder
  ) {
    let result = outputs.next().rows(0..<total.partitions).columns(0..<total.columns)
    if let function = kernel.last {
      builder.activation(result, function, total, scale: .immediate(kernel.scale))
    } else {
      builder.tensorScalar(result, total, .multiply, .immediate(kernel.scale))
    }
    builder.store(target, from: result)
  }

  /// Parts of the reduced axis that lie on partitions, when that is worth it.
  private var partitionParts: Int? {
    guard kernel.reduced >= 256 else { return nil }
    return (64...128).reversed().first { kernel.reduced % $0 == 0 }
  }

  /// Parts of the reduced axis on partitions; their results are turned onto one partition each.
  private mutating func emitAcross(parts: Int, into builder: inout KernelBuilder)
    throws(BuilderError)
  {
    let identity = try builder.identity(128, .float32)
    var banks = try builder.banks("turned", buffers: 4)
    let run = kernel.reduced / parts
    for row in 0..<kernel.outer {
      let group = Group(
        start: row * kernel.reduced * kernel.inner, result: 0, partitions: parts,
        pitch: run * kernel.inner, resultPitch: 0, reduced: run, inner: kernel.inner)
      let partial = totals.next().rows(0..<parts).columns(0..<kernel.inner)
      join(group, into: partial, &builder)
      for cut in pieces(kernel.inner, 128) {
        let turned = banks.next(partitions: cut.count, columns: parts)
        builder.transpose(
          turned, partial.columns(cut), identity: identity[0..<parts, 0..<parts])
        let total = self.parts.next().rows(0..<cut.count).columns(0..<1)
        builder.tensorReduce(total, turned, kernel.join.operation)
        finish(
          total,
          out.access(
            offset: row * kernel.inner + cut.lowerBound, sizes: [cut.count, 1], strides: [1, 1]),
          &builder)
      }
    }
  }
}
