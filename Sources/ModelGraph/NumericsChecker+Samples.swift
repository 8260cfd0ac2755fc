extension NumericsChecker {
  /// Flat indices that touch every tile of an output: its first and last element, and seeded ones
  /// in between; at least `sampleCount` of them, each once.
  package func samples(_ operation: Operator, shape: TensorShape) -> [Int] {
    let tiles = TileGrid(shape: shape, tile: outputTile)
    let perTile = max(2, (sampleCount + tiles.count - 1) / tiles.count)
    let generator = SeededGenerator(seed: seed, stream: "samples")
    var chosen = Set<Int>()
    var draw = 0
    for tile in 0..<tiles.count {
      chosen.insert(tiles.index(tile: tile, element: 0))
      chosen.insert(tiles.index(tile: tile, element: tiles.elementCount(tile: tile) - 1))
      var companion: Int?
      for count in 2..<max(3, perTile) {
        let random = generator.integer(below: tiles.elementCount(tile: tile), at: draw)
        let isNewRow = count % rowCompanions(of: operation) == 0
        let index = tiles.index(tile: tile, element: random)
        if isNewRow { companion = index }
        chosen.insert(sameRow(operation, as: companion, random: index))
        draw += 1
      }
    }
    while chosen.count < min(sampleCount, shape.elementCount) {
      chosen.insert(generator.integer(below: shape.elementCount, at: draw))
      draw += 1
    }
    return chosen.sorted()
  }

  /// How many elements share a row: rows of attention are costly, so several channels of one are
  /// taken together.
  private func rowCompanions(of operation: Operator) -> Int {
    if case .attention = operation { return 16 }
    return 1
  }

  /// For attention, the element of the companion's token and head in the random element's channel.
  private func sameRow(_ operation: Operator, as companion: Int?, random: Int) -> Int {
    guard case .attention(let attention) = operation, let companion else { return random }
    let layout = attention.outputLayout
    var at = layout.position(of: companion, in: attention.query)
    at.channel = layout.position(of: random, in: attention.query).channel
    return layout.index(of: at, in: attention.query)
  }
}

/// An output cut into tiles along its last axes; earlier axes are cut one by one.
struct TileGrid {
  private let shape: [Int]
  private let tile: [Int]
  private let counts: [Int]
  private let strides: [Int]

  init(shape: TensorShape, tile: [Int]) {
    let dimensions = shape.rank == 0 ? [1] : shape.dimensions
    let given = tile.suffix(dimensions.count).map { max(1, $0) }
    let lengths = [Int](repeating: 1, count: dimensions.count - given.count) + given
    self.shape = dimensions
    self.tile = lengths
    counts = zip(dimensions, lengths).map { ($0 + $1 - 1) / $1 }
    strides = TensorShape(dimensions).strides
  }

  /// The number of tiles.
  var count: Int { counts.reduce(1, *) }

  /// The first element and the lengths of a tile, axis by axis; tiles at the end may be short.
  private func bounds(tile number: Int) -> [(start: Int, length: Int)] {
    var remaining = number
    var result: [(start: Int, length: Int)] = []
    for axis in stride(from: shape.count - 1, through: 0, by: -1) {
      let start = remaining % counts[axis] * tile[axis]
      remaining /= counts[axis]
      result.append((start, min(tile[axis], shape[axis] - start)))
    }
    return result.reversed()
  }

  /// Elements in a tile.
  func elementCount(tile number: Int) -> Int { bounds(tile: number).reduce(1) { $0 * $1.length } }

  /// The flat index of an element of a tile, counted in row-major order within it.
  func index(tile number: Int, element: Int) -> Int {
    let bounds = bounds(tile: number)
    var remaining = element
    var index = 0
    for axis in stride(from: shape.count - 1, through: 0, by: -1) {
      index += (bounds[axis].start + remaining % bounds[axis].length) * strides[axis]
      remaining /= bounds[axis].length
    }
    return index
  }
}
