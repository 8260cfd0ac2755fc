public import CoreState
public import Hardware
import Units

/// What a sequencer computes on its registers: 32-bit, wrapping around.
public enum RegisterArithmetic: UInt8, OperandChoice, BitwiseCopyable {
  case add, subtract, multiply, and, or, shiftLeft, shiftRight, xor, min, max

  public var text: String {
    switch self {
    case .add: "add"
    case .subtract: "sub"
    case .multiply: "mul"
    case .and: "and"
    case .or: "or"
    case .shiftLeft: "shl"
    case .shiftRight: "shr"
    case .xor: "xor"
    case .min: "min"
    case .max: "max"
    }
  }

  /// The result; smaller and larger compare signed numbers; shifts of 32 and more give zero, and
  /// the right shift brings in zeros.
  func apply(_ a: Int32, _ b: Int32) -> Int32 {
    switch self {
    case .add: a &+ b
    case .subtract: a &- b
    case .multiply: a &* b
    case .and: a & b
    case .or: a | b
    case .xor: a ^ b
    case .min: Swift.min(a, b)
    case .max: Swift.max(a, b)
    case .shiftLeft: (0..<32).contains(b) ? a &<< b : 0
    case .shiftRight:
      (0..<32).contains(b) ? Int32(bitPattern: UInt32(bitPattern: a) &>> UInt32(b)) : 0
    }
  }
}

/// When a branch is taken: how its two sides compare as signed numbers.
public enum RegisterComparison: UInt8, OperandChoice, BitwiseCopyable {
  case always, equal, notEqual, less, lessEqual, greater, greaterEqual

  public var text: String {
    switch self {
    case .always: "always"
    case .equal: "eq"
    case .notEqual: "ne"
    case .less: "lt"
    case .lessEqual: "le"
    case .greater: "gt"
    case .greaterEqual: "ge"
    }
  }

  func holds(_ a: Int32, _ b: Int32) -> Bool {
    switch self {
    case .always: true
    case .equal: a == b
    case .notEqual: a != b
    case .less: a < b
    case .lessEqual: a <= b
    case .greater: a > b
    case .greaterEqual: a >= b
    }
  }
}

/// MOVE, REGISTER_ALU and COMPARE_BRANCH: the sequencer's own arithmetic and loops, on 64 registers
/// of 32 bits.
///
/// Source: NKI instruction reference (64 registers per sequencer), profiler captures (branches),
/// third-party micro-benchmarks (an immediate move).
public struct RegisterInstruction: MachineInstruction {
  /// MOVE, REGISTER_ALU or COMPARE_BRANCH.
  public var opcode = Opcode.registerMove
  /// The register that MOVE and REGISTER_ALU set.
  public var destination: UInt8 = 0
  /// The left side of arithmetic and comparison.
  public var left: UInt8 = 0
  /// REGISTER_ALU: what is computed.
  public var arithmetic = RegisterArithmetic.add
  /// COMPARE_BRANCH: when it is taken.
  public var comparison = RegisterComparison.always
  /// The right side, or what MOVE copies.
  public var right = RegisterOperand.immediate(0)
  /// COMPARE_BRANCH: the instruction that follows when it is taken, as an index within the queue;
  /// the queue's length leaves the segment.
  public var target: Int32 = 0

  public init() {}

  /// Any of the three with its default operands.
  init(_ opcode: Opcode) { self.opcode = opcode }

  /// Sets a register to a number or to another register's value.
  public static func move(_ destination: Int, from source: RegisterOperand) -> Self {
    var result = Self(.registerMove)
    result.destination = UInt8(destination)
    result.right = source
    return result
  }

  /// Sets a register to `left` operation `right`.
  public static func arithmetic(
    _ destination: Int, _ left: Int, _ operation: RegisterArithmetic, _ right: RegisterOperand
  ) -> Self {
    var result = Self(.registerArithmetic)
    result.destination = UInt8(destination)
    result.left = UInt8(left)
    result.arithmetic = operation
    result.right = right
    return result
  }

  /// Goes on at `target` of the engine's own queue when `left` compares true with `right`.
  public static func branch(
    _ left: Int = 0, _ comparison: RegisterComparison = .always,
    _ right: RegisterOperand = .immediate(0), to target: Int
  ) -> Self {
    var result = Self(.compareBranch)
    result.left = UInt8(left)
    result.comparison = comparison
    result.right = right
    result.target = Int32(target)
    return result
  }

  public mutating func operands<V: OperandVisitor>(_ visitor: inout V) throws(V.Failure) {
    switch opcode {
    case .compareBranch:
      try visitor.register("ra", &left)
      try visitor.choice("if", &comparison)
      try visitor.registerOrInteger("rb", &right)
      try visitor.integer("target", &target)
    case .registerArithmetic:
      try visitor.register("rd", &destination)
      try visitor.register("ra", &left)
      try visitor.choice("op", &arithmetic)
      try visitor.registerOrInteger("rb", &right)
    default:
      try visitor.register("rd", &destination)
      try visitor.registerOrInteger("rb", &right)
    }
  }

  public func validate(_ rules: OperandRules) throws(Fault) {
    guard opcode == .compareBranch else { return }
    guard target >= 0, Int(target) <= rules.queueLength else {
      throw rules.fault(
        "target", .branchTarget(found: Int(target), limit: rules.queueLength))
    }
  }

  /// A branch changes no data; the engine asks `isTaken`.
  public func execute(on core: inout CoreState, engine: Engine) {
    let value = right.value(core, engine: engine)
    guard isKnown(on: core, engine: engine) || opcode == .compareBranch else {
      core.forgetRegister(destination, of: engine)
      return
    }
    switch opcode {
    case .registerMove: core.setRegister(destination, of: engine, to: value)
    case .registerArithmetic:
      let result = arithmetic.apply(core.register(left, of: engine), value)
      core.setRegister(destination, of: engine, to: result)
    default: break
    }
  }

  /// False where the result depends on a register whose value timing mode does not know.
  public func isKnown(on core: borrowing CoreState, engine: Engine) -> Bool {
    if case .register(let index) = right, !core.knowsRegister(index, of: engine) { return false }
    let usesLeft =
      opcode == .registerArithmetic || opcode == .compareBranch && comparison != .always
    return !usesLeft || core.knowsRegister(left, of: engine)
  }

  /// Whether a branch is taken with the registers as they are.
  public func isTaken(on core: borrowing CoreState, engine: Engine) -> Bool {
    opcode == .compareBranch
      && comparison.holds(core.register(left, of: engine), right.value(core, engine: engine))
  }

  public func cost(on device: Device, engine: Engine) -> Cost {
    let law = device.sequencer
    let duration =
      opcode != .compareBranch
      ? law.registerMove.value
      : comparison == .always ? law.branchUnconditional.value : law.branchConditional.value
    return .control(duration, next: duration)
  }
}
