import CoreState
import NumericFormats

/// A rectangle of a memory: partitions (or tensor rows) × bytes.
struct Region: Hashable {
  var rows: Range<Int>
  var bytes: Range<Int>
  /// Every byte of the rectangle is touched, not only some.
  var isDense: Bool

  func overlaps(_ other: Region) -> Bool {
    rows.overlaps(other.rows) && bytes.overlaps(other.bytes)
  }

  func contains(_ other: Region) -> Bool {
    rows.lowerBound <= other.rows.lowerBound && rows.upperBound >= other.rows.upperBound
      && bytes.lowerBound <= other.bytes.lowerBound && bytes.upperBound >= other.bytes.upperBound
  }

  func clipped(to limits: Range<Int>) -> Region {
    Region(rows: rows, bytes: bytes.clamped(to: limits), isDense: isDense)
  }
}

/// How an earlier access conflicts with a new one.
enum Conflict { case readAfterWrite, writeAfterRead, writeAfterWrite }

/// Who touched which part of one stretch of memory last: all that a later access can conflict with.
struct AccessHistory {
  struct Record {
    var region: Region
    var point: ProgressPoint
    var isWrite: Bool
  }

  private(set) var records: [Record] = []
  /// Reads of one domain are merged into one when there are more records than this.
  static let mergeLimit = 256

  /// Calls `body` for each earlier access that conflicts.
  func forEachConflict(
    _ region: Region, isWrite: Bool, _ body: (ProgressPoint, Conflict) -> Void
  ) {
    for record in records where record.isWrite || isWrite {
      guard record.region.overlaps(region) else { continue }
      let conflict: Conflict =
        !isWrite ? .readAfterWrite : record.isWrite ? .writeAfterWrite : .writeAfterRead
      body(record.point, conflict)
    }
  }

  /// Remembers an access and forgets those that it makes needless.
  ///
  /// A dense write hides what lies under it: whoever conflicts with that conflicts with the write,
  /// which itself waited for it. A later access of the same kind and domain hides an earlier one
  /// that it contains, because completions of a domain are in order.
  mutating func add(_ region: Region, _ point: ProgressPoint, isWrite: Bool) {
    records.removeAll { old in
      guard region.contains(old.region) else { return false }
      if isWrite && region.isDense { return true }
      return old.isWrite == isWrite && old.point.domain == point.domain
    }
    records.append(Record(region: region, point: point, isWrite: isWrite))
    if records.count > Self.mergeLimit { mergeReads(of: point.domain) }
  }

  /// Makes one record of all reads of a domain: the latest, over everything that they touched.
  private mutating func mergeReads(of domain: ProgressDomain) {
    var merged: Record?
    records.removeAll { record in
      guard !record.isWrite, record.point.domain == domain else { return false }
      guard var sum = merged else {
        merged = record
        return true
      }
      let rows = sum.region.rows
      let bytes = sum.region.bytes
      let next = record.region
      sum.region = Region(
        rows: min(
          rows.lowerBound, next.rows.lowerBound)..<max(rows.upperBound, next.rows.upperBound),
        bytes: min(
          bytes.lowerBound, next.bytes.lowerBound)..<max(bytes.upperBound, next.bytes.upperBound),
        isDense: false)
      sum.point.sequence = max(sum.point.sequence, record.point.sequence)
      merged = sum
      return true
    }
    if let merged { records.append(merged) }
  }
}

/// The histories of SBUF, PSUM and every HBM tensor of a segment.
///
/// On-chip memories are cut into stretches of `stretchBytes`, so that an access is compared only
/// with what touched its neighbourhood; tensors have one history each.
struct DependencyTracker {
  static let stretchBytes = 2048
  private var onChip: [AccessHistory]
  private let psumStart: Int
  private var tensors: [AccessHistory] = []

  init(sbufBytes: Int, psumBytes: Int) {
    psumStart = (sbufBytes + Self.stretchBytes - 1) / Self.stretchBytes
    let psum = (psumBytes + Self.stretchBytes - 1) / Self.stretchBytes
    onChip = Array(repeating: AccessHistory(), count: psumStart + psum)
  }

  mutating func addTensor() { tensors.append(AccessHistory()) }

  private func stretches(_ access: AccessPattern) -> Range<Int> {
    let extent = access.byteExtent
    let base = access.space == .sbuf ? 0 : psumStart
    let first = max(0, extent.lowerBound) / Self.stretchBytes
    let last = max(0, extent.upperBound - 1) / Self.stretchBytes
    return min(base + first, onChip.count)..<min(base + last + 1, onChip.count)
  }

  private func clip(_ region: Region, _ stretch: Int) -> Region {
    let first = (stretch < psumStart ? stretch : stretch - psumStart) * Self.stretchBytes
    return region.clipped(to: first..<(first + Self.stretchBytes))
  }

  private func region(_ access: AccessPattern) -> Region {
    Region(rows: access.partitions, bytes: access.byteExtent, isDense: access.isDense)
  }

  /// Calls `body` for each earlier access to the same elements.
  func forEachConflict(
    _ access: AccessPattern, isWrite: Bool, _ body: (ProgressPoint, Conflict) -> Void
  ) {
    let region = region(access)
    for stretch in stretches(access) {
      onChip[stretch].forEachConflict(clip(region, stretch), isWrite: isWrite, body)
    }
  }

  /// Remembers an access.
  mutating func add(_ access: AccessPattern, _ point: ProgressPoint, isWrite: Bool) {
    let region = region(access)
    for stretch in stretches(access) {
      onChip[stretch].add(clip(region, stretch), point, isWrite: isWrite)
    }
  }

  /// Calls `body` for each earlier access to the same part of a tensor.
  func forEachConflict(
    tensor: Int, _ region: Region, isWrite: Bool, _ body: (ProgressPoint, Conflict) -> Void
  ) {
    tensors[tensor].forEachConflict(region, isWrite: isWrite, body)
  }

  /// Remembers an access to a tensor.
  mutating func add(tensor: Int, _ region: Region, _ point: ProgressPoint, isWrite: Bool) {
    tensors[tensor].add(region, point, isWrite: isWrite)
  }
}

extension AccessPattern {
  /// Every byte between the first and the last is touched, in whatever order.
  var isDense: Bool {
    !isIndirect && byteExtent.count == columns * format.sizeBytes && isInjective
  }

  /// No element is named twice: strides of zero repeat.
  private var isInjective: Bool {
    (0..<Int(dimensionCount)).allSatisfy { sizes[$0] == 1 || strides[$0] != 0 }
  }
}

extension TensorAccess {
  /// The rectangle of a row-major tensor that the access touches: rows × bytes within a row.
  func region(rowBytes: Int) -> Region {
    let size = format.sizeBytes
    let start = Int(byteOffset)
    var rows = (start / rowBytes)..<(start / rowBytes + 1)
    var low = start % rowBytes
    var high = low + size
    var isDense = true
    for dimension in 0..<Int(dimensionCount) where sizes[dimension] > 1 {
      let step = Int(strides[dimension]) * size
      let reach = (Int(sizes[dimension]) - 1) * step
      if step != 0, step % rowBytes == 0, reach > 0 {
        if step != rowBytes && rows.count * rowBytes != step { isDense = false }
        rows = rows.lowerBound..<(rows.upperBound + reach / rowBytes)
      } else if reach >= 0 {
        high += reach
      } else {
        low += reach
      }
    }
    if low < 0 || high > rowBytes {
      // Runs across rows: take the whole rows that the extent touches.
      let extent = byteExtent
      let first = max(0, extent.lowerBound) / rowBytes
      let last = max(first, (extent.upperBound - 1) / rowBytes)
      return Region(rows: first..<(last + 1), bytes: 0..<rowBytes, isDense: false)
    }
    let touched = count * size
    isDense = isDense && touched == rows.count * (high - low)
    return Region(rows: rows, bytes: low..<high, isDense: isDense)
  }
}
