public import CoreState

/// tensor_scalar_reduce, select_reduce, range_select or exponential with its reduction written to
/// memory.
///
/// Expands to the instruction, after it a VECTOR_READ_ACCUMULATOR when the reduction is wanted.
/// Source: NKI instruction reference (reduce_res, reduce_res_negate).
public struct NkiVectorReduction: Hashable, Sendable {
  /// The instruction with its operands and what it does to the reduce registers.
  public var operation: Operation
  /// [P, 1]: where the reduce registers go, if anywhere.
  public var result: AccessPattern?
  /// Changes the sign of what is written.
  public var negate: Bool

  /// tensor_scalar_reduce.
  public init(_ reduce: TensorScalarReduce, result: AccessPattern?, negate: Bool = false) {
    operation = .tensorScalarReduce(reduce)
    self.result = result
    self.negate = negate
  }

  /// select_reduce.
  public init(_ select: SelectReduce, result: AccessPattern?) {
    operation = .selectReduce(select)
    self.result = result
    negate = false
  }

  /// range_select.
  public init(_ select: RangeSelect, result: AccessPattern?) {
    operation = .rangeSelect(select)
    self.result = result
    negate = false
  }

  /// exponential.
  public init(_ exponential: Exponential, result: AccessPattern?) {
    operation = .exponential(exponential)
    self.result = result
    negate = false
  }

  /// Appends the machine instructions.
  public func expand(into operations: inout [Operation]) {
    operations.append(operation)
    guard let result else { return }
    operations.append(.vectorReadAccumulator(VectorReadAccumulator(result, negate: negate)))
  }
}
