public import Hardware
public import Units

/// Who waits for whom when no core of a chip can go on.
public struct ChipDeadlock: Hashable, Sendable, CustomStringConvertible {
  /// An engine of a core.
  public struct Place: Hashable, Sendable, CustomStringConvertible {
    /// The core's number.
    public var core: Int
    /// The engine.
    public var engine: Engine

    /// `core 1 vector`.
    public var description: String { "core \(core) \(engine.name)" }
  }

  /// One engine that stands still.
  public struct Waiting: Hashable, Sendable {
    /// Where.
    public var place: Place
    /// Its instruction and what it waits for, for people.
    public var what: String
    /// Engines that could end the wait: they have the instruction in their queues.
    public var others: [Place]
  }

  /// Every engine that stands still, by core and engine.
  public var waiting: [Waiting]
  /// When the last thing happened.
  public var time: Picoseconds

  /// Engines that wait for one another in a circle, the first again at the end; empty when somebody
  /// waits for what nobody does any more.
  public var cycle: [Place] {
    for start in waiting {
      var path = [start.place]
      while let entry = waiting.first(where: { $0.place == path.last! }),
        let next = entry.others.first(where: { other in waiting.contains { $0.place == other } })
      {
        if let first = path.firstIndex(of: next) { return Array(path[first...]) + [next] }
        path.append(next)
      }
    }
    return []
  }

  /// One line per engine, then the circle.
  public var description: String {
    let lines = waiting.map { entry in
      let who =
        entry.others.isEmpty
        ? "nothing left in any queue ends that"
        : "could be ended by " + entry.others.map(\.description).joined(separator: ", ")
      return "  \(entry.place): \(entry.what); \(who)"
    }
    let circle = cycle.map(\.description).joined(separator: " waits for ")
    return "deadlock at \(time.value) ps: every engine of every core that is not done waits\n"
      + lines.joined(separator: "\n") + (circle.isEmpty ? "" : "\n  in a circle: \(circle)")
  }
}
