import CoreState
import Hardware
import InstructionSet
import NumericFormats
import WorkloadCatalog

// Programs that repeat one row of one engine.
extension CalibrationProgram {
  /// Fills the streams; false for words that mean nothing.
  mutating func rows(
    _ engine: Engine, _ words: [String], _ size: Int, _ quantity: CalibrationQuantity
  ) throws(RunnerError) -> Bool {
    if words[1] == "control" || words[1] == "branch" || words[1] == "load-word" {
      return control(engine, words, size)
    }
    if words[1] == "trigger" { return trigger(engine, words, size, quantity) }
    guard let operation = operation(words, size) else { return false }
    opcode = operation.opcode
    if quantity == .behind {
      guard let first = self.operation(words, 512) else { return false }
      add(engine, first)
      add(engine, operation)
      return true
    }
    let isChain = quantity == .dependent || quantity == .dependentInterval
    for index in 0..<Self.repetitions(quantity) {
      add(
        engine, operation,
        wait: isChain && index > 0 ? SemaphoreWait(0, .atLeast, UInt32(index)) : .none,
        update: isChain ? SemaphoreUpdate(0) : .none)
    }
    return true
  }

  private static func repetitions(_ quantity: CalibrationQuantity) -> Int {
    switch quantity {
    case .first: 1
    case .dispatchAfterCold: 2
    case .dependentInterval: 4
    case .last, .interval: 12
    default: 4
    }
  }

  private func operation(_ words: [String], _ size: Int) -> Operation? {
    func wide(_ word: String, _ columns: Int, at place: Int) -> AccessPattern? {
      Self.operand("\(word):fp32", columns, at: place)
    }
    let column = AccessPattern(.sbuf, .float32, byteOffset: Place.column, columns: 1)
    let result = AccessPattern(.sbuf, .float32, byteOffset: Place.destination, columns: size)
    switch words[1] {
    case "copy":
      guard words.count == 4, let from = Self.operand(words[2], size, at: Place.source),
        let to = Self.operand(words[3], size, at: Place.destination)
      else { return nil }
      return .copy(Copy(to, from: from))
    case "table-load": return .tableLoad(ActivationTableLoad())
    case "reciprocal":
      return wide("sbuf", size, at: Place.source).map { .reciprocal(Reciprocal(result, $0)) }
    default: break
    }
    guard words.count == 3, let from = wide(words[2], size, at: Place.source) else { return nil }
    switch words[1] {
    case "exp": return .activate(Activate(result, .exp, from, bias: .pointer(column)))
    case "activation": return .activate(Activate(result, .identity, from))
    case "reduce":
      let one = AccessPattern(.sbuf, .float32, byteOffset: Place.destination, columns: 1)
      return .tensorReduce(TensorReduce(one, from, .max))
    case "scale": return .tensorScalar(TensorScalar(result, from, .multiply, .pointer(column)))
    case "scale-constant":
      return .tensorScalar(TensorScalar(result, from, .multiply, .immediate(1.5)))
    default: return nil
    }
  }

  private mutating func control(_ engine: Engine, _ words: [String], _ size: Int) -> Bool {
    // A DRAIN shows its own time only on an engine that has been idle.
    for _ in 0..<32 { add(engine, .control(ControlInstruction(.nop))) }
    switch words[1] {
    case "branch":
      opcode = .compareBranch
      let next = streams[Int(engine.rawValue)].count + 1
      add(engine, .register(.branch(0, .notEqual, .immediate(0), to: next)))
    case "load-word":
      opcode = .tensorLoad
      tensorBytes = 64
      let word = TensorAccess(
        tensor: 0, .int32, byteOffset: 0, rows: 1, columns: 1, rowStride: 1)
      add(engine, .tensorLoad(TensorLoad(1, from: word)))
    default:
      let kinds: [String: Opcode] = [
        "drain": .drain, "notify": .notify, "nop": .nop, "set_ordering_mode": .setOrderingMode,
      ]
      guard words.count == 3 else { return false }
      if words[2] == "event_semaphore_range_clear" {
        opcode = .eventSemaphoreRangeClear
        add(engine, .control(ControlInstruction(clear: 0, count: size)))
        return true
      }
      guard let kind = kinds[words[2]] else { return false }
      opcode = kind
      add(engine, .control(ControlInstruction(kind)))
    }
    return true
  }

  private mutating func trigger(
    _ engine: Engine, _ words: [String], _ bytes: Int, _ quantity: CalibrationQuantity
  ) -> Bool {
    guard words.count == 3, let transfer = transfer(words[2], partitions: 128, bytes: bytes) else {
      return false
    }
    opcode = .dmaDirect
    let isChain = quantity == .dependent
    for index in 0..<(quantity == .first ? 1 : 3) {
      add(
        engine, transfer,
        wait: isChain && index > 0 ? SemaphoreWait(0, .atLeast, UInt32(16 * index)) : .none,
        update: SemaphoreUpdate(0, .add, 16))
    }
    return true
  }
}
