/// fori_loop and while_loop: a body that runs as often as registers say.
///
/// Branch targets count from the beginning of the engine's stream, so that an expansion is told
/// where it begins.
/// Source: NKI instruction reference (loops over registers), profiler captures (COMPARE_BRANCH).
public struct NkiLoop: Hashable, Sendable {
  /// The register that decides: the counter of a counted loop.
  public var register: Int
  /// Goes on while the register compares so with `limit`.
  public var comparison: RegisterComparison
  /// What the register is compared with before each turn.
  public var limit: RegisterOperand
  /// A counted loop's first value and what each turn adds; nil for a loop whose body decides.
  private var start: RegisterOperand?
  private var step: Int32

  /// fori_loop: `register` from `start` up to, and not including, `end`.
  public init(
    counting register: Int, from start: RegisterOperand, to end: RegisterOperand,
    step: Int = 1
  ) {
    self.register = register
    comparison = step < 0 ? .greater : .less
    limit = end
    self.start = start
    self.step = Int32(step)
  }

  /// while_loop: turns as long as the register compares so; the body changes it.
  public init(while register: Int, _ comparison: RegisterComparison, _ limit: RegisterOperand) {
    self.register = register
    self.comparison = comparison
    self.limit = limit
    start = nil
    step = 0
  }

  /// Appends the loop to an engine's stream. `body` is given the stream and appends its own
  /// instructions, whose branch targets may use the stream's count.
  public func expand(
    into stream: inout [Operation], body: (inout [Operation]) -> Void
  ) {
    if let start { stream.append(.register(.move(register, from: start))) }
    let head = stream.count
    stream.append(.register(.branch(register, comparison.opposite, limit, to: head)))
    body(&stream)
    if start != nil {
      stream.append(.register(.arithmetic(register, register, .add, .immediate(step))))
    }
    stream.append(.register(.branch(to: head)))
    // Only now is it known where the loop ends.
    stream[head] = .register(.branch(register, comparison.opposite, limit, to: stream.count))
  }
}

extension RegisterComparison {
  /// The comparison that holds exactly when this one does not; `always` has none and stays.
  var opposite: RegisterComparison {
    switch self {
    case .always: .always
    case .equal: .notEqual
    case .notEqual: .equal
    case .less: .greaterEqual
    case .lessEqual: .greater
    case .greater: .lessEqual
    case .greaterEqual: .less
    }
  }
}

/// register_alloc: hands out the registers of one sequencer.
public struct RegisterPool: Hashable, Sendable {
  private var free: [Int]

  /// All registers of a sequencer that has `count`.
  public init(count: Int) { free = Array((0..<count).reversed()) }

  /// The lowest register that nobody has, or nil when all are taken.
  public mutating func allocate() -> Int? { free.popLast() }

  /// Gives a register back.
  public mutating func release(_ register: Int) {
    let place = free.firstIndex { $0 < register } ?? free.count
    free.insert(register, at: place)
  }
}
