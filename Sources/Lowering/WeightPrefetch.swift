import CoreState
import Hardware
import InstructionSet
import KernelBuilder

/// Makes a program of segments and invocations, in which kernels that stream weights bring the
/// first of them while what comes before still runs.
///
/// Such kernels take the halves of SBUF, of the semaphores and of each queue's rings in turn, and
/// whatever stands between two of them keeps to the half of the first. So nobody touches the second
/// one's half from the first one on, and the loads with which the second one's sync queue begins,
/// as long as they read weights and wait for nothing, go behind the last load of the first one's
/// sync queue. Barriers on the way neither wait for them nor clear what they count on. Before the
/// first of them, the program's first kernel carries its loads.
struct WeightPrefetch {
  /// A kernel in all of the memory, and how it is made again in a half of it.
  struct Source {
    var segment: Segment
    var streamsWeights: Bool
    var build: (MemoryHalf) -> Segment?
  }

  /// An invocation before it is known which loads it takes along.
  private struct Pending {
    var source: Int
    var invocation: Invocation
  }

  /// The first loads of a later kernel.
  private struct Taken {
    var source: Int
    var count: Int
    /// Allocations bound to the later kernel's parameters.
    var tensors: [Int]
  }

  /// What a kernel becomes: as it is, or in a half with loads left out and taken along.
  private enum Variant: Hashable {
    case whole(Int)
    case half(Int, MemoryHalf, given: Int, next: Int?, taken: Int)
  }

  private struct Half: Hashable {
    var source: Int
    var half: MemoryHalf
  }

  /// Distinct segments, in the order of their first invocations.
  private(set) var segments: [Segment] = []
  /// All that is decided.
  private(set) var invocations: [Invocation] = []
  private let isOn: Bool
  private let halfBytes: Int
  private let onSegment: (Segment) -> Void
  private var sources: [Source] = []
  private var halves: [Half: Segment?] = [:]
  private var numbers: [Variant: Int] = [:]
  private var variantCounts: [Int: Int] = [:]
  /// From the last kernel that streams weights on.
  private var pending: [Pending] = []
  /// The half that these would keep to.
  private var half = MemoryHalf.lower
  /// Loads at the beginning of the first of them that are carried out already.
  private var given = 0
  /// True after a kernel that needs more than half of the memory, until the next that streams
  /// weights: nothing is taken along there.
  private var isBlocked: Bool

  /// - Parameters:
  ///   - isOn: false leaves every kernel as it is.
  ///   - onSegment: gets each segment as soon as it is settled.
  init(on device: Device, isOn: Bool, onSegment: @escaping (Segment) -> Void) {
    self.isOn = isOn
    self.onSegment = onSegment
    halfBytes = device.memory.sbufBytesPerPartition.value / 2
    isBlocked = !isOn
  }

  /// Adds a kernel; its number is what `invoke` takes.
  mutating func add(_ source: Source) -> Int {
    sources.append(source)
    return sources.count - 1
  }

  /// Invokes a kernel after those before it.
  ///
  /// - Parameter isWeight: for each parameter, whether no instruction ever writes to it.
  mutating func invoke(
    _ source: Int, tensors: [Int], layer: String, isWeight: (_ parameter: Int) -> Bool
  ) {
    let streams = isOn && sources[source].streamsWeights
    if streams {
      let count = pending.isEmpty ? 0 : early(source, isWeight)
      decide(count > 0 ? Taken(source: source, count: count, tensors: tensors) : nil)
      half = half.other
      given = count
      isBlocked = false
    }
    pending.append(
      Pending(
        source: source, invocation: Invocation(segment: 0, tensors: tensors, layer: layer)))
    isBlocked = isBlocked || !streams && !keepsItsPace(source, half)
    if isBlocked { decide(nil) }
  }

  /// Nothing follows.
  mutating func finish() { decide(nil) }

  /// Settles what is pending: the first carries out the loads that are taken along, and all of them
  /// keep to their half while these are under way.
  private mutating func decide(_ taken: Taken?) {
    for (place, entry) in pending.enumerated() {
      var invocation = entry.invocation
      let own = place == 0 ? taken : nil
      let left = place == 0 ? given : 0
      invocation.segment = number(
        of: taken == nil && left == 0
          ? .whole(entry.source)
          : .half(
            entry.source, half, given: left, next: own?.source, taken: own?.count ?? 0))
      if let own, let later = half(own.source, half.other) {
        invocation.tensors += Self.loads(later, own.count).tensors.map { own.tensors[$0] }
      }
      invocations.append(invocation)
    }
    pending = []
    given = 0
  }

  // MARK: What can be taken along

  /// How many loads of a kernel the first pending one carries out.
  private mutating func early(_ source: Int, _ isWeight: (Int) -> Bool) -> Int {
    let half = half
    guard keepsItsPace(source, half.other), keepsItsPace(pending[0].source, half),
      let own = self.half(source, half.other)
    else { return 0 }
    return own.firstLoads(isWeight).count
  }

  /// Loads of a kernel that may be under way beside those that it takes along: rings share the DMA
  /// engines, so that more of them would keep its own last loads waiting, and fewer would leave the
  /// engines without work.
  private static let ownLoadsBeside = 2
  /// Loads under way at once that keep the DMA engines busy while one of them is used.
  private static let busyLoads = 4

  /// True where a kernel does in half of the memory what it does in all of it; of a stream of
  /// weights, where enough pieces are under way at once, or all of it.
  private mutating func keepsItsPace(_ source: Int, _ half: MemoryHalf) -> Bool {
    let whole = sources[source].segment
    guard sources[source].streamsWeights else {
      return whole.usedBytes <= halfBytes
        && self.half(source, half)?.instructions.count == whole.instructions.count
    }
    guard let own = self.half(source, half) else { return false }
    let all = own.stream(of: .sync).count { $0.operation.isLoad }
    return own.firstLoads { _ in true }.count >= min(Self.busyLoads, all)
  }

  private mutating func half(_ source: Int, _ half: MemoryHalf) -> Segment? {
    let key = Half(source: source, half: half)
    if let known = halves[key] { return known }
    let built = sources[source].build(half)
    halves[key] = .some(built)
    return built
  }

  // MARK: Variants

  private mutating func number(of variant: Variant) -> Int {
    if let known = numbers[variant] { return known }
    segments.append(segment(of: variant))
    onSegment(segments[segments.count - 1])
    numbers[variant] = segments.count - 1
    return segments.count - 1
  }

  private mutating func segment(of variant: Variant) -> Segment {
    guard case .half(let source, let half, let given, let next, let taken) = variant,
      let own = self.half(source, half)
    else {
      guard case .whole(let source) = variant else { preconditionFailure("it was built before") }
      return sources[source].segment
    }
    var (tensors, sites) = (own.tensors, own.sites)
    var streams = Engine.allCases.map { Array(own.stream(of: $0)) }
    let sync = Int(Engine.sync.rawValue)
    streams[sync].removeFirst(given)
    if let next, let later = self.half(next, half.other) {
      let loads = Self.loads(later, taken)
      let place = streams[sync].lastIndex { $0.operation.isLoad }.map { $0 + 1 } ?? 0
      var moved = loads.instructions.map {
        Self.rebound($0, tensors: loads.tensors, after: tensors.count, sites: sites.count)
      }
      moved[0].wait = own.lastLoadsRemain(Self.ownLoadsBeside)
      streams[sync].insert(contentsOf: moved, at: place)
      tensors += loads.tensors.map { later.tensors[$0] }
      sites += later.sites
    }
    variantCounts[source, default: 1] += 1
    var segment = Segment(
      name: "\(own.name) (\(variantCounts[source]!))", streams: streams, tensors: tensors,
      sites: sites)
    segment.buffers = own.buffers
    return segment
  }

  /// The first loads of a segment's sync queue, and the parameters that they read, each once.
  private static func loads(_ segment: Segment, _ count: Int)
    -> (instructions: [Instruction], tensors: [Int])
  {
    let instructions = Array(segment.stream(of: .sync).prefix(count))
    var tensors: [Int] = []
    for instruction in instructions {
      guard case .dma(let transfer) = instruction.operation,
        case .hbm(let source) = transfer.source, !tensors.contains(Int(source.tensor))
      else { continue }
      tensors.append(Int(source.tensor))
    }
    return (instructions, tensors)
  }

  /// A load with its tensor and its site counted behind another segment's.
  private static func rebound(
    _ instruction: Instruction, tensors: [Int], after count: Int, sites: Int
  ) -> Instruction {
    var moved = instruction
    moved.site += UInt32(sites)
    if case .dma(var transfer) = instruction.operation, case .hbm(var source) = transfer.source,
      let place = tensors.firstIndex(of: Int(source.tensor))
    {
      source.tensor = UInt16(count + place)
      transfer.source = .hbm(source)
      moved.operation = .dma(transfer)
    }
    return moved
  }
}

extension Segment {
  /// One past the last byte of a partition of SBUF that it uses.
  fileprivate var usedBytes: Int {
    buffers.reduce(0) { $1.space == .sbuf ? max($0, $1.bytes.upperBound) : $0 }
  }

  /// The loads with which the sync queue begins that wait for nothing and read such parameters.
  fileprivate func firstLoads(_ isWanted: (_ parameter: Int) -> Bool) -> ArraySlice<Instruction> {
    stream(of: .sync).prefix { instruction in
      guard instruction.wait.condition == .none, case .dma(let transfer) = instruction.operation,
        case .hbm(let source) = transfer.source, !transfer.destination.isHBM
      else { return false }
      return source.register == AccessPattern.noRegister && isWanted(Int(source.tensor))
    }
  }

  /// The wait of the sync queue for the last of its own loads but `count`, behind which those
  /// before it are as good as there; none where nobody is told of that load.
  fileprivate func lastLoadsRemain(_ count: Int) -> SemaphoreWait {
    let sync = stream(of: .sync)
    let loads = sync.indices.filter { sync[$0].operation.isLoad }
    guard loads.count > count else { return .none }
    let last = loads[loads.count - 1 - count]
    let semaphore = sync[last].update.semaphore
    guard sync[last].update.operation == .add else { return .none }
    // A semaphore belongs to one ring of one queue: these are all of its updates so far.
    let updates = sync[...last].filter {
      $0.update.operation == .add && $0.update.semaphore == semaphore
    }
    return SemaphoreWait(semaphore, .atLeast, updates.reduce(0) { $0 + $1.update.value })
  }

  /// The instructions of one engine.
  fileprivate func stream(of engine: Engine) -> ArraySlice<Instruction> {
    instructions[range(of: engine)]
  }
}

extension Operation {
  /// True for a transfer from HBM to the chip.
  fileprivate var isLoad: Bool {
    guard case .dma(let transfer) = self else { return false }
    return transfer.source.isHBM && !transfer.destination.isHBM
  }
}
