import CLanes
import NumericFormats

/// Packs the rows of a moving tile in order, and lists those that a panel keeps.
///
/// A block of rows goes to one panel after another, so that what is written lies side by side: row
/// by row every panel's next line would be asked of the caches anew, and with tiles of half a
/// megabyte that took three times as long as the conversion.
enum MovingPacker {
  /// Rows of a block: few enough for the first-level cache, whatever a row's width.
  private static let blockRows = 8

  /// Rows of bf16, which are the upper halves of fp32 patterns.
  static func packHalves(
    _ rows: MatrixTile.Rows, keepsAll: Bool, _ panels: UnsafeMutablePointer<Float>
  ) -> UInt32 {
    var least = SIMD16<UInt16>(repeating: .max)
    unsafe forEachBlock(rows, elementBytes: 2, panels) { row, scratch in
      unsafe Conversion.gatherHalves(row, rows.runs, into: scratch)
    } pack: { block in
      var kept = unsafe block.begin()
      for row in unsafe 0..<block.count {
        let codes = unsafe block.source.loadUnaligned(
          fromByteOffset: row &* block.pitch, as: SIMD16<UInt16>.self)
        let sizes = codes & 0x7FFF
        // Zero becomes the largest.
        least = halves_smaller(least, sizes &- 1)
        unsafe kept.target.storeBytes(of: halves_raised(codes), as: SIMD16<UInt32>.self)
        let words = unsafe unsafeBitCast(sizes, to: SIMD4<UInt64>.self)
        unsafe kept.take(
          block.first &+ row, keepsAll || words[0] | words[1] | words[2] | words[3] != 0)
      }
      unsafe block.end(kept)
    }
    return (UInt32(least.min() & 0x7FFF) &+ 1) &<< 16
  }

  /// Rows of any other format, widened to fp32 where they are not.
  static func packWords(
    _ format: NumberFormat, _ rows: MatrixTile.Rows, keepsAll: Bool,
    _ panels: UnsafeMutablePointer<Float>
  ) -> UInt32 {
    var least = SIMD16<UInt32>(repeating: .max)
    unsafe forEachBlock(rows, elementBytes: 4, panels) { row, scratch in
      unsafe Conversion.widen(
        format, from: row, rows.runs, into: scratch.assumingMemoryBound(to: Float.self))
    } pack: { block in
      var kept = unsafe block.begin()
      for row in unsafe 0..<block.count {
        let bits = unsafe block.source.loadUnaligned(
          fromByteOffset: row &* block.pitch, as: SIMD16<UInt32>.self)
        let sizes = bits & 0x7FFF_FFFF
        least = words_smaller(least, sizes &- 1)
        unsafe kept.target.storeBytes(of: bits, as: SIMD16<UInt32>.self)
        let halves = sizes.lowHalf | sizes.highHalf
        let words = unsafe unsafeBitCast(halves, to: SIMD4<UInt64>.self)
        unsafe kept.take(
          block.first &+ row, keepsAll || words[0] | words[1] | words[2] | words[3] != 0)
      }
      unsafe block.end(kept)
    }
    return (least.min() & 0x7FFF_FFFF) &+ 1
  }

  /// Rows of one block, as far as they belong to one panel.
  @unsafe struct Block {
    /// The tile's row that comes first.
    let first: Int
    let count: Int
    /// Sixteen elements of the first row; those behind the panel's last column are never used.
    let source: UnsafeRawPointer
    /// Bytes from one row to the next.
    let pitch: Int
    fileprivate let panel: UnsafeMutableRawPointer
    fileprivate let listBytes: Int

    @inline(__always)
    func begin() -> Kept {
      let list = unsafe panel.assumingMemoryBound(to: Int32.self)
      let count = unsafe Int(list[0])
      return unsafe Kept(
        place: list + (count &+ 1),
        target: panel + (listBytes &+ count &* MatrixTile.panelColumns &* 4))
    }

    @inline(__always)
    func end(_ kept: Kept) {
      let list = unsafe panel.assumingMemoryBound(to: Int32.self)
      unsafe list[0] = Int32(truncatingIfNeeded: kept.place - list &- 1)
    }
  }

  /// Where the next row that is kept goes, and its place in the list.
  @unsafe struct Kept {
    fileprivate var place: UnsafeMutablePointer<Int32>
    fileprivate(set) var target: UnsafeMutableRawPointer

    /// Notes the place of the row just written, which counts where it is kept.
    @inline(__always)
    mutating func take(_ row: Int, _ isKept: Bool) {
      unsafe place.pointee = Int32(truncatingIfNeeded: row &* MatrixTile.panelRows)
      let step = isKept ? 1 : 0
      unsafe place += step
      unsafe target += step &* (MatrixTile.panelColumns &* 4)
    }
  }

  /// Calls `pack` with every block of every panel. Rows that do not lie as they are packed are
  /// first gathered into a scratch row, and so is the end of those that do: what is behind them is
  /// not ours to read.
  @inline(__always)
  private static func forEachBlock(
    _ rows: MatrixTile.Rows, elementBytes: Int, _ panels: UnsafeMutablePointer<Float>,
    gather: (UnsafeRawPointer, UnsafeMutableRawPointer) -> Void, pack: (Block) -> Void
  ) {
    let (k, n) = unsafe (rows.count, rows.columns)
    let panelBytes = MatrixTile.movingPanelFloats(k) * 4
    for panel in 0..<MatrixTile.panelCount(n, MatrixTile.panelColumns) {
      unsafe UnsafeMutableRawPointer(panels)
        .storeBytes(of: 0, toByteOffset: panel * panelBytes, as: Int32.self)
    }
    let liesPacked = unsafe elementBytes == 2 && rows.areDense
    let pitch = (n + MatrixTile.panelColumns + laneCount) * elementBytes
    unsafe withUnsafeTemporaryAllocation(byteCount: blockRows * pitch, alignment: 64) { raw in
      guard let scratch = raw.baseAddress else { return }
      unsafe scratch.initializeMemory(as: UInt8.self, repeating: 0, count: blockRows * pitch)
      for first in stride(from: 0, to: k, by: blockRows) {
        let count = min(blockRows, k - first)
        for row in first..<(first + count) {
          unsafe rows.announce(row + CacheHint.rowsAhead, elementBytes)
          guard !liesPacked else { continue }
          unsafe gather(rows.first + row * rows.pitchBytes, scratch + (row - first) * pitch)
        }
        var source =
          unsafe liesPacked ? rows.first + first * rows.pitchBytes : UnsafeRawPointer(scratch)
        var sourcePitch = unsafe liesPacked ? rows.pitchBytes : pitch
        var panel = UnsafeMutableRawPointer(panels)
        var left = n
        while left > 0 {
          if left < laneCount, liesPacked {
            for row in 0..<count {
              unsafe (scratch + row * pitch)
                .copyMemory(from: source + row * sourcePitch, byteCount: left * elementBytes)
            }
            unsafe source = UnsafeRawPointer(scratch)
            sourcePitch = pitch
          }
          unsafe pack(
            Block(
              first: first, count: count, source: source, pitch: sourcePitch, panel: panel,
              listBytes: MatrixTile.listFloats(k) * 4))
          unsafe source += MatrixTile.panelColumns * elementBytes
          unsafe panel += panelBytes
          left -= MatrixTile.panelColumns
        }
      }
    }
  }
}
