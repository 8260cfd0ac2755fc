import Hardware
import InstructionSet

/// The DMA engines of a core and their rings.
///
/// A transfer is dealt evenly over the engines that take part, so one record stands for its share
/// on each of them: the engines differ only by a fixed skew. A ring serves its transfers first in,
/// first out; rings that are busy on the same engines share them packet by packet. Nothing happens
/// per descriptor.
/// Source: profiler captures (service, skew, latencies, stretches); NKI DMA bandwidth guide
/// (sustained streams).
struct DMAQueues {
  /// A transfer that waits in a ring or is being served.
  struct Transfer {
    var shape: TransferShape
    var update: SemaphoreUpdate
    /// When its first descriptor may start: trigger and dispatch are over.
    var arrival: Int64
    /// When it began to be served.
    var start: Int64 = 0
    /// Picoseconds of engine time that are left.
    var work: Int64 = 0
    /// Engine time of one packet: rings take turns packet by packet.
    var turn: Int64 = 1
    /// What it takes of its HBM stack alone on its engines. Bytes per microsecond.
    var demand: Int64 = 0
    /// Where it comes from, for the trace.
    var program: UInt32
    /// The ring's index.
    var ring: Int
  }

  /// A transfer that ended: what the trace and the semaphores need.
  struct Completion {
    var transfer: Transfer
    /// When the last byte of the earliest engine moved.
    var end: Int64
    /// When the increment of the earliest engine is visible.
    var visible: Int64
  }

  /// No core has more DMA engines.
  static let mostEngines = 16

  private let laws: DMALaws
  /// How fast the engines work, by the core's part of its HBM stack.
  private var pace = TransferPace()
  private var rings: [Ring]
  private var active: [Transfer] = []
  /// Rings in which a transfer waits, in order of their index.
  private var waitingRings: [Int] = []
  private(set) var clock: Int64 = 0
  /// Bytes that each engine moved since the engines were last idle: where bursts end.
  private var streamedBytes: Int64 = 0
  private var hasServed = false
  /// The next time at which something happens here, or `Int64.max`.
  private(set) var nextEvent = Int64.max
  /// Picoseconds during which the first so many engines moved data, and no others.
  private var activeTimes = InlineArray<17, Int64>(repeating: 0)
  /// Bytes read from HBM.
  private(set) var hbmReadBytes: Int64 = 0
  /// Bytes written to HBM.
  private(set) var hbmWriteBytes: Int64 = 0

  private struct Ring {
    var waiting: [Transfer] = []
    var head = 0
    var isBusy = false
    var lastEnd = Int64.min / 2
    var lastStart = Int64.min / 2
    var wasLoad = false
  }

  init(device: Device, share: Int64? = nil) {
    laws = DMALaws(device: device, share: share)
    // Each of the three queues that trigger has its own set of rings.
    rings = Array(
      repeating: Ring(), count: Engine.allCases.count * device.dma.ringsPerEngine.value)
  }

  /// How much later than the earliest each engine's increment comes, in time order.
  var skews: [Int64] { laws.skews }

  /// True when no transfer waits or moves.
  var isIdle: Bool { nextEvent == .max }

  /// Hands a transfer to a ring.
  mutating func enqueue(
    _ shape: TransferShape, engine: Engine, triggered: Int64, update: SemaphoreUpdate,
    program: UInt32
  ) {
    let ring = Int(engine.rawValue) * laws.ringsPerEngine + Int(shape.queue)
    let latency = laws.firstDescriptor(shape)
    if rings[ring].waiting.isEmpty {
      let place = waitingRings.firstIndex { $0 > ring } ?? waitingRings.count
      waitingRings.insert(ring, at: place)
    }
    rings[ring].waiting.append(
      Transfer(
        shape: shape, update: update, arrival: triggered + latency, program: program, ring: ring))
    schedule()
  }

  /// When the head of a ring may start.
  private func startTime(_ index: Int) -> Int64 {
    guard !rings[index].isBusy else { return .max }
    let head = rings[index].head
    let start = max(
      rings[index].waiting[head].arrival, rings[index].lastEnd + laws.ringHandOver)
    if rings[index].waiting[head].shape.isSoftware { return start }
    return max(start, rings[index].lastStart + laws.ringInterval)
  }

  /// Finds the next start or end.
  private mutating func schedule() {
    var next = Int64.max
    for index in waitingRings { next = min(next, startTime(index)) }
    for transfer in active { next = min(next, clock + pace.time(for: remaining(transfer))) }
    nextEvent = next
  }

  /// Engine time of all rings that take turns with a transfer.
  private func round(_ transfer: Transfer) -> Int64 {
    // Shares begin at engine 0, so any two transfers meet there.
    let served = first
    var sum: Int64 = 0
    for other in active where other.shape.priority == served { sum += other.turn }
    return sum
  }

  /// The priority that is served now: lower numbers go first, the others stand still.
  private var first: UInt8 {
    var first = UInt8.max
    for transfer in active { first = min(first, transfer.shape.priority) }
    return first
  }

  /// How long a transfer still takes if nothing starts or ends before.
  private func remaining(_ transfer: Transfer) -> Int64 {
    if active.count == 1 { return transfer.work }
    guard transfer.shape.priority == first else { return .max / 2 }
    let (high, low) = transfer.work.multipliedFullWidth(by: round(transfer))
    let (quotient, remainder) = transfer.turn.dividingFullWidth((high, low))
    return quotient + (remainder > 0 ? 1 : 0)
  }

  /// How many engines move data now.
  private var movingEngines: Int {
    var engines: UInt8 = 0
    for transfer in active { engines = max(engines, transfer.shape.engines) }
    return min(Int(engines), Self.mostEngines)
  }

  /// What moves until the next event; nil when nothing does.
  var stretch: DMAStretch? {
    guard let first = active.first, nextEvent > clock else { return nil }
    return DMAStretch(
      start: clock, end: nextEvent, engines: movingEngines, programCounter: first.program)
  }

  /// Picoseconds during which an engine moved data; transfers take the first engines.
  func activeTime(ofEngine engine: Int) -> Int64 {
    activeTimes.indices.reduce(0) { $0 + ($1 > engine ? activeTimes[$1] : 0) }
  }

  /// Moves time forward to `time`; nothing starts or ends before it.
  private mutating func progress(to time: Int64) {
    let elapsed = time - clock
    if elapsed > 0, !active.isEmpty {
      activeTimes[movingEngines] += elapsed
      let worked = pace.work(in: elapsed)
      if active.count == 1 {
        active[0].work = max(0, active[0].work - worked)
        clock = time
        return
      }
      let served = first
      for index in active.indices where active[index].shape.priority == served {
        let (high, low) = worked.multipliedFullWidth(by: active[index].turn)
        let done = round(active[index]).dividingFullWidth((high, low)).quotient
        active[index].work = max(0, active[index].work - done)
      }
    }
    clock = max(clock, time)
  }

  /// Carries out what happens at `nextEvent` and returns a transfer that ended, if one did.
  mutating func step() -> Completion? {
    let time = nextEvent
    progress(to: time)
    defer { schedule() }
    if let index = active.firstIndex(where: { $0.work == 0 }) {
      return finish(index, at: time)
    }
    if let ring = waitingRings.first(where: { startTime($0) <= time }) {
      start(ring, at: time)
    }
    return nil
  }

  private mutating func start(_ index: Int, at time: Int64) {
    var transfer = rings[index].waiting[rings[index].head]
    rings[index].head += 1
    if rings[index].head == rings[index].waiting.count {
      rings[index].waiting.removeAll(keepingCapacity: true)
      rings[index].head = 0
      waitingRings.removeAll { $0 == index }
    }
    if active.isEmpty, time > rings[index].lastEnd + laws.ringHandOver { streamedBytes = 0 }
    let followsLoad = rings[index].wasLoad && time <= rings[index].lastEnd + laws.ringHandOver
    let isQueued = followsLoad || active.contains { $0.shape.readsHBM && !$0.shape.isSoftware }
    transfer.start = time
    transfer.work = laws.work(
      transfer.shape, isQueued: isQueued, streamedBytes: streamedBytes)
    transfer.turn = laws.turn(transfer.shape, work: transfer.work)
    transfer.demand = laws.demand(transfer.shape, work: transfer.work)
    streamedBytes += laws.bytesPerEngine(transfer.shape)
    hbmReadBytes += transfer.shape.hbmReadBytes
    hbmWriteBytes += transfer.shape.hbmWriteBytes
    rings[index].isBusy = true
    rings[index].lastStart = time
    rings[index].wasLoad = transfer.shape.readsHBM
    active.append(transfer)
  }

  private mutating func finish(_ index: Int, at time: Int64) -> Completion {
    let transfer = active.remove(at: index)
    rings[transfer.ring].isBusy = false
    rings[transfer.ring].lastEnd = time
    return Completion(
      transfer: transfer, end: time, visible: time + laws.completionLag(transfer.shape))
  }
}

// MARK: A stack of HBM that several cores share

extension DMAQueues {
  /// What the transfers under way would take of the stack at full pace. Bytes per microsecond.
  var demand: Int64 {
    if active.count == 1 { return active[0].demand }
    let served = first
    var sum: Int64 = 0
    for transfer in active where transfer.shape.priority == served {
      let (high, low) = transfer.demand.multipliedFullWidth(by: transfer.turn)
      sum += round(transfer).dividingFullWidth((high, low)).quotient
    }
    return sum
  }

  /// The shortest time from a trigger to a change of the demand.
  var shortestDispatch: Int64 { laws.shortestDispatch }

  /// From `time` on the engines work at a part of their pace.
  mutating func setPace(_ share: TransferPace.Share, at time: Int64) {
    progress(to: time)
    pace.change(to: share)
    schedule()
  }

  /// Bytes that something other than a transfer of the program moves.
  mutating func count(readBytes: Int64, writtenBytes: Int64) {
    hbmReadBytes += readBytes
    hbmWriteBytes += writtenBytes
  }
}
