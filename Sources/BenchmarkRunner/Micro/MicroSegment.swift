import CoreState
package import Hardware
package import InstructionSet
import NumericFormats
package import WorkloadCatalog

/// The instruction streams of one micro-program: the instruction repeated, with nothing around it.
package struct MicroSegment {
  /// What runs.
  package var segment: Segment
  /// The engine whose rows are measured; nil measures transfers.
  var engine: Engine?
  /// The opcode whose rows are measured.
  var opcode: Opcode
  /// Rows of that opcode per repetition.
  var rowsPerRepetition: Int
  /// HBM that the program uses.
  var tensorBytes: Int

  private var streams: [[Instruction]] = Array(repeating: [], count: Engine.allCases.count)

  /// The streams of a program for a device.
  package init(_ program: MicroProgram, device: Device) {
    segment = Segment(name: "", streams: streams)
    engine = .vector
    opcode = .nop
    rowsPerRepetition = 1
    tensorBytes = 0
    for index in 0..<program.repeatCount { append(program, index) }
    segment = Segment(
      name: program.label, streams: streams,
      tensors: tensorBytes > 0 ? [TensorParameter(name: "memory", sizeBytes: tensorBytes)] : [],
      sites: [Site(kernel: program.label)])
  }

  private func moves(_ move: MicroMove) -> (to: AccessPattern, from: AccessPattern) {
    (
      MicroOperands.destination(move.destination, move.columns),
      MicroOperands.source(move.source, move.columns)
    )
  }

  // MARK: Instructions

  /// Appends one repetition. In a dependent chain it waits for the one before by the engine's own
  /// semaphore, as compiled programs do.
  private mutating func append(_ program: MicroProgram, _ index: Int) {
    switch program.instruction {
    case .handoff(let from, let to): handOff(from, to, index)
    case .dma(let direction, let bytes, let partitions, let queue):
      transfer(direction, bytes, partitions, queue, index, program.chain)
    case .matrixProduct, .transpose: product(program.instruction, index, program.chain)
    default:
      let (queue, operation) = single(program.instruction)
      add(queue, operation, index, program.chain)
    }
  }

  private mutating func add(
    _ queue: Engine, _ operation: Operation, _ index: Int, _ chain: MicroChain
  ) {
    engine = queue
    opcode = operation.opcode
    let isDependent = chain == .dependent
    streams[Int(queue.rawValue)].append(
      Instruction(
        operation,
        wait: isDependent && index > 0 ? SemaphoreWait(0, .atLeast, UInt32(index)) : .none,
        update: isDependent ? SemaphoreUpdate(0) : .none))
  }

  /// The engine and the machine instruction of a program that repeats a single one.
  private func single(_ instruction: MicroInstruction) -> (Engine, Operation) {
    switch instruction {
    case .tensorCopy(let move, let engine):
      let (to, from) = moves(move)
      return (Engine(engine), .copy(Copy(to, from: from)))
    case .tensorTensor(let arithmetic, let move, let second):
      let (to, from) = moves(move)
      let other = MicroOperands.second(second, move.columns)
      return (.vector, .tensorTensor(TensorTensor(to, from, other, ALUOperation(arithmetic))))
    case .tensorScalar(let arithmetic, let move):
      let (to, from) = moves(move)
      return (
        .vector,
        .tensorScalar(TensorScalar(to, from, ALUOperation(arithmetic), .immediate(1.5)))
      )
    case .tensorReduce(let arithmetic, let move):
      let from = MicroOperands.source(move.source, move.columns)
      let to = MicroOperands.destination(move.destination, 1)
      return (.vector, .tensorReduce(TensorReduce(to, from, ALUOperation(arithmetic))))
    case .reciprocal(let move):
      let (to, from) = moves(move)
      return (.vector, .reciprocal(Reciprocal(to, from)))
    case .activation(let function, let move, let accumulates):
      let (to, from) = moves(move)
      return (
        .scalar,
        .activate(
          Activate(
            to, ActivationFunction(function), from,
            bias: .pointer(MicroOperands.column),
            accumulate: accumulates ? .resetReduce : .idle))
      )
    default: return search(instruction)
    }
  }

  private func search(_ instruction: MicroInstruction) -> (Engine, Operation) {
    switch instruction {
    case .scan(let columns, let seed):
      let initial: ScalarOperand =
        seed == .tensor ? .pointer(MicroOperands.column) : .immediate(0)
      return (
        .vector,
        .scan(
          TensorTensorScan(
            MicroOperands.destination(columns), MicroOperands.source(columns),
            MicroOperands.second(columns), initial: initial, .multiply, .add))
      )
    case .memset(let target, let columns, let engine):
      return (
        Engine(engine), .memset(Memset(MicroOperands.destination(target, columns), 1))
      )
    case .iota(let columns):
      let target = MicroOperands.destination(columns, .int32)
      return (
        .gpsimd, .iota(Iota(target, start: 0, channelMultiplier: 1, steps: SIMD4(1, 0, 0, 0)))
      )
    case .affineSelect(let columns):
      return (
        .gpsimd,
        .affineSelect(
          AffineSelect(
            MicroOperands.destination(columns), MicroOperands.source(columns),
            comparison: .greaterEqual, start: 0, channelMultiplier: 1,
            steps: SIMD4(-1, 0, 0, 0), onFalse: 0))
      )
    case .max8(let columns):
      return (
        .vector, .max8(Max8(MicroOperands.destination(8), MicroOperands.source(columns)))
      )
    default:
      guard case .batchStatistics(let columns) = instruction else {
        preconditionFailure("every other instruction has a case of its own")
      }
      return (
        .vector,
        .batchNormStatistics(
          BatchNormStatistics(MicroOperands.destination(6), MicroOperands.source(columns)))
      )
    }
  }
}

// MARK: Programs of several instructions

extension MicroSegment {
  private mutating func product(
    _ instruction: MicroInstruction, _ index: Int, _ chain: MicroChain
  ) {
    engine = .tensor
    opcode = .matmul
    let operations = tensorOperations(instruction, index)
    rowsPerRepetition = operations.count { $0.opcode == .matmul }
    for (position, operation) in operations.enumerated() {
      let isDependent = chain == .dependent
      streams[0].append(
        Instruction(
          operation,
          wait: isDependent && position == 0 && index > 0
            ? SemaphoreWait(0, .atLeast, UInt32(index)) : .none,
          update: isDependent && position == operations.count - 1 ? SemaphoreUpdate(0) : .none))
    }
  }

  private func tensorOperations(_ instruction: MicroInstruction, _ index: Int) -> [Operation] {
    if case .transpose(let format, let columns) = instruction {
      let data = MicroOperands.source(columns, format)
      let identity = MicroOperands.second(MicroOperands.partitions, format)
      let target = MicroOperands.transposed(format, columns)
      return [
        .loadWeights(LoadWeights(data, isTranspose: true)),
        .matmul(
          Matmul(target, identity, columns: columns, accumulate: false, isTranspose: true)),
      ]
    }
    guard
      case .matrixProduct(
        let format, let depth, let rows, let columns, let isDoubleRow, let reloads) = instruction
    else { return [] }
    let stationary = MicroOperands.stationary(format, depth, rows, isDoubleRow)
    let moving = MicroOperands.moving(format, depth, columns, isDoubleRow)
    let target = MicroOperands.product(rows, columns)
    let parts: [WeightPart] = format == .float32 ? [.low, .high] : [.whole]
    return parts.enumerated().flatMap { pass, part in
      var matmul = Matmul(target, moving, columns: rows, accumulate: pass > 0)
      matmul.isDoubleRow = isDoubleRow
      var weights = LoadWeights(stationary, part: part)
      weights.isDoubleRow = isDoubleRow
      let product = Operation.matmul(matmul)
      let load = Operation.loadWeights(weights)
      return reloads || index == 0 || parts.count > 1 ? [load, product] : [product]
    }
  }

  private mutating func transfer(
    _ direction: MicroDirection, _ bytes: Int, _ partitions: Int, _ queue: MicroQueue,
    _ index: Int, _ chain: MicroChain
  ) {
    let tile = MicroOperands.transferred(bytes, partitions)
    let columns = tile.columns
    let chip = DataLocation.onChip(tile)
    tensorBytes = partitions * columns * 4
    let memory = DataLocation.hbm(
      TensorAccess(
        tensor: 0, .float32, byteOffset: 0, rows: partitions, columns: columns,
        rowStride: columns))
    let operation = Operation.dma(
      direction == .load ? DMADirect(chip, from: memory) : DMADirect(memory, from: chip))
    let queueEngine = queue == .hardware ? Engine.sync : .gpsimd
    let engines = UInt32((partitions + 7) / 8)
    let isDependent = chain == .dependent
    streams[Int(queueEngine.rawValue)].append(
      Instruction(
        operation,
        wait: isDependent && index > 0
          ? SemaphoreWait(0, .atLeast, UInt32(index) * engines) : .none,
        update: SemaphoreUpdate(0, .add, engines)))
    engine = nil
    opcode = .dmaDirect
  }

  /// One engine signals, the other waits and signals back.
  private mutating func handOff(_ from: MicroEngine, _ to: MicroEngine, _ index: Int) {
    let (first, second) = (Engine(from), Engine(to))
    let row = Operation.control(ControlInstruction(.eventSemaphore))
    streams[Int(first.rawValue)].append(
      Instruction(
        row, wait: index > 0 ? SemaphoreWait(1, .atLeast, UInt32(index)) : .none,
        update: SemaphoreUpdate(0)))
    streams[Int(second.rawValue)].append(
      Instruction(
        row, wait: SemaphoreWait(0, .atLeast, UInt32(index + 1)), update: SemaphoreUpdate(1)))
    engine = first
    opcode = .eventSemaphore
  }
}

extension Engine {
  /// The engine that a workload file names.
  init(_ engine: MicroEngine) {
    self = Engine(name: engine.rawValue)!
  }
}

extension ALUOperation {
  /// The arithmetic that a workload file names.
  init(_ arithmetic: MicroArithmetic) {
    self =
      switch arithmetic {
      case .add: .add
      case .subtract: .subtract
      case .multiply: .multiply
      case .max: .max
      case .min: .min
      }
  }
}

extension ActivationFunction {
  /// The function that a workload file names.
  init(_ function: MicroFunction) {
    self =
      switch function {
      case .copy: .identity
      case .exp: .exp
      case .sigmoid: .sigmoid
      case .silu: .silu
      case .rsqrt: .rsqrt
      case .square: .square
      case .relu: .relu
      }
  }
}
