/// The vector engine's statistics for normalisation.
public enum BatchNorm {
  /// Writes count, mean and (variance times count) of the even elements, then of the odd ones.
  ///
  /// Two passes over the row: the sum in the sixteen-lane order of `Reduction`, even lanes and odd
  /// lanes apart, then the squared distances from the mean by fused multiply-add in the same order.
  /// An empty half has count, mean and variance 0.
  public static func statistics(
    _ row: UnsafePointer<Float>, count: Int, into result: UnsafeMutablePointer<Float>
  ) {
    var sums = Lanes(repeating: 0)
    var index = 0
    while index + laneCount <= count {
      sums = unsafe sums + load(row, index)
      index += laneCount
    }
    let rest = max(count - index, 0)
    // The last lanes exist only in the tail; the mask keeps the others out of the second pass.
    let tail = unsafe loadPartial(row, index, count: rest, fill: 0)
    sums += tail
    let (evenCount, oddCount) = (Float((max(count, 0) + 1) / 2), Float(max(count, 0) / 2))
    let evenMean = evenCount > 0 ? tree(sums.evenHalf) / evenCount : 0
    let oddMean = oddCount > 0 ? tree(sums.oddHalf) / oddCount : 0
    var means = Lanes(repeating: evenMean)
    means.oddHalf = SIMD8(repeating: oddMean)
    let squares = unsafe squaredDistances(row, index, rest, tail, means)
    unsafe (result[0], result[1], result[2]) = (evenCount, evenMean, tree(squares.evenHalf))
    unsafe (result[3], result[4], result[5]) = (oddCount, oddMean, tree(squares.oddHalf))
  }

  @inline(__always)
  private static func squaredDistances(
    _ row: UnsafePointer<Float>, _ whole: Int, _ rest: Int, _ tail: Lanes, _ means: Lanes
  ) -> Lanes {
    var squares = Lanes(repeating: 0)
    var index = 0
    while index < whole {
      let distance = unsafe load(row, index) - means
      squares = squares.addingProduct(distance, distance)
      index += laneCount
    }
    let distance = tail - means
    let added = squares.addingProduct(distance, distance)
    for lane in 0..<rest { squares[lane] = added[lane] }
    return squares
  }

  /// Combines triples of count, mean and (variance times count) into one mean and variance.
  ///
  /// `values` holds `count / 3` triples. Sums run through the triples in order by fused
  /// multiply-add; no elements at all give mean and variance 0.
  public static func aggregate(
    _ values: UnsafePointer<Float>, count: Int
  ) -> (mean: Float, variance: Float) {
    var (elements, sum): (Float, Float) = (0, 0)
    for triple in 0..<(max(count, 0) / 3) {
      unsafe elements += values[3 * triple]
      unsafe sum.addProduct(values[3 * triple], values[3 * triple + 1])
    }
    guard elements != 0 else { return (0, 0) }
    let mean = sum / elements
    var squares: Float = 0
    for triple in 0..<(max(count, 0) / 3) {
      let distance = unsafe values[3 * triple + 1] - mean
      unsafe squares += values[3 * triple + 2]
      unsafe squares.addProduct(values[3 * triple] * distance, distance)
    }
    return (mean, squares / elements)
  }

  /// The scalar reference of `statistics`.
  public static func statisticsReference(_ row: [Float]) -> [Float] {
    (0..<2).flatMap { parity -> [Float] in
      let half = stride(from: parity, to: row.count, by: 2).map { row[$0] }
      var sums = [Float](repeating: 0, count: 8)
      for (index, value) in half.enumerated() { sums[index % 8] += value }
      let mean = half.isEmpty ? 0 : treeReference(sums) / Float(half.count)
      var squares = [Float](repeating: 0, count: 8)
      for (index, value) in half.enumerated() {
        squares[index % 8].addProduct(value - mean, value - mean)
      }
      return [Float(half.count), mean, treeReference(squares)]
    }
  }

  private static func treeReference(_ lanes: [Float]) -> Float {
    var sums = lanes
    while sums.count > 1 {
      let half = sums.count / 2
      sums = (0..<half).map { sums[$0] + sums[$0 + half] }
    }
    return sums[0]
  }

  @inline(__always)
  private static func tree(_ lanes: SIMD8<Float>) -> Float {
    let four = lanes.lowHalf + lanes.highHalf
    let two = four.lowHalf + four.highHalf
    return two[0] + two[1]
  }
}
