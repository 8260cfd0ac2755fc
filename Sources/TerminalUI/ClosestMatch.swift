/// The candidate nearest to a mistyped word; nil when none is near enough to be meant.
///
/// Near enough is one edit for each three letters, at least one; upper and lower case are the same.
/// Equally near candidates: the first in alphabetical order.
package func closestMatch(_ word: String, in candidates: some Sequence<String>) -> String? {
  let letters = Array(word.lowercased())
  let limit = max(1, letters.count / 3)
  var best: (distance: Int, name: String)?
  for candidate in candidates {
    let others = Array(candidate.lowercased())
    if abs(others.count - letters.count) > limit { continue }
    let distance = editDistance(letters, others)
    if distance > limit { continue }
    if let best, (best.distance, best.name) <= (distance, candidate) { continue }
    best = (distance, candidate)
  }
  return best?.name
}

/// The Damerau-Levenshtein distance: insertions, deletions, substitutions and exchanges of
/// neighbours, each counting one. The restricted form: no letter takes part in two edits.
package func editDistance(_ first: [Character], _ second: [Character]) -> Int {
  if first.isEmpty || second.isEmpty { return max(first.count, second.count) }
  var beforeLast = [Int](repeating: 0, count: second.count + 1)
  var last = Array(0...second.count)
  var current = last
  for row in 1...first.count {
    current[0] = row
    for column in 1...second.count {
      let change = first[row - 1] == second[column - 1] ? 0 : 1
      var cost = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + change)
      let isExchange =
        row > 1 && column > 1 && first[row - 1] == second[column - 2]
        && first[row - 2] == second[column - 1]
      if isExchange { cost = min(cost, beforeLast[column - 2] + 1) }
      current[column] = cost
    }
    (beforeLast, last, current) = (last, current, beforeLast)
  }
  return last[second.count]
}
