/// One kernel of a run as it was invoked: what it stands for in the model, and when each engine
/// came to it. Rows of a program are shared by all invocations of a kernel; time tells them apart.
package struct TraceInvocation: Hashable, Sendable {
  /// The program counter of the first of its rows.
  package var firstRow: UInt32
  /// How many rows it has.
  package var rowCount: UInt32
  /// The layer of the model; empty when none.
  package var layer: String
  /// The operators that it carries out, with a plus between them; empty when none.
  package var operators: String
  /// The model's name of the first node that it carries out; empty when none.
  package var node: String
  /// When each engine's first instruction in it began, in a trace of samples the wait for it, in
  /// order of the engines; picoseconds. Nil for an engine that has none, or did not come so far.
  package var begins: [Int64?]

  package init(
    firstRow: UInt32, rowCount: UInt32, layer: String, operators: String, node: String,
    begins: [Int64?]
  ) {
    self.firstRow = firstRow
    self.rowCount = rowCount
    self.layer = layer
    self.operators = operators
    self.node = node
    self.begins = begins
  }
}

/// The invocations of a run, and which one a record belongs to.
package struct InvocationTable: Sendable {
  /// In the order of the program.
  package private(set) var all: [TraceInvocation] = []
  /// Of each engine: the invocations that it came to, in order, and when.
  private var places: [[(begin: Int64, index: Int)]] = Array(
    repeating: [], count: TrackID.engineCount)

  /// No invocations.
  package init() {}

  /// Adds invocations behind those that are there.
  mutating func append(_ more: [TraceInvocation]) {
    for invocation in more {
      for (engine, begin) in invocation.begins.enumerated() {
        guard let begin, engine < places.count else { continue }
        places[engine].append((begin, all.count))
      }
      all.append(invocation)
    }
  }

  /// True when the trace does not say which kernel ran when.
  package var isEmpty: Bool { all.isEmpty }

  /// The invocation that a row of an engine's stream belongs to at a time: the last one with that
  /// row that the engine had come to. A transfer belongs where its trigger does.
  package func invocation(
    of programCounter: UInt32, on engine: TrackID, at time: Int64
  ) -> TraceInvocation? {
    index(of: programCounter, on: engine, at: time).map { all[$0] }
  }

  /// See `invocation`; the number of the invocation.
  package func index(of programCounter: UInt32, on engine: TrackID, at time: Int64) -> Int? {
    guard !engine.isDMA, Int(engine.rawValue) < places.count else { return nil }
    let own = places[Int(engine.rawValue)]
    var (low, high) = (0, own.count)
    while low < high {
      let middle = (low + high) / 2
      if own[middle].begin <= time { low = middle + 1 } else { high = middle }
    }
    // Kernels of other rows may have begun since a transfer was triggered.
    while low > 0 {
      low -= 1
      let found = all[own[low].index]
      if programCounter >= found.firstRow, programCounter - found.firstRow < found.rowCount {
        return own[low].index
      }
    }
    return nil
  }
}
