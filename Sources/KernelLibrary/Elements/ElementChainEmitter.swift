import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Emits the tiles of one tiling of an element chain.
struct ElementChainEmitter {
  /// Buffers of each tensor.
  static let buffers = 3
  /// Sets of registers that tiles use in turn.
  static let registerSets = 2

  private let kernel: ElementChainKernel
  private let tiling: StridedTiling
  private let tensors: [TensorHandle]
  private let schedule: ElementSchedule
  private let onScalarEngine: Set<Int>
  private var inputPools: [TilePool] = []
  private var outputPools: [TilePool] = []
  private var registers: [TilePool] = []
  private var wholes: TilePool?
  private var constants: [Float: Tile] = [:]
  /// What each input's buffer in use holds.
  private var held: [(access: TensorAccess, buffer: Tile)?]
  private var copyTurn = 0

  init(
    _ kernel: ElementChainKernel, _ tiling: StridedTiling, _ tensors: [TensorHandle],
    _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.kernel = kernel
    self.tiling = tiling
    self.tensors = tensors
    held = kernel.inputs.map { _ in nil }
    let columns = tiling.columns
    let own = kernel.inputs.indices.map { input in
      tiling.freeAxes.reduce(1) {
        tiling.space.strides[input][$1] == 0 ? $0 : $0 * tiling.chunks[$1]
      }
    }
    // A scalar operand is a floating-point number; others are rows that repeat.
    let isColumn = kernel.inputs.indices.map {
      own[$0] == 1 && columns > 1 && !kernel.inputs[$0].format.isInteger
    }
    schedule = ElementSchedule(kernel.chain, isColumn: isColumn)
    onScalarEngine = Self.balanced(schedule)
    for (index, input) in kernel.inputs.enumerated() {
      inputPools.append(
        try builder.pool(
          "in\(index)", buffers: Self.buffers, own[index], format: input.format))
    }
    for (index, format) in kernel.outputs.enumerated() {
      outputPools.append(
        try builder.pool("out\(index)", buffers: Self.buffers, columns, format: format))
    }
    for index in 0..<schedule.registerCount {
      registers.append(
        try builder.pool("r\(index)", buffers: Self.registerSets, columns, format: .float32))
    }
    if schedule.instructions.contains(where: { Self.isWhole($0.instruction) }) {
      wholes = try builder.pool("whole", buffers: Self.registerSets, columns, format: .int32)
    }
    try makeConstants(&builder)
  }

  private static func isWhole(_ instruction: ElementSchedule.Instruction) -> Bool {
    if case .wholeNumber = instruction { true } else { false }
  }

  /// A column of each constant that some instruction needs as a row.
  private mutating func makeConstants(_ builder: inout KernelBuilder) throws(BuilderError) {
    var needed: [ElementChain.Value] = kernel.chain.outputs
    for entry in schedule.instructions {
      switch entry.instruction {
      case .function(_, let a, _), .wholeNumber(let a): needed.append(a)
      case .scalars(let a, _, _): needed.append(a)
      case .scalarTensor(let a, _, _, let other, _): needed += [a, other]
      case .tensors(_, let a, let b): needed += [a, b]
      case .select(let a, let b, let c): needed += [a, b, c]
      }
    }
    for case .constant(let value) in needed where constants[value] == nil {
      let tile = try builder.tile("constant \(value)", 1, format: .float32)
      builder.memset(tile, value)
      constants[value] = tile
    }
  }

  /// Multiplications by constants that the scalar engine takes so that both engines are as busy.
  private static func balanced(_ schedule: ElementSchedule) -> Set<Int> {
    var scalar = 0
    var movable: [Int] = []
    for (position, entry) in schedule.instructions.enumerated() {
      if case .function = entry.instruction { scalar += 1 }
      if case .scalars(_, let first, nil) = entry.instruction, first.operation == .multiply,
        case .constant = first.scalar
      {
        movable.append(position)
      }
    }
    let vector = schedule.instructions.count - scalar
    return Set(movable.prefix(max(0, (vector - scalar) / 2)))
  }

  mutating func emit(into builder: inout KernelBuilder) {
    let tiles = tiling.tiles
    var loaded: [[Tile]] = []
    for (index, tile) in tiles.enumerated() {
      // Loads run two tiles ahead, so that none stands behind a store.
      while loaded.count < min(tiles.count, index + Self.buffers) {
        loaded.append(load(tiles[loaded.count], &builder))
      }
      compute(tile, loaded[index], &builder)
      loaded[index] = []
    }
  }

  private mutating func load(_ tile: StridedTile, _ builder: inout KernelBuilder) -> [Tile] {
    kernel.inputs.indices.map { input in
      let access = tile.access(input, of: tensors[input])
      if let held = held[input], held.access == access {
        return held.buffer
      }
      let buffer = inputPools[input].next()
      builder.load(
        tile.filled(input, buffer), from: access, on: input % 2 == 0 ? .sync : .scalar)
      held[input] = (access, buffer)
      return buffer
    }
  }

  private mutating func compute(
    _ tile: StridedTile, _ inputs: [Tile], _ builder: inout KernelBuilder
  ) {
    let outputs = outputPools.indices.map { tile.flat(outputPools[$0].next()) }
    let registers = registers.indices.map { tile.flat(self.registers[$0].next()) }
    var scope = TileScope(
      tile: tile, inputs: inputs, registers: registers, outputs: outputs)
    for (position, entry) in schedule.instructions.enumerated() {
      let destination = destination(of: entry.step, scope)
      emit(entry.instruction, position, to: destination, &scope, &builder)
    }
    for (index, value) in kernel.chain.outputs.enumerated() {
      var isWritten = false
      if case .step(let step) = value { isWritten = schedule.directSteps.contains(step) }
      if !isWritten {
        copyTurn += 1
        builder.copy(
          outputs[index], row(value, scope), on: copyTurn % 2 == 0 ? .scalar : .vector)
      }
      let tensor = kernel.inputs.count + index
      builder.store(
        tile.access(tensor, of: tensors[tensor]), from: tile.filled(tensor, outputs[index]),
        on: index % 2 == 0 ? .scalar : .sync)
    }
  }

  /// One tile's buffers.
  private struct TileScope {
    var tile: StridedTile
    var inputs: [Tile]
    var registers: [Tile]
    var outputs: [Tile]
  }

  private func destination(of step: Int, _ scope: TileScope) -> Tile {
    if schedule.directSteps.contains(step),
      let output = kernel.chain.outputs.firstIndex(of: .step(step))
    {
      return scope.outputs[output]
    }
    return scope.registers[schedule.registers[step] ?? 0]
  }

  /// A value as a row of the tile's columns.
  private func row(_ value: ElementChain.Value, _ scope: TileScope) -> Tile {
    switch value {
    case .input(let index): scope.tile.view(index, scope.inputs[index])
    case .constant(let number): repeated(constants[number] ?? scope.outputs[0], scope.tile)
    case .step(let step): scope.registers[schedule.registers[step] ?? 0]
    }
  }

  private func repeated(_ column: Tile, _ tile: StridedTile) -> Tile {
    column.rows(0..<tile.partitions).viewed(sizes: [tile.columns], strides: [0])
  }

  private func scalar(_ value: ElementChain.Value, _ scope: TileScope) -> ScalarOperand {
    switch value {
    case .constant(let number): .immediate(number)
    case .input(let index):
      scope.inputs[index].rows(0..<scope.tile.partitions).columns(0..<1).pointer
    case .step: .immediate(0)
    }
  }

  private mutating func emit(
    _ instruction: ElementSchedule.Instruction, _ position: Int, to destination: Tile,
    _ scope: inout TileScope, _ builder: inout KernelBuilder
  ) {
    switch instruction {
    case .function(let function, let value, let scale):
      builder.activation(destination, function, row(value, scope), scale: .immediate(scale))
    case .scalars(let value, let first, nil) where onScalarEngine.contains(position):
      builder.activation(
        destination, .identity, row(value, scope), scale: scalar(first.scalar, scope))
    case .scalars(let value, let first, let second):
      builder.tensorScalar(
        destination, row(value, scope), first.operation, scalar(first.scalar, scope),
        reverse0: first.isReversed, second?.operation ?? .bypass,
        second.map { scalar($0.scalar, scope) } ?? .immediate(0),
        reverse1: second?.isReversed ?? false)
    case .scalarTensor(let value, let first, let operation, let other, let isReversed):
      builder.scalarTensorTensor(
        destination, row(value, scope), first.operation, scalar(first.scalar, scope), operation,
        row(other, scope), reverse0: first.isReversed, reverse1: isReversed)
    case .tensors(let operation, let a, let b):
      // Only GpSimd raises a row to the power of another.
      builder.tensorTensor(
        destination, row(a, scope), row(b, scope), operation,
        on: operation == .power ? .gpsimd : .vector)
    case .select(let condition, let yes, let no):
      builder.select(
        destination, predicate: row(condition, scope), onTrue: row(yes, scope),
        onFalse: row(no, scope))
    case .wholeNumber(let value):
      guard let whole = wholes?.next() else { return }
      builder.copy(scope.tile.flat(whole), row(value, scope))
      builder.copy(destination, scope.tile.flat(whole))
    }
  }
}
