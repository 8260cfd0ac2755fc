import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Groups of heads whose rows of scores share the partitions: of several sequences, or some of the
/// heads of one.
struct DecodePack: Hashable {
  var sequences: Range<Int>
  var kvHeads: Range<Int>

  /// Key heads of all sequences.
  var groups: Int { sequences.count * kvHeads.count }
}

/// Keys whose values come in one transfer: partition p holds `tiles` consecutive keys, so that a
/// descriptor is long.
struct DecodeValues: Hashable {
  var firstKey: Int
  var tiles: Int
  /// Keys per tile: 128, but for the last.
  var count: Int
  /// Tiles of keys before these.
  var firstTile: Int

  var keys: Int { count * tiles }
}

/// Emits attention of a few new queries per sequence over a cache: memory is the bound, so K and V
/// stream through a ring of buffers, and the rest is arranged to take few instructions.
///
/// The rows of many key heads lie on partitions together: each product of Kᵀ has a stationary tile
/// whose other columns are zero, and all of them are summed in the same banks. One maximum, one
/// exponential and one transpose then serve up to 128 rows. The products with V have V stationary,
/// so that each group's outputs are columns of their own.
struct DecodeAttention {
  let kernel: AttentionKernel
  private let tensors: [TensorHandle]
  private let packs: [DecodePack]
  private let values: [DecodeValues]
  private let chunks: [Range<Int>]
  /// Rows of a group.
  private let rowsPerGroup: Int
  /// Rows of the largest pack.
  private let mostRows: Int
  private let identity: Tile
  private let wideIdentity: Tile
  private let selector: Tile?
  private let mask: Tile
  private var rawQueries: TilePool
  private var queries: TilePool
  private var ring: TilePool
  private let ringBuffers: Int
  private var pageReader: PageReader?
  private var scores: BankPool
  private var turned: BankPool
  private var sums: BankPool
  private var storedScores: TilePool?
  private var probabilities: TilePool
  private var transposed: TilePool
  private var statistics: TilePool
  private var outputs: TilePool
  private var wideOutputs: TilePool
  // Transfers: those triggered and those used.
  private var transfers: [Transfer] = []
  private var loaded: [Tile] = []
  private var used = 0

  /// A part of K or V that takes a buffer of the ring.
  private enum Transfer {
    case keys(sequence: Int, kvHead: Int, keys: Range<Int>)
    case values(sequence: Int, kvHeads: Range<Int>, DecodeValues)
  }

  /// Keys whose scores are computed together: four banks of PSUM.
  private static let chunkKeys = 2048

  init(_ kernel: AttentionKernel, _ tensors: [TensorHandle], _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.kernel = kernel
    self.tensors = tensors
    packs = kernel.packs()
    rowsPerGroup = kernel.group * kernel.queries
    let most = packs[0].groups
    mostRows = most * rowsPerGroup
    let width = packs[0].kvHeads.count * kernel.size
    values = kernel.valueChunks(width: width)
    chunks = pieces(kernel.keys, Self.chunkKeys)
    identity = try builder.identity(128, .bfloat16)
    wideIdentity = try builder.identity(128, .float32)
    (selector, mask) = try Self.masks(kernel, rows: mostRows, &builder)
    if let pages = kernel.pages {
      pageReader = try PageReader(kernel, pages, tensors, &builder)
    }
    rawQueries = try builder.pool("q", buffers: 2, kernel.size, format: kernel.format)
    queries = try builder.pool(
      "Q", buffers: most > 32 ? 1 : 2, partitions: kernel.size, most, mostRows,
      format: kernel.format)
    for tile in queries.tiles { builder.memset(tile, 0, on: .gpsimd) }
    let keyTiles = ceilDivide(kernel.keys, 128)
    if chunks.count > 1 {
      storedScores = try builder.pool("scores", buffers: 1, kernel.keys, format: .float32)
    }
    probabilities = try builder.pool(
      "P", buffers: 2, min(kernel.keys, Self.chunkKeys), format: kernel.format)
    transposed = try builder.pool("PT", buffers: 1, keyTiles, mostRows, format: kernel.format)
    statistics = try builder.pool(
      "statistics", buffers: 2, 4 + keyTiles / 4 + 2 * chunks.count + 4, format: .float32)
    outputs = try builder.pool("out", buffers: 2, kernel.size, format: kernel.format)
    wideOutputs = try builder.pool("out transposed", buffers: 2, mostRows, format: .float32)
    let columns = max(
      min(kernel.keys, Self.chunkKeys), (values.map(\.tiles).max() ?? 1) * width)
    let bytes = columns * kernel.format.sizeBytes
    ringBuffers = max(3, min(16, (builder.freeSBUFBytes - 256) / (bytes + 64)))
    ring = try builder.pool("K and V", buffers: ringBuffers, columns, format: kernel.format)
    scores = try builder.banks(
      "scores", buffers: 1, banksPerBuffer: ceilDivide(min(kernel.keys, Self.chunkKeys), 512))
    turned = try builder.banks("transposed", buffers: 2)
    sums = try builder.banks("outputs", buffers: 2)
  }

  /// What hides the newest keys from the older of several queries: row r is query r mod queries.
  private static func masks(_ kernel: AttentionKernel, rows: Int, _ builder: inout KernelBuilder)
    throws(BuilderError) -> (Tile?, Tile)
  {
    let count = kernel.queries
    let mask = try builder.tile("mask", partitions: count, count, format: .bfloat16)
    guard kernel.isCausal, count > 1 else { return (nil, mask) }
    builder.memset(mask, 0, on: .gpsimd)
    builder.affineSelect(
      mask, mask, .greaterEqual, channelMultiplier: 1, steps: [-1],
      onFalse: PrefillMasks.lowest)
    let tile = try builder.tile(
      "row selector", partitions: count, rows / count, count, format: .bfloat16)
    builder.memset(tile, 1, on: .gpsimd)
    builder.affineSelect(tile, tile, .isEqual, channelMultiplier: -1, steps: [0, 1], onFalse: 0)
    return (tile.viewed(sizes: [rows], strides: [1]), mask)
  }

  mutating func emit(into builder: inout KernelBuilder) {
    transfers = packs.flatMap { transfers(of: $0) }
    var next = loadQueries(packs[0], &builder)
    for (index, pack) in packs.enumerated() {
      let raw = next
      let query = place(raw, pack, &builder)
      if index + 1 < packs.count { next = loadQueries(packs[index + 1], &builder) }
      let rows = pack.groups * rowsPerGroup
      let row = statistics.next().rows(0..<rows)
      let probabilities = emitProbabilities(pack, query, row, &builder)
      emitOutputs(pack, probabilities, row, &builder)
    }
  }

  // MARK: Transfers

  private func transfers(of pack: DecodePack) -> [Transfer] {
    let keys = chunks.flatMap { chunk in
      pack.sequences.flatMap { sequence in
        pack.kvHeads.map { Transfer.keys(sequence: sequence, kvHead: $0, keys: chunk) }
      }
    }
    return keys
      + pack.sequences.flatMap { sequence in
        values.map { Transfer.values(sequence: sequence, kvHeads: pack.kvHeads, $0) }
      }
  }

  /// The next part of K or V; those after it are triggered as far as the ring has room.
  private mutating func nextTransfer(_ builder: inout KernelBuilder) -> Tile {
    while loaded.count < min(transfers.count, used + ringBuffers) {
      let buffer = ring.next()
      loaded.append(buffer)
      load(transfers[loaded.count - 1], into: buffer, &builder)
    }
    defer { used += 1 }
    return loaded[used]
  }

  private mutating func load(
    _ transfer: Transfer, into buffer: Tile, _ builder: inout KernelBuilder
  ) {
    let size = kernel.size
    switch transfer {
    case .keys(let sequence, let kvHead, let keys):
      let tile = buffer[0..<size, 0..<keys.count]
      if pageReader != nil {
        pageReader?.loadKeys(tile, sequence: sequence, kvHead: kvHead, keys, &builder)
        return
      }
      let range = kernel.firstKey + keys.lowerBound..<kernel.firstKey + keys.upperBound
      guard kernel.keyLayout == .rowMajor else {
        let first = (sequence * kernel.kvHeads + kvHead) * size
        builder.load(tile, from: tensors[1].block(rows: first..<first + size, columns: range))
        return
      }
      let place = kernel.keyPlace(batch: sequence, kvHead: kvHead)
      builder.loadTransposedRows(
        tile, from: tensors[1], rows: place.row + range.lowerBound..<place.row + range.upperBound,
        columns: place.column..<place.column + size)
    case .values(let sequence, let kvHeads, let part):
      let width = kvHeads.count * size
      if pageReader != nil {
        pageReader?.loadValues(
          buffer.viewed(sizes: [part.tiles, width], strides: [width, 1]).rows(0..<part.count),
          sequence: sequence, firstColumn: kvHeads.lowerBound * size, part, &builder)
        return
      }
      let v = tensors[2]
      let place = kernel.keyPlace(batch: sequence, kvHead: kvHeads.lowerBound)
      let row = place.row + kernel.firstKey + part.firstKey
      if kernel.keepsHeadsApart {
        // The keys of a head follow each other: head after head on a partition.
        let run = part.tiles * size
        builder.load(
          buffer.viewed(sizes: [kvHeads.count, run], strides: [run, 1]).rows(0..<part.count),
          from: v.access(
            offset: row * size, sizes: [part.count, kvHeads.count, run],
            strides: [run, kernel.capacity * size, 1]))
        return
      }
      builder.load(
        buffer.viewed(sizes: [part.tiles, width], strides: [width, 1]).rows(0..<part.count),
        from: v.access(
          offset: row * v.columns + place.column,
          sizes: [part.count, part.tiles, width],
          strides: [part.tiles * v.columns, v.columns, 1]))
    }
  }

  // MARK: Queries

  /// Queries by rows: sequence, head, query.
  private mutating func loadQueries(_ pack: DecodePack, _ builder: inout KernelBuilder) -> Tile {
    let tile = rawQueries.next()
    builder.load(
      tile.rows(0..<pack.groups * rowsPerGroup),
      from: access(tensors[0], kernel.queryLayout, pack), on: .scalar)
    return tile
  }

  /// The rows of a pack in a tensor of queries or outputs.
  private func access(
    _ tensor: TensorHandle, _ layout: AttentionKernel.Layout, _ pack: DecodePack
  ) -> TensorAccess {
    let size = kernel.size
    let head = pack.kvHeads.lowerBound * kernel.group
    let token = pack.sequences.lowerBound * kernel.queries
    let columns = tensor.columns
    if kernel.keepsHeadsApart {
      let place = kernel.queryPlace(batch: pack.sequences.lowerBound, head: head)
      return tensor.flat(
        offset: place.row * size, partitions: pack.groups * rowsPerGroup, columns: size)
    }
    if layout == .rowMajor, kernel.queries == 1 {
      return tensor.flat(
        offset: token * columns + head * size, partitions: pack.groups * rowsPerGroup,
        columns: size)
    }
    let sizes = [
      pack.sequences.count, pack.kvHeads.count * kernel.group, kernel.queries, size,
    ]
    return layout == .rowMajor
      ? tensor.access(
        offset: token * columns + head * size, sizes: sizes,
        strides: [kernel.queries * columns, size, columns, 1])
      : tensor.access(
        offset: head * size * columns + token, sizes: sizes,
        strides: [kernel.queries, size * columns, 1, columns])
  }

  /// Qᵀ of each group among zeros: [size, groups, rows].
  private mutating func place(_ raw: Tile, _ pack: DecodePack, _ builder: inout KernelBuilder)
    -> Tile
  {
    let rows = pack.groups * rowsPerGroup
    let bank = turned.next(
      partitions: kernel.size, columns: rows, builder.turnedFormat(kernel.format))
    let narrow = identity[0..<rows, 0..<rows]
    builder.transpose(
      bank, raw.rows(0..<rows),
      identity: kernel.format == .bfloat16 ? narrow : narrow.reinterpreted(as: kernel.format))
    let tile = queries.next()
    let shape = [pack.groups, rowsPerGroup]
    builder.copy(
      tile.viewed(sizes: shape, strides: [mostRows + rowsPerGroup, 1]),
      bank.viewed(sizes: shape, strides: [rowsPerGroup, 1]))
    return tile
  }

  // MARK: Probabilities

  /// Scores, maxima, exponentials and their transposes; returns Pᵀ [keys, tiles, rows].
  private mutating func emitProbabilities(
    _ pack: DecodePack, _ query: Tile, _ row: Tile, _ builder: inout KernelBuilder
  ) -> Tile {
    let rows = row.partitions
    var sources: [Tile] = []
    var position = 4
    for chunk in chunks {
      let bank = scores.next(partitions: rows, columns: chunk.count)
      emitScores(pack, query, chunk, bank, &builder)
      var source = bank
      if let pool = storedScores {
        source = pool.tiles[0][0..<rows, chunk]
        for cut in pieces(chunk.count, 512) {
          builder.copy(source.columns(cut), bank.columns(cut), on: .scalar)
        }
      }
      for cut in pieces(chunk.count, 512) {
        builder.tensorReduce(row.columns(position..<position + 1), bank.columns(cut), .max)
        position += 1
      }
      sources.append(source)
    }
    let bias = row.columns(0..<1)
    builder.tensorReduce(bias, row.columns(4..<position), .max)
    builder.tensorScalar(bias, bias, .multiply, .immediate(-kernel.scale))
    let result = transposed.next()
    for (index, chunk) in chunks.enumerated() {
      let target = probabilities.next()[0..<rows, 0..<chunk.count]
      builder.activation(
        target, .exp, sources[index], scale: .immediate(kernel.scale), bias: bias.pointer,
        sum: row.columns(position + index..<position + index + 1))
      emitTransposes(target, chunk, result, &builder)
    }
    let sum = row.columns(1..<2)
    builder.tensorReduce(sum, row.columns(position..<position + chunks.count), .add)
    builder.reciprocal(row.columns(2..<3), sum)
    return result
  }

  private mutating func emitScores(
    _ pack: DecodePack, _ query: Tile, _ chunk: Range<Int>, _ bank: Tile,
    _ builder: inout KernelBuilder
  ) {
    let rows = bank.partitions
    for group in 0..<pack.groups {
      let keys = nextTransfer(&builder)
      for cut in pieces(chunk.count, 512) {
        builder.matmul(
          bank.columns(cut), stationary: query.block(group).columns(0..<rows),
          moving: keys[0..<kernel.size, cut], accumulates: group > 0)
      }
    }
    guard let selector else { return }
    // The newest keys, as far as they lie in this chunk, bank by bank.
    let first = kernel.keys - kernel.queries
    for cut in pieces(chunk.count, 512) {
      let keys = chunk.lowerBound + cut.lowerBound..<chunk.lowerBound + cut.upperBound
      let hidden = keys.clamped(to: first..<kernel.keys)
      guard !hidden.isEmpty else { continue }
      builder.matmul(
        bank.columns(hidden.lowerBound - chunk.lowerBound..<hidden.upperBound - chunk.lowerBound),
        stationary: selector.columns(0..<rows),
        moving: mask.columns(hidden.lowerBound - first..<hidden.upperBound - first),
        accumulates: true)
    }
  }

  /// Pᵀ in the order of keys in which V is loaded.
  private mutating func emitTransposes(
    _ source: Tile, _ chunk: Range<Int>, _ result: Tile, _ builder: inout KernelBuilder
  ) {
    let rows = source.partitions
    let square = identity[0..<rows, 0..<rows]
    let narrow =
      kernel.format == .bfloat16 ? square : square.reinterpreted(as: kernel.format)
    var tiles: [(index: Int, keys: Tile)] = []
    for part in values where chunk.contains(part.firstKey) {
      for tile in 0..<part.tiles {
        tiles.append(
          (
            part.firstTile + tile,
            source.viewed(
              offset: part.firstKey - chunk.lowerBound + tile, sizes: [part.count],
              strides: [part.tiles])
          ))
      }
    }
    let format = builder.turnedFormat(kernel.format)
    let each = builder.bankColumns * 4 / format.sizeBytes / mostRows
    for cut in pieces(tiles.count, each) {
      let bank = turned.next(columns: cut.count * rows, format).shaped(cut.count, rows)
      for (place, tile) in tiles[cut].enumerated() {
        builder.transpose(
          bank.block(place).rows(0..<tile.keys.columns), tile.keys, identity: narrow)
      }
      // A short last tile is copied by itself: its other partitions hold nothing.
      let full = tiles[cut].prefix { $0.keys.columns == 128 }.count
      let start = tiles[cut.lowerBound].index
      if full > 0 {
        builder.copy(
          result.blocks(start..<start + full).columns(0..<rows), bank.blocks(0..<full))
      }
      for place in full..<cut.count {
        let count = 0..<tiles[cut.lowerBound + place].keys.columns
        builder.copy(
          result.block(start + place).columns(0..<rows).rows(count), bank.block(place).rows(count))
      }
    }
  }

  // MARK: Outputs

  private mutating func emitOutputs(
    _ pack: DecodePack, _ probabilities: Tile, _ row: Tile, _ builder: inout KernelBuilder
  ) {
    let size = kernel.size
    let rows = row.partitions
    let bank = sums.next(partitions: size, columns: rows)
    var group = 0
    for _ in pack.sequences {
      for part in values {
        let tile = nextTransfer(&builder)
        // Values lie key after key, or head after head where heads are apart.
        let (keyStride, headStride) =
          kernel.keepsHeadsApart
          ? (size, part.tiles * size) : (pack.kvHeads.count * size, size)
        for head in 0..<pack.kvHeads.count {
          let columns = (group + head) * rowsPerGroup..<(group + head + 1) * rowsPerGroup
          for position in 0..<part.tiles {
            let index = part.firstTile + position
            let start = position * keyStride + head * headStride
            builder.matmul(
              bank.columns(columns),
              stationary: tile.viewed(offset: start, sizes: [size], strides: [1])
                .rows(0..<part.count),
              moving: probabilities.block(index).columns(columns).rows(0..<part.count),
              accumulates: index > 0)
          }
        }
      }
      group += pack.kvHeads.count
    }
    let wide = wideOutputs.next()[0..<size, 0..<rows]
    builder.copy(wide, bank)
    let back = sums.next(partitions: rows, columns: size)
    builder.transpose(back, wide, identity: wideIdentity[0..<size, 0..<size])
    let output = outputs.next().rows(0..<rows)
    builder.tensorScalar(output, back, .multiply, row.columns(2..<3).pointer)
    store(pack, output, &builder)
  }

  private func store(_ pack: DecodePack, _ output: Tile, _ builder: inout KernelBuilder) {
    builder.store(access(tensors[tensors.count - 1], .rowMajor, pack), from: output, on: .scalar)
  }
}

extension AttentionKernel {
  /// Whole sequences as long as their rows fit the partitions, else as many heads of one as do.
  func packs() -> [DecodePack] {
    let rows = group * queries
    let sequences = 128 / (kvHeads * rows)
    if sequences > 0 {
      return pieces(batch, sequences).map { DecodePack(sequences: $0, kvHeads: 0..<kvHeads) }
    }
    return (0..<batch).flatMap { sequence in
      pieces(kvHeads, 128 / rows).map {
        DecodePack(sequences: sequence..<sequence + 1, kvHeads: $0)
      }
    }
  }

  /// V in transfers of at least 4 KiB per partition where a whole number of tiles allows it; never
  /// across two chunks of scores.
  func valueChunks(width: Int) -> [DecodeValues] {
    var tiles = 1
    let most = min(16, (pages?.tokens ?? Int.max) / 128)
    while tiles < most, tiles * width * format.sizeBytes < 4 << 10 { tiles *= 2 }
    var parts: [DecodeValues] = []
    var key = 0
    while key < keys {
      let fits = keys - key >= 128 * tiles
      let count = min(128, keys - key)
      parts.append(
        DecodeValues(
          firstKey: key, tiles: fits ? tiles : 1, count: count, firstTile: ceilDivide(key, 128)))
      key += fits ? 128 * tiles : count
    }
    return parts
  }
}
