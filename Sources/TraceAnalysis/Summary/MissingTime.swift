package import TraceFile

/// When records of a track are missing, as far as the damage of its file tells.
package struct MissingTime: Sendable {
  private struct Stretch {
    var from: Int64
    var to: Int64
  }

  /// In order of time, apart from each other.
  private let stretches: [Stretch]

  /// What damage takes from a track.
  package init(_ damage: [TraceDamage], of track: TrackID) {
    let found = damage.filter { $0.tracks.contains(track) }.map {
      Stretch(from: $0.from ?? .min, to: $0.to ?? .max)
    }.sorted { $0.from < $1.from }
    var merged: [Stretch] = []
    for stretch in found where stretch.to > stretch.from {
      if let last = merged.last, stretch.from <= last.to {
        merged[merged.count - 1].to = max(last.to, stretch.to)
      } else {
        merged.append(stretch)
      }
    }
    stretches = merged
  }

  /// Whether nothing is missing.
  package var isEmpty: Bool { stretches.isEmpty }

  /// How much of `from..<to` is missing.
  package func time(from: Int64, to: Int64) -> Int64 {
    stretches.reduce(0) { $0 + max(0, min(to, $1.to) - max(from, $1.from)) }
  }

  /// Hands the missing parts of `from..<to` to `body`.
  func forEach(from: Int64, to: Int64, _ body: (_ from: Int64, _ to: Int64) -> Void) {
    for stretch in stretches where stretch.to > from && stretch.from < to {
      body(max(from, stretch.from), min(to, stretch.to))
    }
  }
}
