import CoreState
import Hardware
import InstructionSet
import KernelBuilder

/// Lets a kernel that streams weights bring the first of them while what comes before it still
/// runs.
///
/// Kernels that stream weights take the halves of SBUF, of the semaphores and of each queue's rings
/// in turn, and whatever stands between two of them keeps to the half of the first. So nobody
/// touches the second one's half from the first one on, and the loads with which the second one's
/// sync queue begins, as long as they read weights and wait for nothing, go behind the last load of
/// the first one's sync queue. Barriers on the way neither wait for them nor clear what they count
/// on. Before the first of them, the program's first kernel carries its loads.
struct WeightPrefetch {
  /// How a segment is made again in a half of the memory.
  struct Source {
    var streamsWeights: Bool
    var build: (MemoryHalf) -> Segment?
  }

  /// What an invocation's segment becomes.
  private struct Variant: Hashable {
    var segment: Int
    var half: MemoryHalf
    /// Loads at the beginning that the invocation before carries out.
    var given = 0
    /// The half's segment whose first loads it carries out, and how many.
    var next: Int?
    var taken = 0
  }

  private struct Half: Hashable {
    var segment: Int
    var half: MemoryHalf
  }

  private let sources: [Source]
  private let isWeight: (Int) -> Bool
  private var segments: [Segment]
  private var halves: [Half: Segment?] = [:]
  private var variants: [Variant: Int] = [:]
  private var variantCounts: [Int: Int] = [:]

  /// - Parameter isWeight: tells whether an allocation holds what no instruction writes.
  init(_ segments: [Segment], _ sources: [Source], isWeight: @escaping (Int) -> Bool) {
    self.segments = segments
    self.sources = sources
    self.isWeight = isWeight
  }

  /// The segments and invocations with loads brought forward; the same where no kernel gains.
  mutating func apply(to invocations: [Invocation]) -> (segments: [Segment], [Invocation]) {
    let streaming = invocations.indices.filter { sources[invocations[$0].segment].streamsWeights }
    var half = MemoryHalf.lower
    let halves = invocations.indices.map { index in
      if index > 0, sources[invocations[index].segment].streamsWeights { half = half.other }
      return half
    }
    var variants: [Int: Variant] = [:]
    for (place, index) in streaming.enumerated() {
      let host = place == 0 ? 0 : streaming[place - 1]
      let count = early(at: index, after: host, invocations, halves)
      guard count > 0 else { continue }
      for place in host...index where variants[place] == nil {
        variants[place] = Variant(segment: invocations[place].segment, half: halves[place])
      }
      variants[host]?.next = invocations[index].segment
      variants[host]?.taken = count
      variants[index]?.given = count
    }
    guard !variants.isEmpty else { return (segments, invocations) }
    var result = invocations
    for (index, variant) in variants.sorted(by: { $0.key < $1.key }) {
      result[index].segment = number(of: variant)
      guard let next = variant.next, let later = self.half(next, variant.half.other),
        let place = streaming.first(where: { $0 > index })
      else { continue }
      result[index].tensors += Self.loads(later, variant.taken).tensors.map {
        invocations[place].tensors[$0]
      }
    }
    return compacted(result)
  }

  /// How many loads of an invocation an earlier one carries out.
  private mutating func early(
    at index: Int, after host: Int, _ invocations: [Invocation], _ halves: [MemoryHalf]
  ) -> Int {
    guard host < index, let own = half(invocations[index].segment, halves[index]),
      (host...index).allSatisfy({ keepsItsPace(invocations[$0].segment, halves[$0]) })
    else { return 0 }
    let isWeight = isWeight
    return own.firstLoads { isWeight(invocations[index].tensors[$0]) }.count
  }

  /// Loads under way at once that keep the DMA engines busy while one of them is used.
  private static let busyLoads = 4

  /// True where a kernel does in half of the memory what it does in all of it; of a stream of
  /// weights, where enough pieces are under way at once, or all of it.
  private mutating func keepsItsPace(_ segment: Int, _ half: MemoryHalf) -> Bool {
    guard let own = self.half(segment, half) else { return false }
    guard sources[segment].streamsWeights else {
      return own.instructions.count == segments[segment].instructions.count
    }
    let all = own.stream(of: .sync).count { $0.operation.isLoad }
    return own.firstLoads { _ in true }.count >= min(Self.busyLoads, all)
  }

  private mutating func half(_ segment: Int, _ half: MemoryHalf) -> Segment? {
    let key = Half(segment: segment, half: half)
    if let known = halves[key] { return known }
    let built = sources[segment].build(half)
    halves[key] = .some(built)
    return built
  }

  // MARK: Variants

  private mutating func number(of variant: Variant) -> Int {
    if let known = variants[variant] { return known }
    guard var segment = half(variant.segment, variant.half) else { return variant.segment }
    var streams = Engine.allCases.map { Array(segment.stream(of: $0)) }
    let sync = Int(Engine.sync.rawValue)
    streams[sync].removeFirst(variant.given)
    if let next = variant.next, let later = half(next, variant.half.other) {
      let loads = Self.loads(later, variant.taken)
      let place = streams[sync].lastIndex { $0.operation.isLoad }.map { $0 + 1 } ?? 0
      let moved = loads.instructions.map { instruction in
        Self.rebound(
          instruction, tensors: loads.tensors, after: segment.tensors.count,
          sites: segment.sites.count)
      }
      streams[sync].insert(contentsOf: moved, at: place)
      segment.tensors += loads.tensors.map { later.tensors[$0] }
      segment.sites += later.sites
    }
    let buffers = segment.buffers
    variantCounts[variant.segment, default: 1] += 1
    segment = Segment(
      name: "\(segment.name) (\(variantCounts[variant.segment]!))", streams: streams,
      tensors: segment.tensors, sites: segment.sites)
    segment.buffers = buffers
    segments.append(segment)
    variants[variant] = segments.count - 1
    return segments.count - 1
  }

  /// The first loads of a segment's sync queue, and the parameters that they read, each once.
  private static func loads(_ segment: Segment, _ count: Int)
    -> (instructions: [Instruction], tensors: [Int])
  {
    let instructions = Array(segment.stream(of: .sync).prefix(count))
    var tensors: [Int] = []
    for instruction in instructions {
      guard case .dma(let transfer) = instruction.operation,
        case .hbm(let source) = transfer.source,
        !tensors.contains(Int(source.tensor))
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

  /// Without the segments that nobody invokes any more.
  private func compacted(_ invocations: [Invocation]) -> (segments: [Segment], [Invocation]) {
    var numbers: [Int: Int] = [:]
    var kept: [Segment] = []
    let renumbered = invocations.map { invocation in
      var copy = invocation
      if let known = numbers[invocation.segment] {
        copy.segment = known
      } else {
        numbers[invocation.segment] = kept.count
        copy.segment = kept.count
        kept.append(segments[invocation.segment])
      }
      return copy
    }
    return (kept, renumbered)
  }
}

extension Segment {
  /// The loads with which the sync queue begins that wait for nothing and read such parameters.
  fileprivate func firstLoads(_ isWanted: (_ parameter: Int) -> Bool) -> ArraySlice<Instruction> {
    stream(of: .sync).prefix { instruction in
      guard instruction.wait.condition == .none, case .dma(let transfer) = instruction.operation,
        case .hbm(let source) = transfer.source, !transfer.destination.isHBM
      else { return false }
      return source.register == AccessPattern.noRegister && isWanted(Int(source.tensor))
    }
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
