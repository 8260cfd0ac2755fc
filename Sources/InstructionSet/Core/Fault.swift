public import Hardware

/// Why a program cannot be loaded or went wrong while it ran.
public struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
  /// The rule that was broken, with what was found and what is allowed.
  public enum Rule: Hashable, Sendable {
    case engine(allowed: [String])
    case partitionStart(start: Int, count: Int)
    case partitionCount(found: Int, limit: Int)
    case outOfBounds(found: Int, limit: Int)
    case tooManyElements(found: Int, limit: Int)
    case dimensionCount(found: Int, limit: Int)
    case space(found: String, allowed: String)
    case format(found: String, allowed: String)
    case elementCountMismatch(found: Int, expected: Int)
    case partitionMismatch(found: Int, expected: Int)
    case bothInPSUM
    case value(found: String, allowed: String)
    case register(found: Int, limit: Int)
    case semaphoreValue(found: Int, expected: Int)
    case branchTarget(found: Int, limit: Int)
    case unboundTensor(index: Int, count: Int)
    case generation(found: String, needs: String)
    case surroundings(needs: String)
  }

  /// The instruction's place in the segment, or nil while it stands alone.
  public var index: Int?
  /// The engine whose queue holds it.
  public var engine: Engine?
  /// The opcode's name.
  public var instruction: String
  /// The operand's name in assembly text.
  public var operand: String
  /// The rule that was broken.
  public var rule: Rule

  /// A fault of one operand of one instruction.
  public init(
    _ instruction: String, operand: String, _ rule: Rule, index: Int? = nil, engine: Engine? = nil
  ) {
    self.instruction = instruction
    self.operand = operand
    self.rule = rule
    self.index = index
    self.engine = engine
  }

  /// One line: where, which operand, which rule, what was found and what is allowed.
  public var description: String {
    let place = index.map { "instruction \($0) " } ?? ""
    let queue = engine.map { " on the \($0.name) engine" } ?? ""
    return "\(place)(\(instruction)\(queue)): operand \(operand): \(explanation)"
  }

  private var explanation: String {
    switch rule {
    case .engine(let allowed):
      "the opcode runs on \(allowed.joined(separator: ", ")) only; move it to one of these queues"
    case .partitionStart(let start, let count):
      "\(count) partitions may not start at partition \(start); more than 64 start at 0, "
        + "33 to 64 at 0 or 64, up to 32 at 0, 32, 64 or 96"
    case .partitionCount(let found, let limit): "\(found) partitions; 1 to \(limit) are allowed"
    case .outOfBounds(let found, let limit):
      "reaches byte \(found); the memory ends at byte \(limit)"
    case .tooManyElements(let found, let limit):
      "\(found) elements per partition; at most \(limit) are allowed"
    case .dimensionCount(let found, let limit):
      "\(found) free dimensions; 1 to \(limit) are allowed"
    case .space(let found, let allowed): "lies in \(found); must lie in \(allowed)"
    case .format(let found, let allowed): "has format \(found); allowed: \(allowed)"
    case .elementCountMismatch(let found, let expected):
      "names \(found) elements per partition; the instruction needs \(expected)"
    case .partitionMismatch(let found, let expected):
      "names \(found) partitions; the instruction needs \(expected)"
    case .bothInPSUM: "both inputs lie in PSUM; at least one must lie in SBUF"
    case .value(let found, let allowed): "is \(found); allowed: \(allowed)"
    case .register(let found, let limit):
      "register \(found) does not exist; registers are 0 to \(limit - 1)"
    case .semaphoreValue(let found, let expected):
      "adds \(found); a transfer over \(expected) DMA engines adds exactly \(expected)"
    case .branchTarget(let found, let limit):
      "jumps to instruction \(found) of its queue, which has \(limit)"
    case .unboundTensor(let index, let count):
      "names tensor \(index); the segment declares \(count)"
    case .generation(let found, let needs):
      "does not exist on \(found); \(needs) and later have it"
    case .surroundings(let needs):
      "needs \(needs); this core runs by itself"
    }
  }
}
