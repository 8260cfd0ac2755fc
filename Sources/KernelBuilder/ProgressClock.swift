/// Where completions are counted in order: one domain per engine and one per DMA ring.
///
/// Domains 0 to 4 are the engines in their usual order; then sixteen rings for each of the scalar,
/// GpSimd and sync queues; the last one counts collectives, which follow each other.
struct ProgressDomain: Hashable, BitwiseCopyable {
  var index: Int

  /// Domains in all: five engines, three times sixteen rings, and collectives.
  static let count = 5 + 3 * 16 + 1
  /// Collectives of one group.
  static let collectives = ProgressDomain(index: count - 1)

  init(index: Int) { self.index = index }

  /// True for a DMA ring, and for collectives.
  var isRing: Bool { index >= 5 }
}

/// What is known to have completed: for each domain the sequence number of its latest operation.
///
/// Completions within a domain are in order, so one number per domain is enough (a vector clock).
struct ProgressClock: Hashable, BitwiseCopyable {
  private var lanes = SIMD64<Int32>(repeating: 0)

  subscript(_ domain: ProgressDomain) -> Int32 {
    get { lanes[domain.index] }
    set { lanes[domain.index] = newValue }
  }

  /// Takes over everything that `other` knows.
  mutating func learn(_ other: ProgressClock) {
    lanes.replace(with: other.lanes, where: other.lanes .> lanes)
  }
}

/// An operation by its domain and its place there, counted from 1.
struct ProgressPoint: Hashable, BitwiseCopyable {
  var domain: ProgressDomain
  var sequence: Int32
}
