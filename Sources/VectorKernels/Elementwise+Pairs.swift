/// Two operations in a row on sixteen elements. Types stand for them, not closures: a closure that
/// is handed two vectors stays a call in the loop.
private protocol LanePair {
  static func apply(_ x: Lanes, _ s: Lanes, _ t: Lanes) -> Lanes
}

private enum MultiplyAdd: LanePair {
  @inline(__always)
  static func apply(_ x: Lanes, _ s: Lanes, _ t: Lanes) -> Lanes { x * s + t }
}

private enum MultiplySubtract: LanePair {
  @inline(__always)
  static func apply(_ x: Lanes, _ s: Lanes, _ t: Lanes) -> Lanes { x * s - t }
}

private enum MultiplyTwice: LanePair {
  @inline(__always)
  static func apply(_ x: Lanes, _ s: Lanes, _ t: Lanes) -> Lanes { x * s * t }
}

private enum AddMultiply: LanePair {
  @inline(__always)
  static func apply(_ x: Lanes, _ s: Lanes, _ t: Lanes) -> Lanes { (x + s) * t }
}

private enum SubtractMultiply: LanePair {
  @inline(__always)
  static func apply(_ x: Lanes, _ s: Lanes, _ t: Lanes) -> Lanes { (x - s) * t }
}

private enum Clamp: LanePair {
  @inline(__always)
  static func apply(_ x: Lanes, _ s: Lanes, _ t: Lanes) -> Lanes { minimum(maximum(x, s), t) }
}

extension Elementwise {
  /// `destination[i] = (source[i] op0 s) op1 t` in one pass, for the pairs that kernels use most:
  /// scales with an offset, bounds on both sides. Each result is rounded to fp32, as in two passes.
  ///
  /// - Returns: false for any other pair, of which nothing is done.
  static func pair(
    _ first: ArithmeticOperation, _ firstScalar: Float, _ second: ArithmeticOperation,
    _ secondScalar: Float, from source: UnsafePointer<Float>,
    into destination: UnsafeMutablePointer<Float>, count: Int
  ) -> Bool {
    let (s, t) = (Lanes(repeating: firstScalar), Lanes(repeating: secondScalar))
    switch (first, second) {
    case (.multiply, .add): unsafe map(MultiplyAdd.self, source, destination, count, s, t)
    case (.multiply, .subtract):
      unsafe map(MultiplySubtract.self, source, destination, count, s, t)
    case (.multiply, .multiply): unsafe map(MultiplyTwice.self, source, destination, count, s, t)
    case (.add, .multiply): unsafe map(AddMultiply.self, source, destination, count, s, t)
    case (.subtract, .multiply):
      unsafe map(SubtractMultiply.self, source, destination, count, s, t)
    case (.max, .min): unsafe map(Clamp.self, source, destination, count, s, t)
    default: return false
    }
    return true
  }

  @inline(__always)
  private static func map<Pair: LanePair>(
    _ pair: Pair.Type, _ source: UnsafePointer<Float>, _ destination: UnsafeMutablePointer<Float>,
    _ count: Int, _ s: Lanes, _ t: Lanes
  ) {
    guard count >= laneCount else {
      var index = 0
      while index < count {
        unsafe destination[index] = Pair.apply(Lanes(repeating: source[index]), s, t)[0]
        index += 1
      }
      return
    }
    let last = count - laneCount
    let tail = unsafe Pair.apply(load(source, last), s, t)
    var index = 0
    while index <= last {
      unsafe store(Pair.apply(load(source, index), s, t), destination, index)
      index += laneCount
    }
    unsafe store(tail, destination, last)
  }
}
