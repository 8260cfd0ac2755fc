import Synchronization

/// A block of records that one thread fills and another reads.
///
/// Unchecked because it has one owner at a time: whoever filled it hands it on and forgets it.
@safe public final class RecordBlock<Record: BitwiseCopyable & Sendable>: @unchecked Sendable {
  @usableFromInline let base: UnsafeMutablePointer<Record>
  /// Records that it has room for.
  public let capacity: Int
  /// Records that it holds. Nobody else looks while its owner changes it, so that no access needs
  /// to be checked.
  @exclusivity(unchecked) public fileprivate(set) var count = 0

  /// An empty block.
  public init(capacity: Int) {
    precondition(capacity > 0, "a block has room for a record")
    unsafe base = .allocate(capacity: capacity)
    self.capacity = capacity
  }

  deinit { unsafe base.deallocate() }

  /// The record at an index below `count`.
  @inlinable @inline(__always)
  public subscript(index: Int) -> Record {
    unsafe precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "no such record")
    // Written: every record below the count was put there before the block was handed on.
    return unsafe base[index]
  }
}

/// Blocks that were read and may be filled again, so that a long recording allocates no more than
/// what is under way at once.
public final class RecordPool<Record: BitwiseCopyable & Sendable>: Sendable {
  /// Records that each block has room for.
  public let capacity: Int
  private let spare: Mutex<[RecordBlock<Record>]>

  /// A pool that holds `reserve` blocks from the start.
  public init(capacity: Int, reserve: Int = 0) {
    self.capacity = capacity
    spare = Mutex((0..<reserve).map { _ in RecordBlock(capacity: capacity) })
  }

  /// An empty block: one that was given back, or a new one.
  public func take() -> RecordBlock<Record> {
    let block = spare.withLock { $0.popLast() }
    unsafe block?.count = 0
    return block ?? RecordBlock(capacity: capacity)
  }

  /// Takes a block back that nobody reads any more.
  public func give(_ block: RecordBlock<Record>) { spare.withLock { $0.append(block) } }
}

/// Records of several tracks under way, a block for each; full blocks go to a sink.
///
/// Between two calls at least `room` places of each block are free, so that many records can be put
/// down before `settle` looks.
@safe public struct RecordLanes<Record: BitwiseCopyable & Sendable>: ~Copyable {
  /// Receives a block of one track.
  public typealias Sink = (_ lane: Int, _ block: RecordBlock<Record>) -> Void

  /// Where a track's next record goes.
  @safe @usableFromInline struct Lane: BitwiseCopyable {
    @usableFromInline var base: UnsafeMutablePointer<Record>
    @usableFromInline var count: Int
  }

  @usableFromInline var lanes: FixedBuffer<Lane>
  /// A block that holds more is handed over.
  @usableFromInline let limit: Int
  private var blocks: [RecordBlock<Record>]
  private let pool: RecordPool<Record>
  private let sink: Sink

  /// Lanes that take their blocks from a pool.
  public init(count: Int, room: Int, pool: RecordPool<Record>, sink: @escaping Sink) {
    precondition(room > 0 && room < pool.capacity, "a block holds more than its room")
    blocks = (0..<count).map { _ in pool.take() }
    lanes = FixedBuffer(blocks.map { unsafe Lane(base: $0.base, count: 0) })
    limit = pool.capacity - room
    self.pool = pool
    self.sink = sink
  }

  deinit { for block in blocks { pool.give(block) } }

  /// Writes a record into a lane's next place. At most `room` of them before `settle`.
  @inlinable @inline(__always)
  public mutating func put(_ record: Record, lane: Int) {
    let count = lanes[lane].count
    assert(count < blockCapacity, "more records than room without a look")
    // Inside: at least `room` places are free after each look, and no more are put down in between.
    unsafe lanes[lane].base[count] = record
    lanes[lane].count = count &+ 1
  }

  /// Hands a lane's block over if it has too little room left.
  @inlinable @inline(__always)
  public mutating func settle(_ lane: Int) {
    if lanes[lane].count > limit { exchange(lane) }
  }

  /// Hands over what is left, lane after lane.
  public mutating func finish() {
    for lane in lanes.indices where lanes[lane].count > 0 { exchange(lane) }
  }

  @usableFromInline var blockCapacity: Int { pool.capacity }

  @inline(never) @usableFromInline
  mutating func exchange(_ lane: Int) {
    let full = blocks[lane]
    unsafe full.count = lanes[lane].count
    let next = pool.take()
    blocks[lane] = next
    lanes[lane] = unsafe Lane(base: next.base, count: 0)
    sink(lane, full)
  }
}
