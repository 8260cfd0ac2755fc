extension Elementwise {
  /// `destination[i] = left[i] operation right[i]` on bit patterns.
  ///
  /// The destination is equal to an operand or disjoint from it.
  public static func bitwise(
    _ operation: BitwiseOperation, _ left: UnsafePointer<UInt32>, _ right: UnsafePointer<UInt32>,
    into destination: UnsafeMutablePointer<UInt32>, count: Int
  ) {
    unsafe dispatch(operation, left, right, 0, destination, count)
  }

  /// `destination[i] = source[i] operation scalar`, or `scalar operation source[i]` when reversed.
  public static func bitwiseWithScalar(
    _ operation: BitwiseOperation, _ source: UnsafePointer<UInt32>, _ scalar: UInt32,
    isReversed: Bool = false, into destination: UnsafeMutablePointer<UInt32>, count: Int
  ) {
    if isReversed {
      unsafe dispatch(operation, nil, source, scalar, destination, count)
    } else {
      unsafe dispatch(operation, source, nil, scalar, destination, count)
    }
  }

  private static func dispatch(
    _ operation: BitwiseOperation, _ left: UnsafePointer<UInt32>?,
    _ right: UnsafePointer<UInt32>?, _ scalar: UInt32,
    _ destination: UnsafeMutablePointer<UInt32>, _ count: Int
  ) {
    switch operation {
    case .and: unsafe map(left, right, scalar, destination, count) { $0 & $1 }
    case .or: unsafe map(left, right, scalar, destination, count) { $0 | $1 }
    case .xor: unsafe map(left, right, scalar, destination, count) { $0 ^ $1 }
    case .not: unsafe map(left, right, scalar, destination, count) { left, _ in ~left }
    case .shiftLeft:
      unsafe map(left, right, scalar, destination, count) {
        ($0 &<< $1) & below32($1)
      }
    case .shiftRight:
      unsafe map(left, right, scalar, destination, count) {
        ($0 &>> $1) & below32($1)
      }
    }
  }

  /// All bits of the lanes that are below 32, by arithmetic alone: the larger ones have a bit above
  /// the lowest five, and of those bits or their negative the highest is set.
  @inline(__always)
  private static func below32(_ amounts: LaneBits) -> LaneBits {
    let above = amounts &>> 5
    return ((above | (0 &- above)) &>> 31) &- 1
  }

  /// A nil row is the scalar in every lane.
  @inline(__always)
  private static func map(
    _ left: UnsafePointer<UInt32>?, _ right: UnsafePointer<UInt32>?, _ scalar: UInt32,
    _ destination: UnsafeMutablePointer<UInt32>, _ count: Int,
    _ function: (LaneBits, LaneBits) -> LaneBits
  ) {
    var index = 0
    while index + laneCount <= count {
      let a = unsafe lanesOf(left, index, scalar)
      let b = unsafe lanesOf(right, index, scalar)
      unsafe UnsafeMutableRawPointer(destination + index)
        .storeBytes(of: function(a, b), as: LaneBits.self)
      index += laneCount
    }
    while index < count {
      let a = unsafe LaneBits(repeating: left.map { unsafe $0[index] } ?? scalar)
      let b = unsafe LaneBits(repeating: right.map { unsafe $0[index] } ?? scalar)
      unsafe destination[index] = function(a, b)[0]
      index += 1
    }
  }

  @inline(__always)
  private static func lanesOf(
    _ row: UnsafePointer<UInt32>?, _ index: Int, _ scalar: UInt32
  ) -> LaneBits {
    guard let row = unsafe row else { return LaneBits(repeating: scalar) }
    return unsafe UnsafeRawPointer(row + index).loadUnaligned(as: LaneBits.self)
  }
}
