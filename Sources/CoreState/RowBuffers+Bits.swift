import NumericFormats
public import VectorKernels

extension RowBuffers {
  /// `destination[i] = a[i] operation b[i]` on raw bits.
  public func bitwise(
    _ operation: BitwiseOperation, _ a: Row, _ b: Row, into destination: Row, count: Int
  ) {
    check(count)
    unsafe Elementwise.bitwise(
      operation, UnsafePointer(bits(a)), UnsafePointer(bits(b)), into: bits(destination),
      count: count)
  }

  /// `destination[i] = source[i] operation scalar` on raw bits, sides swapped when reversed.
  public func bitwiseWithScalar(
    _ operation: BitwiseOperation, _ row: Row, _ scalar: UInt32, isReversed: Bool,
    into destination: Row, count: Int
  ) {
    check(count)
    unsafe Elementwise.bitwiseWithScalar(
      operation, UnsafePointer(bits(row)), scalar, isReversed: isReversed,
      into: bits(destination), count: count)
  }

  /// `destination[i]` is `onTrue[i]` where the predicate differs from zero, else `onFalse[i]`, on
  /// raw bits; a reversed predicate swaps the two.
  public func selectBits(
    _ predicate: Row, isReversed: Bool, onTrue: Row, onFalse: Row, into destination: Row,
    count: Int
  ) {
    check(count)
    unsafe Selection.selectBits(
      UnsafePointer(bits(predicate)), isReversed: isReversed, onTrue: UnsafePointer(bits(onTrue)),
      onFalse: UnsafePointer(bits(onFalse)), into: bits(destination), count: count)
  }

  /// Sets `count` elements of a row of bits to one value.
  public func fillBits(_ row: Row, with value: UInt32, count: Int) {
    check(count)
    unsafe bits(row).update(repeating: value, count: count)
  }

  /// Combines the bits of `groups` consecutive runs of `size` elements each to one element.
  public func reduceBits(
    _ operation: BitwiseOperation, _ row: Row, groups: Int, size: Int, into destination: Row
  ) {
    check(groups * size)
    for group in 0..<groups {
      let run = unsafe bits(row) + group * size
      var value = unsafe run[0]
      for index in 1..<max(size, 1) { value = unsafe operation.apply(value, run[index]) }
      unsafe bits(destination)[group] = value
    }
  }

  /// Sets one element of a row of bits.
  public func setBit(_ row: Row, _ index: Int, to value: UInt32) {
    precondition(index >= 0 && index < Self.capacity)
    unsafe bits(row)[index] = value
  }

  /// Native 32-bit integer arithmetic of GpSimd: wraps around; false when the operation has none.
  public func integer(
    _ operation: ArithmeticOperation, _ a: Row, _ b: Row, isSigned: Bool, into destination: Row,
    count: Int
  ) -> Bool {
    check(count)
    let function: (UInt32, UInt32) -> UInt32
    switch operation {
    case .add: function = { $0 &+ $1 }
    case .subtract: function = { $0 &- $1 }
    case .multiply: function = { $0 &* $1 }
    case .max: function = { Self.isLess($0, $1, isSigned) ? $1 : $0 }
    case .min: function = { Self.isLess($0, $1, isSigned) ? $0 : $1 }
    default: return false
    }
    for index in 0..<count {
      unsafe bits(destination)[index] = function(bits(a)[index], bits(b)[index])
    }
    return true
  }

  private static func isLess(_ a: UInt32, _ b: UInt32, _ isSigned: Bool) -> Bool {
    isSigned ? Int32(bitPattern: a) < Int32(bitPattern: b) : a < b
  }

  /// The values of an affine pattern, as a row of 32-bit integers.
  public func iota(_ pattern: AffinePattern, base: Int32, into destination: Row) {
    check(pattern.count)
    let target = unsafe bits(destination)
    unsafe target.withMemoryRebound(to: Int32.self, capacity: pattern.count) { values in
      unsafe Selection.iota(pattern, base: base, into: values)
    }
  }

  /// A row of 32-bit integers as fp32, nearest even.
  public func widenIntegers(_ row: Row, into destination: Row, count: Int) {
    check(count)
    unsafe Conversion.widen(
      .int32, from: UnsafeRawPointer(bits(row)), stride: 1, count: count,
      into: pointer(destination))
  }

  /// One element of a row of bits.
  public func bit(_ row: Row, _ index: Int) -> UInt32 {
    precondition(index >= 0 && index < Self.capacity)
    return unsafe bits(row)[index]
  }
}
