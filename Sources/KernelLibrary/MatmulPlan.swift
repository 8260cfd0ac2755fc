import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// How the blocked product is cut: blocks of out, panels of the operands, chunks of K.
struct MatmulPlan {
  /// Tiles of K, the last one perhaps short.
  let kTiles: Int
  /// Rows of out per block.
  let blockRows: Int
  /// Columns of out per block.
  let blockColumns: Int
  /// lhs panels span all of K.
  var lhsIsWhole: Bool
  /// rhs panels span all of K.
  var rhsIsWhole: Bool
  /// Tiles of K per chunk when an operand streams.
  var chunkTiles: Int
  /// Chunk buffers when an operand streams.
  var chunkBuffers: Int
  /// k = partition · kTiles + tile instead of tile · 128 + partition: longer runs in HBM.
  let isPartitionMajor: Bool
  /// Two tiles of K meet in one pass: fp8 in double rows.
  let isDoubleRow: Bool
  /// lhs [M, K] is loaded without a transpose: few rows, read with a stride.
  let lhsIsStrided: Bool

  /// The fewest tiles of a K that is no whole number of them, of which partitions read pieces.
  private static let fewestUnevenTiles = 8

  init(_ kernel: MatmulKernel, freeBytes: Int, device: Device) {
    let k = ceilDivide(kernel.k, 128)
    kTiles = k
    let mTiles = ceilDivide(kernel.m, 128)
    let nTiles = ceilDivide(kernel.n, 512)
    let columns = min(nTiles, 8 / min(4, mTiles))
    let rows = min(mTiles, 8 / columns)
    blockRows = min(kernel.m, rows * 128)
    blockColumns = min(kernel.n, columns * 512)
    // All of lhs is held, and of a K that is no whole number of tiles runs must be worth a transfer
    // for what is left.
    lhsIsStrided =
      kernel.lhsLayout == .contractionColumns && kernel.m <= 64
      && kernel.rhsLayout == .contractionRows
      && k * kernel.m * kernel.input.sizeBytes <= freeBytes / 4
      && (kernel.k % 128 == 0 || k >= Self.fewestUnevenTiles)
    isPartitionMajor =
      kernel.rhsLayout == .contractionRows
      && (lhsIsStrided || kernel.lhsLayout == .contractionRows && kernel.k % 128 == 0)
    isDoubleRow = kernel.usesDoubleRows(on: device) && !lhsIsStrided
    let (lhsSize, rhsSize) = (kernel.input.sizeBytes, kernel.rhsFormat.sizeBytes)
    let rowBlocks = ceilDivide(kernel.m, blockRows)
    let columnBlocks = ceilDivide(kernel.n, blockColumns)
    let lhs = k * blockRows * lhsSize * min(2, rowBlocks)
    let rhs = k * blockColumns * rhsSize * min(2, columnBlocks)
    let limit = 1 << 16
    let lhsFits = k * blockRows < limit
    let rhsFits = k * blockColumns < limit
    let chunkBytes = blockRows * lhsSize + blockColumns * rhsSize
    chunkTiles = max(1, min(k, min(24 << 10, freeBytes / 4) / chunkBytes))
    if isDoubleRow { chunkTiles = max(2, chunkTiles / 2 * 2) }
    chunkBuffers = 1
    let stream = 3 * chunkTiles * chunkBytes
    lhsIsWhole =
      lhsFits && (rhsFits && lhs + rhs <= freeBytes || rowBlocks == 1 && lhs + stream <= freeBytes)
    rhsIsWhole =
      rhsFits
      && (lhsIsWhole ? lhs + rhs <= freeBytes : columnBlocks == 1 && rhs + stream <= freeBytes)
    if lhsIsStrided { lhsIsWhole = true }
    let used = (lhsIsWhole ? lhs : 0) + (rhsIsWhole ? rhs : 0)
    let perBuffer =
      chunkTiles
      * ((lhsIsWhole ? 0 : blockRows * lhsSize) + (rhsIsWhole ? 0 : blockColumns * rhsSize))
    if perBuffer > 0 { chunkBuffers = max(2, min(6, (freeBytes - used) / perBuffer)) }
  }

  /// The chunks of K in which a block is computed. The first block starts with single tiles, so
  /// that the tensor engine starts when the first tiles are there.
  func chunks(isFirstBlock: Bool) -> [Range<Int>] {
    let most = lhsIsWhole && rhsIsWhole ? kTiles : chunkTiles
    guard isFirstBlock else { return pieces(kTiles, most) }
    var list: [Range<Int>] = []
    var size = isDoubleRow ? 2 : 1
    var start = 0
    while start < kTiles {
      let end = min(start + min(size, most), kTiles)
      list.append(start..<end)
      start = end
      if list.count >= 8, list.count % 2 == 0 { size = min(8, size * 2) }
    }
    return list
  }
}

extension MatmulKernel {
  /// True when the tensor engine can take two rows of K per partition: fp8 (not e3m4) of whole
  /// pairs of tiles, on NeuronCore-v3 and later.
  func usesDoubleRows(on device: Device) -> Bool {
    let formats: [NumberFormat] = [.float8e4m3, .float8e4m3fn, .float8e5m2]
    return formats.contains(input) && narrowRHS == nil && k % 256 == 0 && device.generation >= 3
  }
}
