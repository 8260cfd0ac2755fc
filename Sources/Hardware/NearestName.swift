/// The candidate closest to `name` by edits of one character, or nil when none is close enough.
///
/// Close enough means at most half of the name's characters differ. Ties go to the earlier one.
package func nearestName(to name: String, among candidates: [String]) -> String? {
  let typed = Array(name.lowercased())
  var best: (distance: Int, candidate: String)?
  for candidate in candidates {
    let distance = editDistance(typed, Array(candidate.lowercased()))
    if distance < best?.distance ?? .max { best = (distance, candidate) }
  }
  guard let best, best.distance * 2 <= max(typed.count, best.candidate.count) else { return nil }
  return best.candidate
}

/// Insertions, deletions and replacements that turn one word into the other.
private func editDistance(_ first: [Character], _ second: [Character]) -> Int {
  var previous = Array(0...second.count)
  for (row, letter) in first.enumerated() {
    var current = [row + 1]
    for (column, other) in second.enumerated() {
      let replaced = previous[column] + (letter == other ? 0 : 1)
      current.append(min(replaced, previous[column + 1] + 1, current[column] + 1))
    }
    previous = current
  }
  return previous[second.count]
}
