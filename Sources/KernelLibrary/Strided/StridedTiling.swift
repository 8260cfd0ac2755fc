import CoreState
import KernelBuilder
import NumericFormats

/// How loops over tensors are cut into tiles: one axis lies on partitions, up to three lie within a
/// partition, and the others are walked tile by tile.
struct StridedTiling {
  /// The loops; an axis may have been split.
  let space: StridedSpace
  /// The axis that lies on partitions.
  let partitionAxis: Int
  /// The axes within a partition, outermost first.
  let freeAxes: [Int]
  /// Iterations of each axis in one tile.
  let chunks: [Int]

  /// Partitions of a whole tile.
  var partitions: Int { chunks[partitionAxis] }
  /// Elements per partition of a whole tile.
  var columns: Int { freeAxes.reduce(1) { $0 * chunks[$1] } }
  /// Tiles in all.
  var tileCount: Int {
    zip(space.sizes, chunks).reduce(1) { $0 * ceilDivide($1.0, $1.1) }
  }

  /// Every tile, in row-major order of the axes.
  var tiles: [StridedTile] {
    var list: [StridedTile] = [StridedTile(tiling: self, starts: [], counts: [])]
    for axis in space.sizes.indices {
      let cuts = pieces(space.sizes[axis], chunks[axis])
      list = list.flatMap { tile in
        cuts.map { cut in
          StridedTile(
            tiling: self, starts: tile.starts + [cut.lowerBound], counts: tile.counts + [cut.count])
        }
      }
    }
    return list
  }

  /// Free axes of one tile: a transfer names four dimensions, one of them the partitions.
  private static let freeAxisLimit = 3

  /// Lays an axis on partitions and takes as many axes as fit inside, innermost first.
  init(_ space: StridedSpace, partitionAxis: Int, columnLimit: Int) {
    self.space = space
    self.partitionAxis = partitionAxis
    var chunks = space.sizes.map { _ in 1 }
    chunks[partitionAxis] = min(128, space.sizes[partitionAxis])
    var free: [Int] = []
    var columns = 1
    for axis in space.sizes.indices.reversed() where axis != partitionAxis {
      let fits = min(space.sizes[axis], max(1, columnLimit / columns))
      guard free.count < Self.freeAxisLimit, fits > 1 || free.isEmpty else { break }
      // Equal pieces, so that no tile is much smaller than the others.
      let cuts = ceilDivide(space.sizes[axis], fits)
      chunks[axis] = ceilDivide(space.sizes[axis], cuts)
      columns *= chunks[axis]
      free.insert(axis, at: 0)
      if chunks[axis] < space.sizes[axis] { break }
    }
    self.freeAxes = free
    self.chunks = chunks
  }

  /// The tilings, one for the main part and one for what a split leaves, with the least estimated
  /// time for elements of `sizesBytes` per tensor and `passes` over each tile.
  static func best(
    _ space: StridedSpace, sizesBytes: [Int], passes: Int, columnLimit: Int
  ) -> [StridedTiling] {
    let space = space.collapsed()
    var best: [StridedTiling] = []
    var least = Double.infinity
    func consider(_ parts: [StridedTiling]) {
      let time = parts.reduce(0) { $0 + $1.estimate(sizesBytes, passes) }
      if time < least { (best, least) = (parts, time) }
    }
    for axis in space.sizes.indices {
      consider([StridedTiling(space, partitionAxis: axis, columnLimit: columnLimit)])
      guard let parts = partitionParts(space.sizes[axis]) else { continue }
      let (whole, rest) = space.split(axis, parts: parts)
      var list = [StridedTiling(whole, partitionAxis: axis, columnLimit: columnLimit)]
      if let rest {
        let other = rest.sizes.count > 1 ? rest.sizes.indices.first { $0 != axis } : nil
        list.append(StridedTiling(rest, partitionAxis: other ?? axis, columnLimit: columnLimit))
      }
      consider(list)
    }
    return best
  }

  /// Into how many runs an axis is cut to lie on partitions: a divisor near 128 leaves no rest.
  private static func partitionParts(_ size: Int) -> Int? {
    guard size >= 256 else { return nil }
    return (96...128).reversed().first { size % $0 == 0 } ?? 128
  }

  /// A rough time in ns, only to choose between tilings: engines pass over columns, descriptors
  /// take as long as their bytes and about 64 more, and every tile costs some start-up.
  private func estimate(_ sizesBytes: [Int], _ passes: Int) -> Double {
    let tiles = Double(tileCount)
    var time = tiles * Double(passes) * (Double(columns) + 64)
    for (tensor, size) in sizesBytes.enumerated() {
      let run = contiguousRun(tensor)
      let moved = freeAxes.reduce(partitions) {
        space.strides[tensor][$1] == 0 ? $0 : $0 * chunks[$1]
      }
      let descriptors = Double(moved) / Double(run)
      let lanes = Double(max(8, partitions)) / 8
      time += tiles * (descriptors * Double(run * size + 64) / (lanes * 22) + 200)
    }
    return time
  }

  /// Elements of a tensor that lie without a gap in one tile.
  private func contiguousRun(_ tensor: Int) -> Int {
    var run = 1
    for axis in freeAxes.reversed() where chunks[axis] > 1 {
      let step = space.strides[tensor][axis]
      if step == 0 { continue }
      guard step == run else { break }
      run *= chunks[axis]
    }
    return run
  }
}

/// One tile of a tiling.
struct StridedTile {
  /// What the tile belongs to.
  let tiling: StridedTiling
  /// Its first iteration of each axis.
  let starts: [Int]
  /// Its iterations of each axis.
  let counts: [Int]

  /// Partitions in use.
  var partitions: Int { counts[tiling.partitionAxis] }
  /// Lengths of the axes within a partition, outermost first; one axis of length 1 if there is
  /// none.
  var freeSizes: [Int] {
    let sizes = tiling.freeAxes.map { counts[$0] }
    return sizes.isEmpty ? [1] : sizes
  }
  /// Elements per partition.
  var columns: Int { freeSizes.reduce(1, *) }

  /// The axes within a partition along which a tensor changes.
  private func movingAxes(_ tensor: Int) -> [Int] {
    tiling.freeAxes.filter { tiling.space.strides[tensor][$0] != 0 && counts[$0] > 1 }
  }

  /// Elements per partition that a tensor has of its own in the tile.
  func ownColumns(_ tensor: Int) -> Int { movingAxes(tensor).reduce(1) { $0 * counts[$1] } }

  /// The tensor's elements in HBM: partition, then the axes along which it changes.
  func access(_ tensor: Int, of handle: TensorHandle) -> TensorAccess {
    let space = tiling.space
    var offset = space.offsets[tensor]
    for axis in starts.indices { offset += starts[axis] * space.strides[tensor][axis] }
    let axes = movingAxes(tensor)
    return handle.access(
      offset: offset, sizes: [partitions] + (axes.isEmpty ? [1] : axes.map { counts[$0] }),
      strides: [space.strides[tensor][tiling.partitionAxis]]
        + (axes.isEmpty ? [1] : axes.map { space.strides[tensor][$0] }))
  }

  /// What a transfer fills of a buffer: the tensor's own elements, dense.
  func filled(_ tensor: Int, _ buffer: Tile) -> Tile {
    let axes = movingAxes(tensor)
    let sizes = axes.isEmpty ? [1] : axes.map { counts[$0] }
    return buffer.rows(0..<partitions)
      .viewed(sizes: sizes, strides: StridedSpace.denseStrides(sizes))
  }

  /// The buffer as all elements of the tile, those that repeat with stride 0.
  func view(_ tensor: Int, _ buffer: Tile) -> Tile {
    let axes = movingAxes(tensor)
    let dense = StridedSpace.denseStrides(axes.map { counts[$0] })
    let places = Dictionary(uniqueKeysWithValues: zip(axes, dense))
    let sizes = freeSizes
    let strides = tiling.freeAxes.map { places[$0] ?? 0 }
    if axes.count == tiling.freeAxes.count || ownColumns(tensor) == columns {
      return flat(buffer)
    }
    return buffer.rows(0..<partitions)
      .viewed(sizes: sizes, strides: strides.isEmpty ? [1] : strides)
  }

  /// A buffer as all elements of the tile, dense.
  func flat(_ buffer: Tile) -> Tile {
    buffer.rows(0..<partitions).viewed(sizes: [columns], strides: [1])
  }
}
