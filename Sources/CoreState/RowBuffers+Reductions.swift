public import VectorKernels

extension RowBuffers {
  /// Reduces `groups` consecutive runs of `size` elements each to one value; a run's order is the
  /// fixed tree of `Reduction`.
  public func reduce(
    _ operation: ReductionOperation, _ row: Row, groups: Int, size: Int, negate: Bool,
    into destination: Row
  ) {
    check(groups * size)
    for group in 0..<groups {
      let value = unsafe Reduction.reduce(operation, source(row) + group * size, count: size)
      unsafe pointer(destination)[group] = negate ? -value : value
    }
  }

  /// The reduction of a row to one value, in the fixed order of `Reduction`.
  public func reduction(_ operation: ReductionOperation, _ row: Row, count: Int) -> Float {
    check(count)
    return unsafe Reduction.reduce(operation, source(row), count: count)
  }

  /// Subtracts, in each of `groups` consecutive runs of `size` elements, all others from the first,
  /// one after the other.
  public func reduceBySubtraction(
    _ row: Row, groups: Int, size: Int, negate: Bool, into destination: Row
  ) {
    check(groups * size)
    for group in 0..<groups {
      let run = unsafe source(row) + group * size
      var value = unsafe run[0]
      for index in 1..<max(size, 1) { value = unsafe value - run[index] }
      unsafe pointer(destination)[group] = negate ? -value : value
    }
  }

  /// `destination[i] = (a[i] op0 destination[i - 1]) op1 b[i]`, from `initial` on; a reversed
  /// operation swaps its sides. Returns the last result.
  @discardableResult
  public func scan(
    _ op0: ArithmeticOperation, _ op1: ArithmeticOperation, _ a: Row, _ b: Row, initial: Float,
    reverse0: Bool = false, reverse1: Bool = false, into destination: Row, count: Int
  ) -> Float {
    check(count)
    return unsafe Scan.run(
      op0, op1, source(a), source(b), initial: initial, into: pointer(destination), count: count,
      isFirstReversed: reverse0, isSecondReversed: reverse1)
  }

  /// `destination[i]` is `onTrue[i]` where the predicate differs from zero, else `onFalse[i]`.
  public func select(
    _ predicate: Row, onTrue: Row, onFalse: Row, into destination: Row, count: Int
  ) {
    check(count)
    unsafe Selection.select(
      source(predicate), onTrue: source(onTrue), onFalse: source(onFalse),
      into: pointer(destination), count: count)
  }

  /// Keeps the elements for which the pattern's value compares true with zero.
  public func affineSelect(
    _ pattern: AffinePattern, base: Int32, _ comparison: AffineComparison, _ row: Row,
    otherwise: Float, into destination: Row
  ) {
    check(pattern.count)
    unsafe Selection.affineSelect(
      pattern, base: base, comparison, source(row), otherwise: otherwise,
      into: pointer(destination))
  }

  /// Count, mean and variance times count of the even elements, then of the odd ones: six values.
  public func batchNormStatistics(_ row: Row, count: Int, into destination: Row) {
    check(count)
    unsafe BatchNorm.statistics(source(row), count: count, into: pointer(destination))
  }

  /// Mean and variance of triples of count, mean and variance times count.
  public func batchNormAggregate(_ row: Row, count: Int, into destination: Row) {
    check(count)
    let result = unsafe BatchNorm.aggregate(source(row), count: count)
    self[destination, 0] = result.mean
    self[destination, 1] = result.variance
  }

  /// Replaces the first occurrences of eight values in a row, the last value first; their places,
  /// all ones for a value that is not there, become a row of bits.
  public func matchReplace8(
    _ values: Row, in row: Row, count: Int, by replacement: Float, places: Row
  ) {
    check(count)
    unsafe Search.matchReplace8(
      source(values), in: pointer(row), count: count, by: replacement, into: bits(places))
  }

  /// The eight largest values of a row, descending.
  public func max8(_ row: Row, count: Int, into destination: Row) {
    check(count)
    unsafe Search.max8(source(row), count: count, into: pointer(destination))
  }

  /// The places of eight values in a row, as a row of bits; all ones for a value that is not there.
  public func findIndex8(_ values: Row, in row: Row, count: Int, into destination: Row) {
    check(count)
    unsafe Search.findIndex8(
      source(values), in: source(row), count: count, into: bits(destination))
  }
}
