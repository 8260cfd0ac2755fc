import CoreState
import NumericFormats

/// Who wrote and read which bytes of HBM within one invocation. A segment ends with a barrier over
/// all engines, so accesses of different invocations are ordered.
struct ShadowRanges {
  private struct Access {
    var allocation: Int
    var pattern: StridedBytes
    var isWrite: Bool
    var agent: Int
    var clock: UInt32
    var counter: UInt32
  }

  private var invocation = -1
  private var accesses: [Access] = []

  /// Forgets the accesses of an earlier invocation.
  mutating func enter(invocation: Int) {
    guard invocation > self.invocation else { return }
    self.invocation = invocation
    accesses.removeAll(keepingCapacity: true)
  }

  /// Remembers an access and returns the first one that it conflicts with.
  mutating func note(
    _ access: TensorAccess, allocation: Int, isWrite: Bool, agent: Int, clock: [UInt32],
    counter: Int
  ) -> ShadowConflict? {
    let pattern = StridedBytes(access)
    let conflict = accesses.first { earlier in
      (isWrite || earlier.isWrite) && earlier.allocation == allocation
        && earlier.agent != agent && earlier.clock > clock[earlier.agent]
        && earlier.pattern.overlaps(pattern)
    }
    accesses.append(
      Access(
        allocation: allocation, pattern: pattern, isWrite: isWrite, agent: agent,
        clock: clock[agent], counter: UInt32(truncatingIfNeeded: counter)))
    return conflict.map {
      ShadowConflict(
        agent: $0.agent, counter: $0.counter, isWrite: $0.isWrite,
        place: "hbm tensor \(allocation) from byte \(pattern.first)")
    }
  }
}

/// A block of equal runs of bytes at equal distances; patterns with more dimensions are widened to
/// the block that holds them.
private struct StridedBytes {
  var first: Int
  var run: Int
  var distance: Int
  var count: Int

  init(_ access: TensorAccess) {
    let extent = access.byteExtent
    let size = access.format.sizeBytes
    let run = access.contiguousRun
    first = extent.lowerBound
    let outer = (0..<Int(access.dimensionCount)).filter { access.sizes[$0] > 1 }
    var covered = 1
    var rows: [Int] = []
    for dimension in outer.reversed() {
      if covered < run { covered *= Int(access.sizes[dimension]) } else { rows.append(dimension) }
    }
    if rows.count == 1, access.strides[rows[0]] > 0 {
      self.run = run * size
      distance = Int(access.strides[rows[0]]) * size
      count = Int(access.sizes[rows[0]])
    } else {
      self.run = extent.count
      distance = max(1, extent.count)
      count = 1
    }
  }

  private var end: Int { first + (count - 1) * distance + run }

  func overlaps(_ other: StridedBytes) -> Bool {
    guard first < other.end, other.first < end else { return false }
    guard distance == other.distance, count > 1 || other.count > 1 else {
      return count == 1 && other.count == 1 || sparse(other)
    }
    // Row i of one meets row j of the other when their distance is less than a run.
    let offset = other.first - first
    let whole = Int((Double(offset) / Double(distance)).rounded(.down))
    for k in [whole, whole + 1] where k > -other.count && k < count {
      let gap = offset - k * distance
      if gap < run && -gap < other.run { return true }
    }
    return false
  }

  /// Row by row, when the distances differ.
  private func sparse(_ other: StridedBytes) -> Bool {
    for row in 0..<count {
      let low = first + row * distance
      let from = max(0, (low - other.first - other.run) / max(1, other.distance))
      let to = min(other.count - 1, (low + run - other.first) / max(1, other.distance))
      guard from <= to else { continue }
      for index in from...to {
        let begin = other.first + index * other.distance
        if begin < low + run && low < begin + other.run { return true }
      }
    }
    return false
  }
}
