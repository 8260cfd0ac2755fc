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

/// An operation by its domain and its place there, counted from 1.
struct ProgressPoint: Hashable, BitwiseCopyable {
  var domain: ProgressDomain
  var sequence: Int32
}

/// Clocks, each of which says what is known to have completed: for each domain the sequence number
/// of its latest operation.
///
/// Completions within a domain are in order, so one number per domain is enough (a vector clock).
struct ProgressClocks {
  private var latest: [Int32]

  /// `count` clocks that know nothing.
  init(count: Int) {
    latest = Array(repeating: 0, count: count * ProgressDomain.count)
  }

  /// How many there are.
  var count: Int { latest.count / ProgressDomain.count }

  /// What a clock knows of a domain.
  subscript(_ clock: Int, _ domain: ProgressDomain) -> Int32 {
    get { latest[clock * ProgressDomain.count + domain.index] }
    set { latest[clock * ProgressDomain.count + domain.index] = newValue }
  }

  /// A clock learns everything that one of `others` knows.
  mutating func learn(_ clock: Int, from others: ProgressClocks, _ other: Int) {
    let own = clock * ProgressDomain.count
    let source = other * ProgressDomain.count
    for domain in 0..<ProgressDomain.count {
      latest[own + domain] = max(latest[own + domain], others.latest[source + domain])
    }
  }

  /// A clock learns that an operation has completed, and with it those before it in its domain.
  mutating func learn(_ clock: Int, _ point: ProgressPoint) {
    self[clock, point.domain] = max(self[clock, point.domain], point.sequence)
  }

  /// Adds a copy of one of `others`.
  mutating func append(_ other: Int, of others: ProgressClocks) {
    let first = other * ProgressDomain.count
    latest += others.latest[first..<first + ProgressDomain.count]
  }
}
