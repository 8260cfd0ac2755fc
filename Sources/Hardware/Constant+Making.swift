import Units

// One short maker per unit keeps the device tables one line per constant: the value in the unit
// that the name says, the confidence, the citation, and (low, high) where it is not documented.

extension Constant where Value == Picoseconds {
  static func time(
    _ picoseconds: Int64, _ confidence: Confidence, _ source: String, _ range: (Int64, Int64)? = nil
  ) -> Self {
    Constant(
      Picoseconds(picoseconds), .picoseconds, confidence, source,
      range: range.map { ConstantRange(low: Picoseconds($0.0), high: Picoseconds($0.1)) })
  }
}

extension Constant where Value == [Picoseconds] {
  /// Times that all have the same range around them, never below zero.
  static func times(
    _ picoseconds: [Int64], _ confidence: Confidence, _ source: String, give: Int64
  ) -> Self {
    Constant(
      picoseconds.map { Picoseconds($0) }, .picoseconds, confidence, source,
      range: ConstantRange(
        low: picoseconds.map { Picoseconds(max(0, $0 - give)) },
        high: picoseconds.map { Picoseconds($0 + give) }))
  }
}

extension Constant where Value == Units.Clock {
  static func period(
    _ numerator: Int64, over denominator: Int64, _ confidence: Confidence, _ source: String,
    range: ConstantRange<Units.Clock>? = nil
  ) -> Self {
    Constant(
      Units.Clock(periodPicoseconds: numerator, over: denominator), .picosecondsPerCycle,
      confidence, source, range: range)
  }
}

extension Constant where Value == Bool {
  static func flag(_ value: Bool, _ confidence: Confidence, _ source: String) -> Self {
    let range = confidence == .documented ? nil : ConstantRange(low: false, high: true)
    return Constant(value, .flag, confidence, source, range: range)
  }
}

extension Constant where Value == Int {
  static func count(
    _ value: Int, _ confidence: Confidence, _ source: String, _ range: (Int, Int)? = nil
  ) -> Self {
    Constant(value, .count, confidence, source, range: ends(range))
  }

  static func bytes(
    _ value: Int, _ confidence: Confidence, _ source: String, _ range: (Int, Int)? = nil
  ) -> Self {
    Constant(value, .bytes, confidence, source, range: ends(range))
  }

  private static func ends(_ range: (Int, Int)?) -> ConstantRange<Int>? {
    range.map { ConstantRange(low: $0.0, high: $0.1) }
  }
}

extension Constant where Value == Int64 {
  static func tenths(
    _ value: Int64, _ confidence: Confidence, _ source: String, _ range: (Int64, Int64)? = nil
  ) -> Self {
    Constant(value, .tenthsOfCycles, confidence, source, range: ends(range))
  }

  static func cycles(
    _ value: Int64, _ confidence: Confidence, _ source: String, _ range: (Int64, Int64)? = nil
  ) -> Self {
    Constant(value, .cycles, confidence, source, range: ends(range))
  }

  static func tenthsPerElement(
    _ value: Int64, _ confidence: Confidence, _ source: String, _ range: (Int64, Int64)? = nil
  ) -> Self {
    Constant(value, .tenthsOfCyclesPerElement, confidence, source, range: ends(range))
  }

  static func hundredthsPerElement(
    _ value: Int64, _ confidence: Confidence, _ source: String, _ range: (Int64, Int64)? = nil
  ) -> Self {
    Constant(value, .hundredthsOfCyclesPerElement, confidence, source, range: ends(range))
  }

  static func number(
    _ value: Int64, _ unit: ConstantUnit, _ confidence: Confidence, _ source: String,
    _ range: (Int64, Int64)? = nil
  ) -> Self {
    Constant(value, unit, confidence, source, range: ends(range))
  }

  private static func ends(_ range: (Int64, Int64)?) -> ConstantRange<Int64>? {
    range.map { ConstantRange(low: $0.0, high: $0.1) }
  }
}
