import CoreState
package import Hardware
package import InstructionSet

extension KernelBuilder {
  /// tensor_copy: moves a tile, changing its format where they differ.
  package mutating func copy(
    _ destination: Tile, _ source: Tile, on engine: Engine = .vector,
    file: String = #fileID, line: UInt = #line
  ) {
    append(
      .copy(Copy(destination.access, from: source.access)), on: engine, site: site(file, line))
  }

  /// tensor_tensor: destination = a op b.
  package mutating func tensorTensor(
    _ destination: Tile, _ a: Tile, _ b: Tile, _ operation: ALUOperation,
    on engine: Engine = .vector, file: String = #fileID, line: UInt = #line
  ) {
    append(
      .tensorTensor(TensorTensor(destination.access, a.access, b.access, operation)), on: engine,
      site: site(file, line))
  }

  /// tensor_scalar: destination = (source op0 operand0) op1 operand1.
  package mutating func tensorScalar(
    _ destination: Tile, _ source: Tile, _ op0: ALUOperation, _ operand0: ScalarOperand,
    reverse0: Bool = false, _ op1: ALUOperation = .bypass,
    _ operand1: ScalarOperand = .immediate(0), reverse1: Bool = false,
    on engine: Engine = .vector, file: String = #fileID, line: UInt = #line
  ) {
    append(
      .tensorScalar(
        TensorScalar(
          destination.access, source.access, op0, operand0, reverse0: reverse0, op1, operand1,
          reverse1: reverse1)), on: engine, site: site(file, line))
  }

  /// scalar_tensor_tensor: destination = (source op0 operand0) op1 other.
  package mutating func scalarTensorTensor(
    _ destination: Tile, _ source: Tile, _ op0: ALUOperation, _ operand0: ScalarOperand,
    _ op1: ALUOperation, _ other: Tile, reverse0: Bool = false, reverse1: Bool = false,
    file: String = #fileID, line: UInt = #line
  ) {
    append(
      .scalarTensorTensor(
        ScalarTensorTensor(
          destination.access, source.access, op0, operand0, op1, other.access, reverse0: reverse0,
          reverse1: reverse1)), on: .vector, site: site(file, line))
  }

  /// tensor_reduce: reduces runs of the source so that the destination's columns remain.
  package mutating func tensorReduce(
    _ destination: Tile, _ source: Tile, _ operation: ALUOperation, negate: Bool = false,
    file: String = #fileID, line: UInt = #line
  ) {
    append(
      .tensorReduce(TensorReduce(destination.access, source.access, operation, negate: negate)),
      on: .vector, site: site(file, line))
  }

  /// tensor_tensor_scan: destination[i] = (a[i] op0 destination[i − 1]) op1 b[i], `initial` being
  /// before the first.
  package mutating func scan(
    _ destination: Tile, _ a: Tile, _ op0: ALUOperation, _ op1: ALUOperation, _ b: Tile,
    initial: ScalarOperand = .immediate(0), file: String = #fileID, line: UInt = #line
  ) {
    append(
      .scan(
        TensorTensorScan(
          destination.access, a.access, b.access, initial: initial, op0, op1)), on: .vector,
      site: site(file, line))
  }

  /// reciprocal: destination = 1 / source.
  package mutating func reciprocal(
    _ destination: Tile, _ source: Tile, file: String = #fileID, line: UInt = #line
  ) {
    append(
      .reciprocal(Reciprocal(destination.access, source.access)), on: .vector,
      site: site(file, line))
  }

  /// select: onTrue where the predicate is not zero, else onFalse.
  package mutating func select(
    _ destination: Tile, predicate: Tile, onTrue: Tile, onFalse: Tile,
    file: String = #fileID, line: UInt = #line
  ) {
    append(
      .select(
        Select(
          destination.access, predicate: predicate.access, onTrue: onTrue.access,
          onFalse: onFalse.access)), on: .vector, site: site(file, line))
  }

  /// memset: every element becomes `value`.
  package mutating func memset(
    _ destination: Tile, _ value: Float, on engine: Engine = .vector,
    file: String = #fileID, line: UInt = #line
  ) {
    append(.memset(Memset(destination.access, value)), on: engine, site: site(file, line))
  }

  /// bn_stats: six numbers per partition of up to 512 elements.
  package mutating func batchNormStatistics(
    _ destination: Tile, _ source: Tile, file: String = #fileID, line: UInt = #line
  ) {
    append(
      .batchNormStatistics(BatchNormStatistics(destination.access, source.access)), on: .vector,
      site: site(file, line))
  }

  /// bn_aggr: mean and variance from the numbers of bn_stats.
  package mutating func batchNormAggregate(
    _ destination: Tile, _ source: Tile, file: String = #fileID, line: UInt = #line
  ) {
    append(
      .batchNormAggregate(BatchNormAggregate(destination.access, source.access)), on: .vector,
      site: site(file, line))
  }

  /// iota: start + channelMultiplier · partition + Σ steps · index.
  package mutating func iota(
    _ destination: Tile, start: Int = 0, channelMultiplier: Int = 0, steps: [Int],
    file: String = #fileID, line: UInt = #line
  ) {
    append(
      .iota(
        Iota(
          destination.access, start: Int32(start), channelMultiplier: Int32(channelMultiplier),
          steps: Self.steps(steps))), on: .gpsimd, site: site(file, line))
  }

  /// affine_select: the source where the affine value compares with zero, else `onFalse`.
  package mutating func affineSelect(
    _ destination: Tile, _ source: Tile, _ comparison: ALUOperation, start: Int = 0,
    channelMultiplier: Int, steps: [Int], onFalse: Float, file: String = #fileID,
    line: UInt = #line
  ) {
    append(
      .affineSelect(
        AffineSelect(
          destination.access, source.access, comparison: comparison, start: Int32(start),
          channelMultiplier: Int32(channelMultiplier), steps: Self.steps(steps), onFalse: onFalse)),
      on: .gpsimd, site: site(file, line))
  }

  private static func steps(_ values: [Int]) -> SIMD4<Int32> {
    var steps = SIMD4<Int32>(0, 0, 0, 0)
    for (index, value) in values.enumerated() { steps[index] = Int32(value) }
    return steps
  }
}
