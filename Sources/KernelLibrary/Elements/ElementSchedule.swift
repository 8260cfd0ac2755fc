import InstructionSet

/// The instructions of an element chain: steps that one instruction can do together are one.
struct ElementSchedule: Hashable {
  /// One instruction; its result is a register named by the step that it completes.
  enum Instruction: Hashable {
    case function(ActivationFunction, ElementChain.Value, scale: Float)
    /// (source op0 scalar0) op1 scalar1; a scalar is a constant or one value per partition.
    case scalars(ElementChain.Value, ScalarStep, ScalarStep?)
    /// (source op0 scalar) op1 other.
    case scalarTensor(ElementChain.Value, ScalarStep, ALUOperation, ElementChain.Value, Bool)
    case tensors(ALUOperation, ElementChain.Value, ElementChain.Value)
    case select(ElementChain.Value, ElementChain.Value, ElementChain.Value)
    case wholeNumber(ElementChain.Value)

    /// What it reads.
    var operands: [ElementChain.Value] {
      switch self {
      case .function(_, let a, _), .wholeNumber(let a): [a]
      case .scalars(let a, let first, let second):
        [a, first.scalar] + (second.map { [$0.scalar] } ?? [])
      case .scalarTensor(let a, let first, _, let other, _): [a, first.scalar, other]
      case .tensors(_, let a, let b): [a, b]
      case .select(let a, let b, let c): [a, b, c]
      }
    }
  }

  /// An operation with a scalar; reversed, the scalar is on the left.
  struct ScalarStep: Hashable {
    var operation: ALUOperation
    var scalar: ElementChain.Value
    var isReversed: Bool
  }

  /// Instructions in order, each with the step whose result it makes.
  private(set) var instructions: [(step: Int, instruction: Instruction)] = []
  /// Steps whose result goes to an output tensor and nowhere else.
  let directSteps: Set<Int>
  /// The register of each step that has one.
  private(set) var registers: [Int: Int] = [:]
  /// Registers in all.
  private(set) var registerCount = 0

  private let chain: ElementChain
  private let isColumn: [Bool]

  static func == (a: ElementSchedule, b: ElementSchedule) -> Bool {
    a.chain == b.chain && a.isColumn == b.isColumn
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(chain)
    hasher.combine(isColumn)
  }

  /// - Parameter isColumn: for each input, true when it is one value per partition.
  init(_ chain: ElementChain, isColumn: [Bool]) {
    self.chain = chain
    self.isColumn = isColumn
    let uses = chain.useCounts
    directSteps = Set(
      chain.outputs.compactMap { value in
        if case .step(let index) = value, uses[index] == 1 { index } else { nil }
      })
    combine()
    allocate()
  }

  /// A value that an instruction takes as a scalar.
  func isScalar(_ value: ElementChain.Value) -> Bool {
    switch value {
    case .constant: true
    case .input(let index): isColumn[index]
    case .step: false
    }
  }

  /// Joins steps with scalar operands to the step that alone reads them.
  private mutating func combine() {
    let uses = chain.useCounts
    let outputs = Set(chain.outputs)
    var pending: [Int: (ElementChain.Value, ScalarStep)] = [:]
    for (index, step) in chain.steps.enumerated() {
      guard case .arithmetic(let operation, let a, let b) = step, operation != .power else {
        flush(step.operands, &pending)
        instructions.append((index, plain(step)))
        continue
      }
      if let (source, scalar) = scalarStep(operation, a, b) {
        if case .step(let earlier) = source,
          let (first, own) = pending.removeValue(forKey: earlier)
        {
          instructions.append((index, .scalars(first, own, scalar)))
        } else if uses[index] == 1, !outputs.contains(.step(index)) {
          pending[index] = (source, scalar)
        } else {
          instructions.append((index, .scalars(source, scalar, nil)))
        }
        continue
      }
      instructions.append((index, joined(operation, a, b, &pending)))
    }
    flush(pending.keys.sorted().map { .step($0) }, &pending)
  }

  /// A row with a scalar beside it, if one side is a scalar and the other is not.
  private func scalarStep(
    _ operation: ALUOperation, _ a: ElementChain.Value, _ b: ElementChain.Value
  ) -> (ElementChain.Value, ScalarStep)? {
    if isScalar(b), !isScalar(a) {
      return (a, ScalarStep(operation: operation, scalar: b, isReversed: false))
    }
    if isScalar(a), !isScalar(b) {
      return (b, ScalarStep(operation: operation, scalar: a, isReversed: true))
    }
    return nil
  }

  /// An operation on two rows, with a pending scalar step of one of them.
  private mutating func joined(
    _ operation: ALUOperation, _ a: ElementChain.Value, _ b: ElementChain.Value,
    _ pending: inout [Int: (ElementChain.Value, ScalarStep)]
  ) -> Instruction {
    if case .step(let earlier) = a, let (source, scalar) = pending.removeValue(forKey: earlier) {
      flush([b], &pending)
      return .scalarTensor(source, scalar, operation, b, false)
    }
    if case .step(let earlier) = b, let (source, scalar) = pending.removeValue(forKey: earlier) {
      return .scalarTensor(source, scalar, operation, a, true)
    }
    return .tensors(operation, a, b)
  }

  /// Emits pending scalar steps that others than arithmetic read.
  private mutating func flush(
    _ values: [ElementChain.Value], _ pending: inout [Int: (ElementChain.Value, ScalarStep)]
  ) {
    for case .step(let index) in values {
      guard let (source, scalar) = pending.removeValue(forKey: index) else { continue }
      instructions.append((index, .scalars(source, scalar, nil)))
    }
  }

  private func plain(_ step: ElementChain.Step) -> Instruction {
    switch step {
    case .function(let function, let value, let scale): .function(function, value, scale: scale)
    case .arithmetic(let operation, let a, let b):
      if let (source, scalar) = scalarStep(operation, a, b) {
        .scalars(source, scalar, nil)
      } else {
        .tensors(operation, a, b)
      }
    case .select(let a, let b, let c): .select(a, b, c)
    case .wholeNumber(let value): .wholeNumber(value)
    }
  }

  /// Gives each result a register that no later instruction still reads.
  private mutating func allocate() {
    var lastUse: [Int: Int] = [:]
    for (position, entry) in instructions.enumerated() {
      for case .step(let index) in entry.instruction.operands { lastUse[index] = position }
    }
    for case .step(let index) in chain.outputs { lastUse[index] = instructions.count }
    var free: [Int] = []
    for (position, entry) in instructions.enumerated() {
      // Operands that end here may be overwritten by the result: engines read before they write.
      for index in Self.steps(entry.instruction.operands) where lastUse[index] == position {
        if let register = registers[index] { free.append(register) }
      }
      if directSteps.contains(entry.step) { continue }
      if let register = free.popLast() {
        registers[entry.step] = register
      } else {
        registers[entry.step] = registerCount
        registerCount += 1
      }
      if lastUse[entry.step] == nil, let register = registers[entry.step] { free.append(register) }
    }
  }

  /// The steps among some values, each once and in their order: which register is free next must
  /// not depend on how a set hashes.
  private static func steps(_ values: [ElementChain.Value]) -> [Int] {
    let steps = values.compactMap { value -> Int? in
      if case .step(let index) = value { index } else { nil }
    }
    return Set(steps).sorted()
  }
}
