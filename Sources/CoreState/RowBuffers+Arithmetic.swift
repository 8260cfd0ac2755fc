public import VectorKernels

extension RowBuffers {
  /// `destination[i] = a[i] operation b[i]`.
  public func binary(
    _ operation: ArithmeticOperation, _ a: Row, _ b: Row, into destination: Row, count: Int
  ) {
    check(count)
    unsafe Elementwise.binary(
      operation, source(a), source(b), into: pointer(destination), count: count)
  }

  /// `destination[i] = (source[i] op0 s0) op1 s1`; a reversed operation has its scalar on the left.
  public func tensorScalar(
    _ row: Row, _ op0: ArithmeticOperation, _ scalar0: Float, reverse0: Bool,
    _ op1: ArithmeticOperation, _ scalar1: Float, reverse1: Bool, into destination: Row, count: Int
  ) {
    check(count)
    unsafe Elementwise.tensorScalar(
      op0, scalar0, isFirstReversed: reverse0, op1, scalar1, isSecondReversed: reverse1,
      from: source(row), into: pointer(destination), count: count)
  }

  /// `destination[i] = (source[i] op0 scalar) op1 other[i]`; a reversed operation swaps its sides.
  public func scalarTensorTensor(
    _ row: Row, _ op0: ArithmeticOperation, _ scalar: Float, reverse0: Bool,
    _ op1: ArithmeticOperation, _ other: Row, reverse1: Bool, into destination: Row, count: Int
  ) {
    check(count)
    unsafe Elementwise.scalarTensorTensor(
      op0, scalar, isFirstReversed: reverse0, op1, source(other), isSecondReversed: reverse1,
      from: source(row), into: pointer(destination), count: count)
  }

  /// `destination[i] = operation(source[i])`; a reciprocal is rounded correctly.
  public func unary(
    _ operation: UnaryOperation, _ row: Row, into destination: Row, count: Int
  ) {
    check(count)
    unsafe Elementwise.unary(operation, source(row), into: pointer(destination), count: count)
  }

  /// `destination[i] = function(source[i] * scale + bias)`; returns the sum of the results when it
  /// is asked for, in the fixed order of `Reduction`, else zero. `parameter` is the slope of prelu.
  public func activate(
    _ function: ActivationFunction, _ row: Row, scale: Float, bias: Float, parameter: Float = 0,
    sums: Bool, into destination: Row, count: Int
  ) -> Float {
    check(count)
    if sums {
      return unsafe Activation.applyAndSum(
        function, source(row), into: pointer(destination), count: count, scale: scale, bias: bias,
        parameter: parameter)
    }
    unsafe Activation.apply(
      function, source(row), into: pointer(destination), count: count, scale: scale, bias: bias,
      parameter: parameter)
    return 0
  }

  /// Sets `count` elements of a row to one value.
  public func fill(_ row: Row, with value: Float, count: Int) {
    check(count)
    unsafe pointer(row).update(repeating: value, count: count)
  }

  /// Keeps of every value what the fp32 high pass of the tensor engine multiplies (the value with
  /// the low 12 bits of its mantissa cleared) or what is left for the low pass. A number that is
  /// not finite is all in the high part.
  public func splitPart(_ row: Row, high: Bool, count: Int) {
    check(count)
    let values = unsafe pointer(row)
    for index in 0..<count {
      let value = unsafe values[index]
      let top = Float(bitPattern: value.bitPattern & 0xFFFF_F000)
      let isFinite = value.bitPattern & 0x7F80_0000 != 0x7F80_0000
      let part = high ? (isFinite ? top : value) : (isFinite ? value - top : 0)
      unsafe values[index] = part
    }
  }
}
