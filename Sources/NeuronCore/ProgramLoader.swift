import CoreState
import Hardware
import InstructionSet
import Threads

/// What the step loop reads of a program.
struct LoadedRecords: ~Copyable {
  /// One record per instruction, in the order of the segments.
  var records: FixedBuffer<IssueRecord>
  /// Every cost that occurs, once.
  var costs: [Cost]
  /// The transfers, in the order of the instructions that trigger them.
  var transfers: [TransferShape]
}

/// Checks a program and works out its costs on all threads of the host: each takes pieces of the
/// queues, and what they found is joined in program order.
struct ProgramLoader {
  /// Instructions of one queue of one segment that are loaded together.
  private struct Piece {
    var segment: Int
    var engine: Engine
    var positions: Range<Int>
  }

  /// Instructions in a piece.
  private static let pieceSize = 900

  private let program: Program
  private let device: Device
  private let surroundings: Surroundings

  init(_ program: Program, device: Device, surroundings: Surroundings) {
    self.program = program
    self.device = device
    self.surroundings = surroundings
  }

  /// - Throws: the first fault in program order.
  func load() throws(Fault) -> LoadedRecords {
    let parts = try HostThreads.map(pieces(), size: 1) { (pieces) throws(Fault) in
      var parts: [LoadedPiece] = []
      for piece in pieces { parts.append(try load(piece)) }
      return parts
    }
    return Self.join(parts)
  }

  private func pieces() -> [Piece] {
    var pieces: [Piece] = []
    for (index, segment) in program.segments.enumerated() {
      for engine in Engine.allCases {
        let range = segment.range(of: engine)
        for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.pieceSize) {
          let end = min(range.upperBound, start + Self.pieceSize)
          pieces.append(Piece(segment: index, engine: engine, positions: start..<end))
        }
      }
    }
    return pieces
  }

  private func load(_ piece: Piece) throws(Fault) -> LoadedPiece {
    let segment = program.segments[piece.segment]
    var loader = PieceLoader(
      rules: OperandRules(
        device: device, engine: piece.engine, instruction: "", tensorCount: segment.tensors.count,
        queueLength: segment.range(of: piece.engine).count, surroundings: surroundings))
    try loader.load(piece.positions, of: segment)
    return loader.loaded
  }

  /// Puts the pieces behind each other: costs are numbered anew, since pieces share most of them.
  private static func join(_ parts: [LoadedPiece]) -> LoadedRecords {
    let count = parts.reduce(0) { $0 + $1.records.count }
    var joined = LoadedRecords(
      records: FixedBuffer(repeating: IssueRecord(), count: count), costs: [], transfers: [])
    var index = CostIndex()
    var next = 0
    for part in parts {
      let numbers = part.index.costs.map { index.add($0) }
      for record in part.records {
        joined.records[next] = record
        joined.records[next].cost = numbers[Int(record.cost)]
        if record.opcode.isDMA { joined.records[next].extent += Int32(joined.transfers.count) }
        next += 1
      }
      joined.transfers += part.transfers
    }
    joined.costs = index.costs
    return joined
  }
}

/// What a piece gives: the numbers of costs and transfers count from its beginning.
private struct LoadedPiece {
  var records: [IssueRecord] = []
  var transfers: [TransferShape] = []
  var index = CostIndex()
}

/// Checks instructions one after the other and collects what the step loop reads of them.
private struct PieceLoader {
  private var rules: OperandRules
  private(set) var loaded = LoadedPiece()

  init(rules: OperandRules) { self.rules = rules }

  mutating func load(_ positions: Range<Int>, of segment: Segment) throws(Fault) {
    loaded.records.reserveCapacity(positions.count)
    let end = segment.range(of: rules.engine).upperBound
    for position in positions {
      let instruction = segment.instructions[position]
      let opcode = instruction.operation.opcode
      rules.instruction = opcode.name
      do {
        try instruction.operation.validate(rules)
        let hasNext = opcode == .streamTranspose && position + 1 < end
        let next = hasNext ? segment.instructions[position + 1].operation : nil
        loaded.records.append(try record(instruction, opcode, before: next, segment))
      } catch {
        var fault = error
        fault.index = position
        throw fault
      }
    }
  }

  private mutating func record(
    _ instruction: Instruction, _ opcode: Opcode, before next: Operation?, _ segment: Segment
  ) throws(Fault) -> IssueRecord {
    let operation = instruction.operation
    let cost = operation.cost(on: rules.device, engine: rules.engine, before: next)
    let isRow = cost.kind == .matmul || cost.kind == .loadWeights
    var traits: IssueRecord.Traits = []
    if operation.touchesRegisters { traits.insert(.touchesRegisters) }
    if operation.isDynamic { traits.insert(.isDynamic) }
    if opcode.meetsOtherCores { traits.insert(.meetsOthers) }
    if isRow, instruction.wait.condition == .none { traits.insert(.isFreeRow) }
    var result = IssueRecord(
      wait: instruction.wait, update: instruction.update, cost: loaded.index.add(cost),
      extent: cost.kind == .matmul ? Int32(clamping: cost.streamTenths / 10) : cost.loadCycles,
      loadBubbleCycles: cost.loadBubbleCycles, region: operation.arrayRegion(rules.device),
      opcode: opcode, kind: cost.kind, banks: cost.banks, traits: traits)
    if opcode.readsTensors { try operation.checkTensorBounds(segment.tensors, rules) }
    if let shape = operation.transferShape(on: rules.device, engine: rules.engine) {
      try checkUpdate(instruction.update, shape)
      result.extent = Int32(loaded.transfers.count)
      loaded.transfers.append(shape)
    }
    return result
  }

  /// Each DMA engine that takes part increments the semaphore by one.
  private func checkUpdate(_ update: SemaphoreUpdate, _ shape: TransferShape) throws(Fault) {
    guard update.operation != .none else { return }
    guard update.operation == .add, update.value == UInt32(shape.engines) else {
      throw rules.fault(
        "update",
        .semaphoreValue(
          found: update.operation == .add ? Int(update.value) : 0, expected: Int(shape.engines)))
    }
  }
}

/// Costs by value: programs have few distinct ones.
private struct CostIndex {
  var costs: [Cost] = []
  private var positions: [Cost: UInt32] = [:]
  /// The cost added last, which the next one often equals.
  private var latest: UInt32?

  mutating func add(_ cost: Cost) -> UInt32 {
    if let latest, costs[Int(latest)] == cost { return latest }
    let position = positions[cost] ?? UInt32(costs.count)
    if Int(position) == costs.count {
      costs.append(cost)
      positions[cost] = position
    }
    latest = position
    return position
  }
}
