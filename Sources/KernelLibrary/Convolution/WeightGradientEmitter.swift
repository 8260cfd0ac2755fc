import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// The passes of `WeightGradientKernel`.
struct WeightGradientEmitter {
  private let kernel: WeightGradientKernel
  private let tensors: [TensorHandle]
  private let identity: Tile
  private var masks: WeightGradientMasks
  private var sums: BankPool
  private var turns: BankPool
  /// Turned dY and X take turns in leaving PSUM by the vector and the scalar engine.
  private var turn = 0

  /// Taps of some inputs, one behind the other on partitions: one sum in PSUM. Of more than 64
  /// inputs it holds one tap.
  private struct Item: Hashable {
    var inputs: Range<Int>
    var taps: [Int]

    var width: Int { inputs.count * taps.count }
  }

  /// Places of some images that lie in SBUF together.
  private struct Chunk {
    var images: Range<Int>
    var places: Range<Int>
    /// Rows of X that they see.
    var seen: Range<Int>
  }

  private static let sumBanks = 5
  private static let turnBanks = 3
  /// Bytes per partition for the X and dY of one chunk, of which there are two.
  private static let chunkBytes = 40 << 10

  init(
    _ kernel: WeightGradientKernel, _ tensors: [TensorHandle], _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.kernel = kernel
    self.tensors = tensors
    identity = try builder.identity(128, kernel.format)
    turns = try builder.banks("turned", buffers: Self.turnBanks)
    masks = try WeightGradientMasks(width: kernel.columns.output, &builder)
    sums = try builder.banks("sums", buffers: Self.sumBanks)
  }

  mutating func emit(_ builder: inout KernelBuilder) throws(BuilderError) {
    for outputs in pieces(kernel.outputs, 512) {
      let perBank = max(1, 512 / outputs.count)
      let items = items
      // Whole inputs in a pass where they fit, so that their taps leave together.
      let most = Self.sumBanks * perBank
      let perInputs = max(1, items.count { $0.inputs == items[0].inputs })
      let together = most >= perInputs ? most / perInputs * perInputs : most
      try builder.scope { builder throws(BuilderError) in
        var results = try Results(
          pool: builder.pool(
            "dw", buffers: ceilDivide(together, perInputs) + 1,
            outputs.count * (isShared(items[0].inputs) ? 1 : kernel.taps), format: .float32))
        for range in pieces(items.count, together) {
          let group = Array(items[range])
          let found = try builder.scope { builder throws(BuilderError) in
            try gather(group, outputs, perBank, &builder)
          }
          for (item, sum) in zip(group, found) {
            if isShared(item.inputs) {
              put(together: item, sum, outputs, &results, &builder)
            } else {
              put(item, sum, outputs, &results, &builder)
            }
          }
        }
      }
    }
  }

  /// True where taps share sums.
  private func isShared(_ inputs: Range<Int>) -> Bool {
    kernel.taps > 1 && inputs.count <= 64
  }

  /// All taps of all inputs. Where several share a sum they stand column by column: those of one
  /// column see the same edges.
  private var items: [Item] {
    let (height, width) = (kernel.rows.kernel, kernel.columns.kernel)
    return pieces(kernel.inputs, 128).flatMap { inputs in
      let order =
        isShared(inputs)
        ? (0..<width).flatMap { column in (0..<height).map { $0 * width + column } }
        : Array(0..<height * width)
      return pieces(order.count, isShared(inputs) ? 128 / inputs.count : 1).map {
        Item(inputs: inputs, taps: Array(order[$0]))
      }
    }
  }

  /// Results on their way to HBM.
  private struct Results {
    var pool: TilePool
    /// Tiles of inputs some of whose taps are there, and how many.
    var open: [Range<Int>: (tile: Tile, taps: Int)] = [:]
  }

  /// A sum to its place among the taps; the last tap of some inputs stores them.
  private mutating func put(
    _ item: Item, _ sum: Tile, _ outputs: Range<Int>, _ results: inout Results,
    _ builder: inout KernelBuilder
  ) {
    let taps = kernel.taps
    var (tile, count) =
      results.open[item.inputs] ?? (results.pool.next().rows(0..<item.inputs.count), 0)
    builder.copy(
      tile.viewed(offset: item.taps[0], sizes: [outputs.count], strides: [taps]), sum,
      on: leaving())
    count += 1
    results.open[item.inputs] = (tile, count)
    guard count == taps else { return }
    builder.store(
      tensors[2].block(
        rows: item.inputs, columns: outputs.lowerBound * taps..<outputs.upperBound * taps),
      from: tile)
  }

  /// A sum of several taps, each of which is stored by itself.
  private mutating func put(
    together item: Item, _ sum: Tile, _ outputs: Range<Int>, _ results: inout Results,
    _ builder: inout KernelBuilder
  ) {
    let (taps, count) = (kernel.taps, item.inputs.count)
    let tile = results.pool.next()[0..<item.width, 0..<outputs.count]
    builder.copy(tile, sum, on: leaving())
    for (index, tap) in item.taps.enumerated() {
      builder.store(
        tensors[2].access(
          offset: (item.inputs.lowerBound * kernel.outputs + outputs.lowerBound) * taps + tap,
          sizes: [count, outputs.count], strides: [kernel.outputs * taps, taps]),
        from: tile.rows(index * count..<(index + 1) * count),
        on: index % 2 == 0 ? .sync : .scalar)
    }
  }

  private mutating func leaving() -> Engine {
    turn += 1
    return turn % 2 == 0 ? .scalar : .vector
  }

  /// The sums of some taps over all places, in PSUM.
  private mutating func gather(
    _ items: [Item], _ outputs: Range<Int>, _ perBank: Int, _ builder: inout KernelBuilder
  ) throws(BuilderError) -> [Tile] {
    var banks: [Tile] = []
    var open: [Tile] = []
    for (index, item) in items.enumerated() {
      if index % perBank == 0 { banks.append(sums.next(columns: perBank * outputs.count)) }
      let start = index % perBank * outputs.count
      open.append(
        banks[index / perBank][0..<item.width, start..<start + outputs.count])
    }
    let parts = Array(Set(items.map(\.inputs))).sorted { $0.lowerBound < $1.lowerBound }
    let chunks = chunks(parts.count, outputs)
    var tiles = try Tiles(kernel, chunks.map(size), parts.count, outputs, margin, &builder)
    var isFirst = true
    builder.pipelined(chunks, ahead: 1) { builder, chunk in
      load(chunk, parts, outputs, &tiles, &builder)
    } compute: { builder, chunk, loaded in
      for block in blocks(chunk) {
        add(
          block, chunk, items, open, parts, loaded, isFirst: isFirst, outputs, &tiles, &builder)
        isFirst = false
      }
    }
    return open
  }

  // MARK: What lies in SBUF

  /// Elements before and after X that taps beyond an edge may read.
  private var margin: Int {
    let reach = { (axis: WindowAxis) in
      max(axis.before, axis.dilation * (axis.kernel - 1) + axis.stride - 1)
    }
    return reach(kernel.rows) * kernel.columns.size + reach(kernel.columns)
  }

  private func size(_ chunk: Chunk) -> (x: Int, slope: Int) {
    (
      chunk.images.count * chunk.seen.count * kernel.columns.size,
      chunk.images.count * chunk.places.count * kernel.columns.output
    )
  }

  /// Whole images, as many as fit beside each other, or bands of one.
  private func chunks(_ parts: Int, _ outputs: Range<Int>) -> [Chunk] {
    let (rows, columns) = (kernel.rows, kernel.columns)
    // Elements of X and of dY per partition.
    let slopes = ceilDivide(outputs.count, 128) * columns.output
    let whole = parts * rows.size * columns.size + slopes * rows.output
    let limit = Self.chunkBytes / kernel.format.sizeBytes
    if whole <= limit {
      return pieces(kernel.images, limit / whole).map {
        Chunk(images: $0, places: 0..<rows.output, seen: 0..<rows.size)
      }
    }
    let margin = parts * rows.dilation * (rows.kernel - 1) * columns.size
    let perBand = max(
      1, (limit - margin) / (parts * rows.stride * columns.size + slopes))
    return (0..<kernel.images).flatMap { image in
      pieces(rows.output, perBand).map {
        Chunk(images: image..<image + 1, places: $0, seen: rows.inputs($0))
      }
    }
  }

  private struct Tiles {
    var inputs: [TilePool]
    var slopes: [TilePool]
    var turnedInputs: TilePool
    var turnedSlopes: TilePool

    init(
      _ kernel: WeightGradientKernel, _ sizes: [(x: Int, slope: Int)], _ parts: Int,
      _ outputs: Range<Int>, _ margin: Int, _ builder: inout KernelBuilder
    ) throws(BuilderError) {
      let whole = (sizes.map(\.x).max() ?? 1) + 2 * margin
      let places = sizes.map(\.slope).max() ?? 1
      inputs = []
      slopes = []
      for part in 0..<parts {
        inputs.append(
          try builder.pool("x.\(part)", buffers: 2, whole, format: kernel.format))
      }
      for part in 0..<ceilDivide(outputs.count, 128) {
        slopes.append(
          try builder.pool("dy.\(part)", buffers: 2, places, format: kernel.format))
      }
      // What lies around X is read and set to zero, but must be a number.
      for tile in inputs.flatMap(\.tiles) {
        guard margin > 0 else { continue }
        builder.memset(tile.columns(0..<margin), 0, on: .gpsimd)
        builder.memset(tile.columns(whole - margin..<whole), 0, on: .gpsimd)
      }
      turnedInputs = try builder.pool(
        "turned x", buffers: 3, WeightGradientEmitter.turnedColumns(kernel, builder),
        format: kernel.format)
      turnedSlopes = try builder.pool(
        "turned dy", buffers: 3, outputs.count, format: kernel.format)
    }
  }

  private mutating func load(
    _ chunk: Chunk, _ parts: [Range<Int>], _ outputs: Range<Int>, _ tiles: inout Tiles,
    _ builder: inout KernelBuilder
  ) -> (inputs: [Tile], slopes: [Tile]) {
    let plane = kernel.rows.size * kernel.columns.size
    let size = size(chunk)
    let isChannelsFirst = kernel.layout == .channelsFirst
    let (channel, image) =
      isChannelsFirst ? (kernel.images * plane, plane) : (plane, kernel.inputs * plane)
    var inputs: [Tile] = []
    for (index, part) in parts.enumerated() {
      let tile = tiles.inputs[index].next().rows(0..<part.count)
      let perImage = chunk.seen.count * kernel.columns.size
      let own = tile.columns(margin..<margin + size.x)
      builder.load(
        own.shaped(chunk.images.count, perImage),
        from: tensors[0].access(
          offset: part.lowerBound * channel + chunk.images.lowerBound * image
            + chunk.seen.lowerBound * kernel.columns.size,
          sizes: [part.count, chunk.images.count, perImage], strides: [channel, image, 1]),
        on: index % 2 == 0 ? .sync : .scalar)
      let end = margin + size.x
      if margin > 0, end + margin < tile.columns {
        builder.memset(tile.columns(end..<end + margin), 0, on: .gpsimd)
      }
      inputs.append(tile)
    }
    let places = kernel.rows.output * kernel.columns.output
    let perImage = chunk.places.count * kernel.columns.output
    let slopes = pieces(outputs.count, 128).enumerated().map { index, part in
      let tile = tiles.slopes[index].next()[0..<part.count, 0..<size.slope]
      builder.load(
        tile.shaped(chunk.images.count, perImage),
        from: tensors[1].access(
          offset: ((outputs.lowerBound + part.lowerBound) * kernel.images
            + chunk.images.lowerBound) * places + chunk.places.lowerBound * kernel.columns.output,
          sizes: [part.count, chunk.images.count, perImage],
          strides: [kernel.images * places, places, 1]))
      return tile
    }
    return (inputs, slopes)
  }

  // MARK: A block of places

  /// Places that are turned at once; images and rows count from the chunk's first.
  private struct Block {
    var images: Range<Int>
    var places: Range<Int>
  }

  private func blocks(_ chunk: Chunk) -> [Block] {
    let width = kernel.columns.output
    let perImage = chunk.places.count * width
    if perImage <= 128 {
      return pieces(chunk.images.count, 128 / perImage).map {
        Block(images: $0, places: 0..<chunk.places.count)
      }
    }
    let bands = (0..<chunk.places.count).evenly(
      ceilDivide(chunk.places.count, max(1, 128 / width)))
    return (0..<chunk.images.count).flatMap { image in
      bands.map { Block(images: image..<image + 1, places: $0) }
    }
  }

  /// Columns of turned X that one buffer takes: those of a bank.
  private static func turnedColumns(_ kernel: WeightGradientKernel, _ builder: KernelBuilder) -> Int
  {
    builder.bankColumns * 4 / builder.turnedFormat(kernel.format).sizeBytes
  }

  private mutating func add(
    _ block: Block, _ chunk: Chunk, _ items: [Item], _ sums: [Tile], _ parts: [Range<Int>],
    _ loaded: (inputs: [Tile], slopes: [Tile]), isFirst: Bool, _ outputs: Range<Int>,
    _ tiles: inout Tiles, _ builder: inout KernelBuilder
  ) {
    let count = block.images.count * block.places.count * kernel.columns.output
    let slope = turnedSlope(block, chunk, loaded.slopes, count, outputs, &tiles, &builder)
    let width = Self.turnedColumns(kernel, builder)
    let perBuffer = width / 128
    for range in pieces(items.count, perBuffer) {
      let bank = turns.next(
        partitions: count, columns: width, builder.turnedFormat(kernel.format))
      let turned = tiles.turnedInputs.next().rows(0..<count)
      for (slot, item) in items[range].enumerated() {
        let part = parts.firstIndex(of: item.inputs) ?? 0
        turn(
          item, block, chunk, loaded.inputs[part],
          bank.columns(slot * 128..<slot * 128 + item.width),
          into: turned.columns(slot * 128..<slot * 128 + item.width), &builder)
      }
      for (slot, item) in items[range].enumerated() {
        builder.matmul(
          sums[range.lowerBound + slot],
          stationary: turned.columns(slot * 128..<slot * 128 + item.width), moving: slope,
          accumulates: !isFirst)
      }
    }
  }

  /// What the taps of an item see of X, places on partitions; taps with one mask leave together.
  private mutating func turn(
    _ item: Item, _ block: Block, _ chunk: Chunk, _ x: Tile, _ bank: Tile, into turned: Tile,
    _ builder: inout KernelBuilder
  ) {
    let count = item.inputs.count
    var runs: [(key: WeightGradientMasks.Key, columns: Range<Int>)] = []
    for (index, tap) in item.taps.enumerated() {
      let own = index * count..<(index + 1) * count
      let (row, column) = tap.quotientAndRemainder(dividingBy: kernel.columns.kernel)
      builder.transpose(
        bank.columns(own), view(block, chunk, row, column, x),
        identity: identity[0..<count, 0..<count])
      let key = WeightGradientMasks.Key(
        images: block.images.count, count: block.places.count,
        rows: valid(block, chunk, row: row), columns: kernel.columns.outputs(tap: column))
      if let last = runs.last, last.key == key {
        runs[runs.count - 1].columns = last.columns.lowerBound..<own.upperBound
      } else {
        runs.append((key, own))
      }
    }
    for run in runs {
      leave(
        turned.columns(run.columns), bank.columns(run.columns),
        masks.column(run.key, &turns, &builder), &builder)
    }
  }

  /// dY of the block's places, places on partitions.
  private mutating func turnedSlope(
    _ block: Block, _ chunk: Chunk, _ slopes: [Tile], _ count: Int, _ outputs: Range<Int>,
    _ tiles: inout Tiles, _ builder: inout KernelBuilder
  ) -> Tile {
    let width = kernel.columns.output
    let perImage = chunk.places.count * width
    let bank = turns.next(
      partitions: count, columns: outputs.count, builder.turnedFormat(kernel.format))
    let start = block.images.lowerBound * perImage + block.places.lowerBound * width
    for (index, part) in pieces(outputs.count, 128).enumerated() {
      let rows = 0..<part.count
      builder.transpose(
        bank.columns(part), slopes[index].columns(start..<start + count),
        identity: identity[rows, rows])
    }
    let slope = tiles.turnedSlopes.next().rows(0..<count)
    builder.copy(slope, bank, on: leaving())
    return slope
  }

  private mutating func leave(
    _ destination: Tile, _ source: Tile, _ mask: Tile?, _ builder: inout KernelBuilder
  ) {
    let engine = leaving()
    guard let mask else { return builder.copy(destination, source, on: engine) }
    let column = mask.rows(0..<source.partitions).pointer
    if engine == .vector {
      builder.tensorScalar(destination, source, .multiply, column)
    } else {
      builder.activation(destination, .copy, source, scale: column)
    }
  }

  /// What the block's places see of X through a tap; beyond an edge it is something else.
  private func view(_ block: Block, _ chunk: Chunk, _ tapRow: Int, _ tapColumn: Int, _ x: Tile)
    -> Tile
  {
    let (rows, columns) = (kernel.rows, kernel.columns)
    let plane = chunk.seen.count * columns.size
    let place = chunk.places.lowerBound + block.places.lowerBound
    let row = rows.input(place, tap: tapRow) - chunk.seen.lowerBound
    let offset =
      margin + block.images.lowerBound * plane + row * columns.size
      + columns.input(0, tap: tapColumn)
    return x.viewed(
      offset: offset, sizes: [block.images.count, block.places.count, columns.output],
      strides: [plane, rows.stride * columns.size, columns.stride])
  }

  /// The rows of a block that see a real row of X through a tap.
  private func valid(_ block: Block, _ chunk: Chunk, row: Int) -> Range<Int> {
    let first = chunk.places.lowerBound + block.places.lowerBound
    let own = first..<first + block.places.count
    let reached = kernel.rows.outputs(tap: row).shared(with: own)
    return reached.isEmpty ? 0..<0 : reached.lowerBound - first..<reached.upperBound - first
  }
}
