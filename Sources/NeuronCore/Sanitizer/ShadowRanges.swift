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
        place: "hbm tensor \(allocation) from byte \(access.byteExtent.lowerBound)")
    }
  }
}

/// Runs of bytes at up to four nested distances: exactly the bytes that an access touches.
private struct StridedBytes {
  private var first: Int
  /// Bytes of each run.
  private var run: Int
  /// Distances of bytes, the widest first; unused levels stand behind.
  private var distances = SIMD4<Int>(repeating: 1)
  private var counts = SIMD4<Int>(repeating: 1)
  /// Bytes from the first to the last of what lies below each level, itself included.
  private var extents = SIMD4<Int>(repeating: 0)
  private var levels = 0

  init(_ access: TensorAccess) {
    let size = access.format.sizeBytes
    first = access.byteExtent.lowerBound
    run = size
    var steps: [(distance: Int, count: Int)] = []
    // A distance of zero names the same bytes again; a negative one begins at its other end.
    for dimension in 0..<Int(access.dimensionCount)
    where access.sizes[dimension] > 1 && access.strides[dimension] != 0 {
      steps.append((abs(Int(access.strides[dimension])) * size, Int(access.sizes[dimension])))
    }
    steps.sort { $0.distance > $1.distance }
    while let last = steps.last, last.distance <= run {
      run += (last.count - 1) * last.distance
      steps.removeLast()
    }
    levels = steps.count
    var extent = run
    for level in steps.indices.reversed() {
      distances[level] = steps[level].distance
      counts[level] = steps[level].count
      extent += (steps[level].count - 1) * steps[level].distance
      extents[level] = extent
    }
  }

  private func extent(_ level: Int) -> Int { level < levels ? extents[level] : run }

  /// Some byte belongs to both.
  func overlaps(_ other: StridedBytes) -> Bool {
    meets(first, 0, other, other.first, 0)
  }

  /// What lies below `level` from `start` on shares a byte with what lies below `otherLevel` of the
  /// other from `otherStart` on. The wider of the two is taken apart.
  private func meets(
    _ start: Int, _ level: Int, _ other: StridedBytes, _ otherStart: Int, _ otherLevel: Int
  ) -> Bool {
    let (own, its) = (extent(level), other.extent(otherLevel))
    guard start < otherStart + its, otherStart < start + own else { return false }
    guard level < levels || otherLevel < other.levels else { return true }
    guard level < levels, own >= its || otherLevel == other.levels else {
      return other.meets(otherStart, otherLevel, self, start, level)
    }
    // The parts that begin before the other ends, and end after it begins.
    let distance = distances[level]
    let behind = otherStart - start - extent(level + 1)
    let low = behind < 0 ? 0 : behind / distance + 1
    let high = min(counts[level] - 1, (otherStart + its - 1 - start) / distance)
    guard low <= high else { return false }
    return (low...high).contains {
      meets(start + $0 * distance, level + 1, other, otherStart, otherLevel)
    }
  }
}
