import Hardware

/// Which rings of a queue carry transfers of which number of DMA engines.
///
/// All transfers of a ring use the same engines, so that the completion of one implies those of all
/// before it. Transfers over all engines take turns on several rings.
struct RingTable {
  private struct Group {
    var queue: Engine
    var engines: Int
    var rings: [Int]
    var turn = 0
  }

  private var groups: [Group] = []
  private var used: [Int]
  /// Rings of a queue that may be used.
  private let rings: Range<Int>

  /// Rings that each queue has for the kernel.
  var limit: Int { rings.count }

  init(rings: Range<Int>) {
    self.rings = rings
    used = [Int](repeating: rings.lowerBound, count: Engine.allCases.count)
  }

  /// The next ring for a transfer over `engines` DMA engines, or nil when the queue has none left.
  mutating func next(
    _ queue: Engine, engines: Int, allEngines: Int, ringsWhenAll: Int
  ) -> Int? {
    if let index = groups.firstIndex(where: { $0.queue == queue && $0.engines == engines }) {
      let group = groups[index]
      groups[index].turn = (group.turn + 1) % group.rings.count
      return group.rings[group.turn]
    }
    let count = engines == allEngines ? max(1, ringsWhenAll) : 1
    let first = used[Int(queue.rawValue)]
    guard first + count <= rings.upperBound else { return nil }
    used[Int(queue.rawValue)] += count
    groups.append(
      Group(queue: queue, engines: engines, rings: Array(first..<(first + count)), turn: 1 % count))
    return first
  }

  /// The progress domain of a ring.
  static func domain(_ queue: Engine, ring: Int) -> ProgressDomain {
    let queueIndex = queue == .scalar ? 0 : queue == .gpsimd ? 1 : 2
    return ProgressDomain(index: 5 + 16 * queueIndex + ring)
  }
}
