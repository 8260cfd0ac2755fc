import CoreState
import Hardware
import InstructionSet
import NeuronCore
import NumericFormats

/// What met, when it is over, and what each core gets.
struct Settlement {
  /// One core's part.
  struct Part {
    var core: Int
    var meeting: Meeting
    /// Raw elements for the instruction's destination; empty where only time counts.
    var elements: [UInt32]
  }

  /// When the last core had come and the channel was free.
  var start: Int64
  var completion: Int64
  var parts: [Part]
  /// Bytes of HBM that each core reads, and writes, for it.
  var trafficBytes: Int64 = 0
}

/// Instructions that came to a meeting and wait for those of other cores: the n-th of each core at
/// a place meets the n-th of the others.
struct MeetingTable {
  /// Where instructions meet.
  enum Place: Hashable {
    /// SENDRECV of a logical core by its first core and the pipe.
    case exchange(pair: Int, pipe: Int)
    /// PSEUDO_CORE_BARRIER of a logical core by engine and number.
    case barrier(pair: Int, engine: Engine, identifier: Int)
    /// COLLECTIVE_TRIGGER by group.
    case collective(group: Int)
  }

  private struct Entry {
    var place: Place
    /// Cores that meet here, in the order of their ranks.
    var cores: [Int]
    /// What waits, by rank.
    var queues: [[CoreMeeting]]
    /// When the last collective here was over: they follow each other.
    var freeFrom: Int64 = 0
  }

  private let program: ChipProgram
  private let law: CollectiveLaw
  /// In the order in which places were first used; few.
  private var entries: [Entry] = []

  init(_ program: ChipProgram, device: Device) {
    self.program = program
    law = CollectiveLaw(device: device)
  }

  // MARK: Coming

  /// A core came to a meeting.
  mutating func add(_ arrival: CoreMeeting) {
    let (place, cores) = place(of: arrival)
    let index = entries.firstIndex { $0.place == place } ?? entries.count
    if index == entries.count {
      entries.append(
        Entry(place: place, cores: cores, queues: Array(repeating: [], count: cores.count)))
    }
    // The rules of the programs put every core that comes among those of the place.
    let rank = entries[index].cores.firstIndex(of: arrival.core)!
    entries[index].queues[rank].append(arrival)
  }

  private func place(of arrival: CoreMeeting) -> (Place, [Int]) {
    let pair = Array(program.partners(of: arrival.core))
    switch arrival.meeting.operation {
    case .sendReceive(let exchange):
      return (.exchange(pair: pair[0], pipe: Int(exchange.pipe)), pair)
    case .coreBarrier(let barrier):
      return (
        .barrier(
          pair: pair[0], engine: arrival.meeting.engine, identifier: Int(barrier.identifier)),
        pair
      )
    case .collective(let collective):
      let group = Int(collective.group)
      return (.collective(group: group), program.collectiveGroups[group])
    default: preconditionFailure("only these instructions meet others")
    }
  }

  // MARK: Waiting

  /// Before this time nothing that a core waits for is over, when no core that is still to come can
  /// come before `earliest`.
  func earliestEnd(for core: Int, whenOthersComeFrom earliest: Int64) -> Int64 {
    var end = Int64.max
    for entry in entries {
      guard let rank = entry.cores.firstIndex(of: core), let own = entry.queues[rank].first
      else { continue }
      let start = max(own.meeting.time, earliest, entry.freeFrom)
      end = min(end, start + duration(own.meeting, ranks: entry.cores.count))
    }
    return end
  }

  private func duration(_ meeting: Meeting, ranks: Int) -> Int64 {
    guard case .collective(let collective) = meeting.operation else { return meeting.duration }
    return law.duration(collective, ranks: ranks)
  }

  /// What a core waits for, with the cores that have not come.
  func waiting(_ core: Int) -> [(meeting: Meeting, place: Place, missing: [Int])] {
    entries.compactMap { entry in
      guard let rank = entry.cores.firstIndex(of: core), let own = entry.queues[rank].first
      else { return nil }
      let missing = entry.cores.indices.filter { entry.queues[$0].isEmpty }
      return (own.meeting, entry.place, missing.map { entry.cores[$0] })
    }
  }

  // MARK: Settling

  /// Takes a meeting to which all have come, if there is one.
  mutating func next() throws(ChipError) -> Settlement? {
    guard let index = entries.firstIndex(where: { $0.queues.allSatisfy { !$0.isEmpty } })
    else { return nil }
    let arrivals = entries[index].queues.map { $0[0] }
    for rank in entries[index].queues.indices { entries[index].queues[rank].removeFirst() }
    let last = arrivals.reduce(Int64.min) { max($0, $1.meeting.time) }
    let start = max(last, entries[index].freeFrom)
    let time = duration(arrivals[0].meeting, ranks: arrivals.count)
    let completion = start + time
    if case .collective = entries[index].place { entries[index].freeFrom = completion }
    let parts = try MeetingOutcome(arrivals).parts()
    var settlement = Settlement(start: start, completion: completion, parts: parts)
    if case .collective(let collective) = arrivals[0].meeting.operation, collective.source.isHBM {
      settlement.trafficBytes = law.work(collective, ranks: arrivals.count).bytes
    }
    return settlement
  }
}

/// What instructions that met hand to each other, and whether they fit.
struct MeetingOutcome {
  private let arrivals: [CoreMeeting]

  init(_ arrivals: [CoreMeeting]) { self.arrivals = arrivals }

  func parts() throws(ChipError) -> [Settlement.Part] {
    let elements: [[UInt32]]
    switch arrivals[0].meeting.operation {
    case .sendReceive: elements = try exchanged()
    case .collective: elements = try collected()
    default: elements = arrivals.map { _ in [] }
    }
    return zip(arrivals, elements).map { arrival, elements in
      Settlement.Part(core: arrival.core, meeting: arrival.meeting, elements: elements)
    }
  }

  private func exchanged() throws(ChipError) -> [[UInt32]] {
    var exchanges: [SendReceive] = []
    for arrival in arrivals {
      guard case .sendReceive(let exchange) = arrival.meeting.operation else {
        preconditionFailure("only exchanges meet at a pipe")
      }
      exchanges.append(exchange)
    }
    var result: [[UInt32]] = []
    for (rank, exchange) in exchanges.enumerated() {
      let sender = Int(exchange.receiveFrom)
      let sent = exchanges[sender]
      guard Int(sent.sendTo) == rank else {
        throw .mismatch(
          "SENDRECV on pipe \(exchange.pipe): core \(arrivals[rank].core) takes from rank "
            + "\(sender), which sends to rank \(sent.sendTo); let both name each other")
      }
      guard sent.source.columns == exchange.destination.columns,
        sent.source.partitionCount == exchange.destination.partitionCount,
        sent.source.format == exchange.destination.format
      else {
        throw .mismatch(
          "SENDRECV on pipe \(exchange.pipe): core \(arrivals[sender].core) sends "
            + "\(Self.shape(sent.source)) and core \(arrivals[rank].core) takes "
            + "\(Self.shape(exchange.destination)); both must be alike")
      }
      result.append(arrivals[sender].meeting.elements)
    }
    return result
  }

  private static func shape(_ access: AccessPattern) -> String {
    "\(access.partitionCount) x \(access.columns) \(access.format.name)"
  }

  private func collected() throws(ChipError) -> [[UInt32]] {
    var instructions: [Collective] = []
    for arrival in arrivals {
      guard case .collective(let collective) = arrival.meeting.operation else {
        preconditionFailure("only collectives meet in a group")
      }
      instructions.append(collective)
    }
    let first = instructions[0]
    for (rank, other) in instructions.enumerated() {
      guard other.kind == first.kind, other.operation == first.operation,
        other.source.count == first.source.count, other.source.isHBM == first.source.isHBM
      else {
        throw .mismatch(
          "collectives of group \(first.group): core \(arrivals[0].core) starts "
            + "\(Self.name(first)) and core \(arrivals[rank].core) starts \(Self.name(other)); "
            + "all ranks start the same in the same order")
      }
    }
    guard arrivals.allSatisfy({ !$0.meeting.elements.isEmpty }) else {
      return arrivals.map { _ in [] }
    }
    return CollectiveValues(
      instructions: instructions, contributions: arrivals.map(\.meeting.elements)
    ).results()
  }

  private static func name(_ collective: Collective) -> String {
    "\(collective.kind.text) (\(collective.operation.text)) of \(collective.source.count) "
      + "elements in \(collective.source.isHBM ? "hbm" : "sbuf")"
  }
}
