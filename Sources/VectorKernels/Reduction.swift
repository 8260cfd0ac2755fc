/// The associative operations a row can be reduced with.
public enum ReductionOperation: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case add, multiply, max, min
  /// The largest and the smallest magnitude.
  case absMax, absMin
  /// Whether all, any or an odd number of the elements differ from zero, as 1.0 or 0.0.
  case logicalAnd, logicalOr, logicalXor

  /// What the operation starts from: combining with it changes nothing.
  public var identity: Float {
    switch self {
    case .add, .absMax, .logicalOr, .logicalXor: 0
    case .multiply, .logicalAnd: 1
    case .max: -.infinity
    case .min, .absMin: .infinity
    }
  }

  /// The same operation on two values.
  public var operation: ArithmeticOperation {
    switch self {
    case .add: .add
    case .multiply: .multiply
    case .max: .max
    case .min: .min
    case .absMax: .absMax
    case .absMin: .absMin
    case .logicalAnd: .logicalAnd
    case .logicalOr: .logicalOr
    case .logicalXor: .logicalXor
    }
  }
}

/// Reductions of a row in one fixed order, the same on every host.
///
/// Lane i of sixteen starts from the identity and takes elements i, i + 16, i + 32, … in turn; then
/// the upper half of the lanes is combined onto the lower half, 16 to 8 to 4 to 2 to 1.
public enum Reduction {
  /// The row's reduction; the identity for an empty row.
  public static func reduce(
    _ operation: ReductionOperation, _ row: UnsafePointer<Float>, count: Int
  ) -> Float {
    switch operation {
    case .add: unsafe fold(row, count, 0) { $0 + $1 }
    case .multiply: unsafe fold(row, count, 1) { $0 * $1 }
    case .max: unsafe fold(row, count, -.infinity, maximum)
    case .min: unsafe fold(row, count, .infinity, minimum)
    case .absMax: unsafe fold(row, count, 0) { maximum(magnitude($0), magnitude($1)) }
    case .absMin: unsafe fold(row, count, .infinity) { minimum(magnitude($0), magnitude($1)) }
    case .logicalAnd: unsafe fold(row, count, 1) { truth($0 .!= 0 .& $1 .!= 0) }
    case .logicalOr: unsafe fold(row, count, 0) { truth($0 .!= 0 .| $1 .!= 0) }
    case .logicalXor: unsafe fold(row, count, 0) { truth(($0 .!= 0) .^ ($1 .!= 0)) }
    }
  }

  /// The scalar reference of `reduce`.
  public static func reduceReference(
    _ operation: ReductionOperation, _ row: UnsafePointer<Float>, count: Int
  ) -> Float {
    var lanes = [Float](repeating: operation.identity, count: laneCount)
    for index in 0..<Swift.max(count, 0) {
      let lane = index % laneCount
      lanes[lane] = unsafe operation.operation.apply(lanes[lane], row[index])
    }
    var width = laneCount / 2
    while width > 0 {
      for lane in 0..<width {
        lanes[lane] = operation.operation.apply(lanes[lane], lanes[lane + width])
      }
      width /= 2
    }
    return lanes[0]
  }

  @inline(__always)
  private static func fold(
    _ row: UnsafePointer<Float>, _ count: Int, _ identity: Float,
    _ function: (Lanes, Lanes) -> Lanes
  ) -> Float {
    var sums = Lanes(repeating: identity)
    var index = 0
    while index + laneCount <= count {
      sums = unsafe function(sums, load(row, index))
      index += laneCount
    }
    if index < count {
      sums = unsafe function(sums, loadPartial(row, index, count: count - index, fill: identity))
    }
    return tree(sums, function)
  }

  /// Combines the upper half of the lanes onto the lower half until one is left.
  ///
  /// Works on full registers with lanes moved down, so that one function serves every width.
  @inline(__always)
  static func tree(_ lanes: Lanes, _ function: (Lanes, Lanes) -> Lanes) -> Float {
    let eight = function(lanes, Lanes(lowHalf: lanes.highHalf, highHalf: lanes.lowHalf))
    let quarter = eight.lowHalf.highHalf
    let four = function(
      eight, Lanes(lowHalf: SIMD8(lowHalf: quarter, highHalf: quarter), highHalf: eight.highHalf))
    let pair = SIMD4(four[2], four[3], four[2], four[3])
    let two = function(
      four, Lanes(lowHalf: SIMD8(lowHalf: pair, highHalf: pair), highHalf: four.highHalf))
    return function(two, Lanes(repeating: two[1]))[0]
  }
}
