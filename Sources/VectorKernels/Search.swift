/// The vector engine's searches for the eight largest values of a row.
public enum Search {
  /// How many values each search finds.
  public static let resultCount = 8

  /// Writes the eight largest values of a row, descending, duplicates kept.
  ///
  /// Of equal values the earlier comes first. NaN is never found; a row of fewer than eight numbers
  /// leaves -infinity in the last places.
  public static func max8(
    _ row: UnsafePointer<Float>, count: Int, into result: UnsafeMutablePointer<Float>
  ) {
    for place in 0..<resultCount { unsafe result[place] = -.infinity }
    var index = 0
    while index + laneCount <= count {
      // Few vectors hold a value above the eighth largest so far, so one compare skips most.
      let threshold = unsafe Lanes(repeating: result[resultCount - 1])
      if unsafe any(load(row, index) .> threshold) {
        for lane in 0..<laneCount { unsafe insert(row[index + lane], result) }
      }
      index += laneCount
    }
    while index < count {
      unsafe insert(row[index], result)
      index += 1
    }
  }

  /// The scalar reference of `max8`.
  public static func max8Reference(_ row: [Float]) -> [Float] {
    let numbers = row.enumerated().filter { !$0.element.isNaN && $0.element > -.infinity }
    let sorted = numbers.sorted {
      $0.element != $1.element ? $0.element > $1.element : $0.offset < $1.offset
    }
    let best = sorted.prefix(resultCount).map(\.element)
    return best + [Float](repeating: -.infinity, count: resultCount - best.count)
  }

  /// For each of eight values the index of its first occurrence in a row.
  ///
  /// The n-th of equal values gets the n-th occurrence; a miss, or NaN, gets `UInt32.max`.
  public static func findIndex8(
    _ values: UnsafePointer<Float>, in row: UnsafePointer<Float>, count: Int,
    into result: UnsafeMutablePointer<UInt32>
  ) {
    for place in 0..<resultCount {
      let value = unsafe values[place]
      var start = 0
      for earlier in 0..<place where unsafe values[earlier] == value {
        // A missed twin leaves nothing to look through.
        start = unsafe result[earlier] == UInt32.max ? count : Int(result[earlier]) + 1
      }
      unsafe result[place] = firstIndex(of: value, row, start, count)
    }
  }

  /// The scalar reference of `findIndex8`.
  public static func findIndex8Reference(_ values: [Float], in row: [Float]) -> [UInt32] {
    values.indices.map { place in
      let twins = values[..<place].count { $0 == values[place] }
      let matches = row.indices.filter { row[$0] == values[place] }
      return twins < matches.count ? UInt32(matches[twins]) : UInt32.max
    }
  }

  /// Replaces in a row the first occurrence of each of eight values, the last value first, and
  /// writes where it was; a miss, or NaN, replaces nothing and gives `UInt32.max`.
  ///
  /// The row is changed in place, so that a value may meet what an earlier one put there.
  public static func matchReplace8(
    _ values: UnsafePointer<Float>, in row: UnsafeMutablePointer<Float>, count: Int,
    by replacement: Float, into places: UnsafeMutablePointer<UInt32>
  ) {
    for place in (0..<resultCount).reversed() {
      let found = unsafe firstIndex(of: values[place], UnsafePointer(row), 0, count)
      unsafe places[place] = found
      if found != UInt32.max { unsafe row[Int(found)] = replacement }
    }
  }

  /// The scalar reference of `matchReplace8`.
  public static func matchReplace8Reference(
    _ values: [Float], in row: [Float], by replacement: Float
  ) -> (row: [Float], places: [UInt32]) {
    var row = row
    var places = [UInt32](repeating: UInt32.max, count: values.count)
    for place in values.indices.reversed() {
      guard let found = row.firstIndex(of: values[place]) else { continue }
      places[place] = UInt32(found)
      row[found] = replacement
    }
    return (row, places)
  }

  @inline(__always)
  private static func insert(_ value: Float, _ result: UnsafeMutablePointer<Float>) {
    var place = resultCount - 1
    guard unsafe value > result[place] else { return }
    while unsafe place > 0 && value > result[place - 1] {
      unsafe result[place] = result[place - 1]
      place -= 1
    }
    unsafe result[place] = value
  }

  private static func firstIndex(
    of value: Float, _ row: UnsafePointer<Float>, _ start: Int, _ count: Int
  ) -> UInt32 {
    let wanted = Lanes(repeating: value)
    var index = start
    while index + laneCount <= count {
      if unsafe any(load(row, index) .== wanted) { break }
      index += laneCount
    }
    while index < count {
      if unsafe row[index] == value { return UInt32(truncatingIfNeeded: index) }
      index += 1
    }
    return UInt32.max
  }
}
