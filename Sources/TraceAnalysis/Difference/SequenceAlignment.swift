/// Which elements of two sequences are the same ones.
enum SequenceAlignment {
  /// More edits than this are not searched for one by one.
  static let editLimit = 1_024

  /// Pairs of equal elements in rising order of both places.
  ///
  /// The longest such list while the sequences differ in at most `editLimit` places (Myers'
  /// greedy algorithm); beyond that a list of equal elements that is not always the longest.
  static func pairs(_ base: [Int], _ new: [Int]) -> [(base: Int, new: Int)] {
    var start = 0
    while start < base.count, start < new.count, base[start] == new[start] { start += 1 }
    var tail = 0
    while tail < base.count - start, tail < new.count - start,
      base[base.count - 1 - tail] == new[new.count - 1 - tail]
    {
      tail += 1
    }
    let middleBase = base[start..<base.count - tail]
    let middleNew = new[start..<new.count - tail]
    var result = (0..<start).map { (base: $0, new: $0) }
    let middle =
      edits(Array(middleBase), Array(middleNew)) ?? anchors(Array(middleBase), Array(middleNew))
    result += middle.map { (base: $0.base + start, new: $0.new + start) }
    result += (0..<tail).reversed().map { (base: base.count - 1 - $0, new: new.count - 1 - $0) }
    return result
  }

  /// Myers' algorithm; nil when it needs more edits than the limit.
  private static func edits(_ a: [Int], _ b: [Int]) -> [(base: Int, new: Int)]? {
    if a.isEmpty || b.isEmpty { return [] }
    let limit = min(editLimit, a.count + b.count)
    var furthest = [Int](repeating: 0, count: 2 * limit + 3)
    let middle = limit + 1
    var history: [[Int]] = []
    for edit in 0...limit {
      history.append(Array(furthest[middle - edit - 1...middle + edit + 1]))
      for diagonal in stride(from: -edit, through: edit, by: 2) {
        let isDown =
          diagonal == -edit
          || diagonal != edit
            && furthest[middle + diagonal - 1] < furthest[middle + diagonal + 1]
        var x = isDown ? furthest[middle + diagonal + 1] : furthest[middle + diagonal - 1] + 1
        while x < a.count, x - diagonal < b.count, a[x] == b[x - diagonal] { x += 1 }
        furthest[middle + diagonal] = x
        if x >= a.count, x - diagonal >= b.count { return trace(history, a, b) }
      }
    }
    return nil
  }

  /// Walks back over the furthest points of each number of edits.
  private static func trace(
    _ history: [[Int]], _ a: [Int], _ b: [Int]
  ) -> [(base: Int, new: Int)] {
    var (x, y) = (a.count, b.count)
    var pairs: [(base: Int, new: Int)] = []
    for edit in history.indices.reversed() {
      let furthest = history[edit]
      func at(_ diagonal: Int) -> Int { furthest[diagonal + edit + 1] }
      let diagonal = x - y
      let isDown =
        diagonal == -edit || diagonal != edit && at(diagonal - 1) < at(diagonal + 1)
      let from = isDown ? diagonal + 1 : diagonal - 1
      let (startX, startY) = edit == 0 ? (0, 0) : (at(from), at(from) - from)
      while x > startX, y > startY, x > 0, y > 0, a[x - 1] == b[y - 1] {
        pairs.append((x - 1, y - 1))
        (x, y) = (x - 1, y - 1)
      }
      if edit > 0 { (x, y) = (startX, startY) }
    }
    return pairs.reversed()
  }

  /// Elements that occur once on either side and rise on both, with their equal neighbours.
  private static func anchors(_ a: [Int], _ b: [Int]) -> [(base: Int, new: Int)] {
    var places: [Int: (base: Int, new: Int, countA: Int, countB: Int)] = [:]
    for (index, value) in a.enumerated() {
      places[value, default: (0, 0, 0, 0)].base = index
      places[value, default: (0, 0, 0, 0)].countA += 1
    }
    for (index, value) in b.enumerated() {
      places[value, default: (0, 0, 0, 0)].new = index
      places[value, default: (0, 0, 0, 0)].countB += 1
    }
    let unique = places.values.filter { $0.countA == 1 && $0.countB == 1 }
      .map { (base: $0.base, new: $0.new) }.sorted { $0.base < $1.base }
    var result: [(base: Int, new: Int)] = []
    var (nextA, nextB) = (0, 0)
    for anchor in rising(unique) + [(base: a.count, new: b.count)] {
      // What lies between two anchors: equal from the front, then equal from the back.
      while nextA < anchor.base, nextB < anchor.new, a[nextA] == b[nextB] {
        result.append((nextA, nextB))
        (nextA, nextB) = (nextA + 1, nextB + 1)
      }
      var tail: [(base: Int, new: Int)] = []
      var (endA, endB) = (anchor.base, anchor.new)
      while endA > nextA, endB > nextB, a[endA - 1] == b[endB - 1] {
        (endA, endB) = (endA - 1, endB - 1)
        tail.append((endA, endB))
      }
      result += tail.reversed()
      if anchor.base < a.count { result.append(anchor) }
      (nextA, nextB) = (anchor.base + 1, anchor.new + 1)
    }
    return result
  }

  /// The longest part of pairs, given in order of `base`, that also rises in `new`.
  private static func rising(
    _ pairs: [(base: Int, new: Int)]
  ) -> [(base: Int, new: Int)] {
    var tails: [Int] = []
    var before = [Int](repeating: -1, count: pairs.count)
    for (index, pair) in pairs.enumerated() {
      var (low, high) = (0, tails.count)
      while low < high {
        let middle = (low + high) / 2
        if pairs[tails[middle]].new < pair.new { low = middle + 1 } else { high = middle }
      }
      if low > 0 { before[index] = tails[low - 1] }
      if low == tails.count { tails.append(index) } else { tails[low] = index }
    }
    var result: [(base: Int, new: Int)] = []
    var index = tails.last ?? -1
    while index >= 0 {
      result.append(pairs[index])
      index = before[index]
    }
    return result.reversed()
  }
}
