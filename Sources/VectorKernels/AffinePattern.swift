/// Up to four nested loops over an integer: `base + sum of index * step`, the last dimension
/// fastest.
///
/// What `iota` writes and what `affineSelect` compares with zero. Arithmetic wraps at 32 bits.
public struct AffinePattern: Sendable, Equatable, BitwiseCopyable {
  /// Length of each dimension, outermost first; unused dimensions have length 1.
  public var sizes: SIMD4<Int32>
  /// What one step along each dimension adds.
  public var steps: SIMD4<Int32>

  /// A pattern from up to four (size, step) pairs, outermost first; further pairs are ignored.
  public init(_ dimensions: [(size: Int32, step: Int32)]) {
    sizes = SIMD4(repeating: 1)
    steps = SIMD4(repeating: 0)
    let kept = dimensions.prefix(4)
    for (place, dimension) in kept.enumerated() {
      sizes[4 - kept.count + place] = max(dimension.size, 0)
      steps[4 - kept.count + place] = dimension.step
    }
  }

  /// Elements that the pattern produces.
  public var count: Int {
    Int(sizes[0]) * Int(sizes[1]) * Int(sizes[2]) * Int(sizes[3])
  }

  /// Calls the body with each run of the innermost dimension: its first element, and its value.
  @inline(__always)
  func forEachRun(_ base: Int32, _ body: (Int, Int32) -> Void) {
    var start = 0
    for outer in 0..<max(sizes[0], 0) {
      for middle in 0..<max(sizes[1], 0) {
        for inner in 0..<max(sizes[2], 0) {
          let value =
            base &+ outer &* steps[0] &+ middle &* steps[1] &+ inner &* steps[2]
          body(start, value)
          start += Int(sizes[3])
        }
      }
    }
  }
}

/// How `affineSelect` compares its affine value with zero.
public enum AffineComparison: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case isEqual, notEqual, greaterEqual, greaterThan, lessEqual, lessThan

  /// The comparison on one value: the scalar reference.
  @inlinable
  public func holds(_ value: Int32) -> Bool {
    switch self {
    case .isEqual: value == 0
    case .notEqual: value != 0
    case .greaterEqual: value >= 0
    case .greaterThan: value > 0
    case .lessEqual: value <= 0
    case .lessThan: value < 0
    }
  }
}

/// Index rows and selection: the GpSimd engine's `iota` and `affine_select`, and predicated copies.
public enum Selection {
  /// Writes `pattern.count` values of the pattern, row by row; the caller converts them.
  public static func iota(
    _ pattern: AffinePattern, base: Int32, into destination: UnsafeMutablePointer<Int32>
  ) {
    let length = Int(pattern.sizes[3])
    let step = pattern.steps[3]
    pattern.forEachRun(base) { start, first in
      var index = 0
      while index < length {
        let offset = Int32(truncatingIfNeeded: index) &* step
        unsafe destination[start &+ index] = first &+ offset
        index &+= 1
      }
    }
  }

  /// `destination[i]` is `source[i]` where the pattern's value compares true with 0, else `other`.
  ///
  /// All rows have `pattern.count` elements; the destination is the source or disjoint from it.
  public static func affineSelect(
    _ pattern: AffinePattern, base: Int32, _ comparison: AffineComparison,
    _ source: UnsafePointer<Float>, otherwise other: Float,
    into destination: UnsafeMutablePointer<Float>
  ) {
    let length = Int(pattern.sizes[3])
    pattern.forEachRun(base) { start, first in
      let run = unsafe AffineRun(
        source + start, destination + start, length, first, pattern.steps[3])
      switch comparison {
      case .isEqual: run.select(other) { $0 .== 0 }
      case .notEqual: run.select(other) { $0 .!= 0 }
      case .greaterEqual: run.select(other) { $0 .>= 0 }
      case .greaterThan: run.select(other) { $0 .> 0 }
      case .lessEqual: run.select(other) { $0 .<= 0 }
      case .lessThan: run.select(other) { $0 .< 0 }
      }
    }
  }

  /// `destination[i]` is `onTrue[i]` where `predicate[i]` differs from zero, else `onFalse[i]`.
  ///
  /// The destination is any of the sources or disjoint from them.
  public static func select(
    _ predicate: UnsafePointer<Float>, onTrue: UnsafePointer<Float>,
    onFalse: UnsafePointer<Float>, into destination: UnsafeMutablePointer<Float>, count: Int
  ) {
    var index = 0
    while index + laneCount <= count {
      let mask = unsafe load(predicate, index) .!= 0
      let value = unsafe load(onFalse, index).replacing(with: load(onTrue, index), where: mask)
      unsafe store(value, destination, index)
      index += laneCount
    }
    while index < count {
      unsafe destination[index] = predicate[index] != 0 ? onTrue[index] : onFalse[index]
      index += 1
    }
  }
}

extension Selection {
  /// `destination[i]` is `onTrue[i]` where `predicate[i]` differs from zero, else `onFalse[i]`, as
  /// raw bits; a reversed predicate swaps the two.
  ///
  /// The destination is any of the sources or disjoint from them.
  public static func selectBits(
    _ predicate: UnsafePointer<UInt32>, isReversed: Bool, onTrue: UnsafePointer<UInt32>,
    onFalse: UnsafePointer<UInt32>, into destination: UnsafeMutablePointer<UInt32>, count: Int
  ) {
    let yes = unsafe isReversed ? onFalse : onTrue
    let no = unsafe isReversed ? onTrue : onFalse
    var index = 0
    while index < count {
      let chosen = unsafe predicate[index] != 0 ? yes[index] : no[index]
      unsafe destination[index] = chosen
      index &+= 1
    }
  }
}

/// One run of an affine pattern over a source row.
@safe
struct AffineRun {
  private let source: UnsafePointer<Float>
  private let destination: UnsafeMutablePointer<Float>
  private let count: Int
  private let first: Int32
  private let step: Int32

  init(
    _ source: UnsafePointer<Float>, _ destination: UnsafeMutablePointer<Float>, _ count: Int,
    _ first: Int32, _ step: Int32
  ) {
    unsafe self.source = source
    unsafe self.destination = destination
    self.count = count
    self.first = first
    self.step = step
  }

  /// In bounds because the initialiser's caller proved `count` elements on both sides.
  @inline(__always)
  func select(_ other: Float, _ holds: (SIMD16<Int32>) -> SIMDMask<SIMD16<Int32>>) {
    let offsets = SIMD16<Int32>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) &* step
    var value = first
    var index = 0
    while index + laneCount <= count {
      let mask = holds(offsets &+ value)
      let kept = unsafe Lanes(repeating: other).replacing(with: load(source, index), where: mask)
      unsafe store(kept, destination, index)
      value = value &+ 16 &* step
      index += laneCount
    }
    while index < count {
      unsafe destination[index] = holds(SIMD16(repeating: value))[0] ? source[index] : other
      value = value &+ step
      index += 1
    }
  }
}
