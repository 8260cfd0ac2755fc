import Hardware
import InstructionSet
import Lowering
import ModelGraph
import NeuronCore
import TraceFile

/// What a kernel of a program stands for in the model.
struct InvocationLabel: Sendable {
  /// The operators that it carries out, with a plus between them.
  var operators = ""
  /// The name of the first node.
  var node = ""
}

extension LoweredGraph {
  /// What each invocation of the program stands for.
  var labels: [InvocationLabel] {
    steps.map { step in
      var names: [String] = []
      for node in step.nodes where names.last != node.operation.name {
        names.append(node.operation.name)
      }
      return InvocationLabel(
        operators: names.joined(separator: "+"), node: step.nodes.first?.name ?? "")
    }
  }
}

/// Finds out when each engine came to each invocation, from the program counters of its events.
///
/// An engine's events come in the order of its queue, so that it has gone on when a program counter
/// lies outside of the invocation's rows, or when its last row is followed by its first one. A loop
/// over all rows of a stream counts as invocations of the same kernel where the next one is one.
struct InvocationClock {
  private let invocations: [Invocation]
  private let labels: [InvocationLabel]
  /// The rows of each engine in each segment.
  private let rows: [[Range<UInt32>]]
  private let bases: [Int]
  private var places: [Place]
  private var begins: [[Int64?]]

  /// Where an engine is.
  private struct Place {
    /// Its invocation, -1 before the first.
    var index = -1
    /// The rows there.
    var rows: Range<UInt32> = 0..<0
    /// The last row that ran.
    var last: UInt32 = 0
    /// The earliest start.
    var begin = Int64.max
  }

  init(_ program: LoadedProgram, _ labels: [InvocationLabel]) {
    invocations = program.program.invocations
    self.labels = labels
    bases = program.bases
    rows = zip(program.program.segments, program.bases).map { segment, base in
      Engine.allCases.map { engine in
        let range = segment.range(of: engine)
        return UInt32(base + range.lowerBound)..<UInt32(base + range.upperBound)
      }
    }
    places = Engine.allCases.map { _ in Place() }
    begins = Array(
      repeating: Array(repeating: nil, count: Engine.allCases.count), count: invocations.count)
  }

  /// Takes an engine's next events.
  mutating func note(_ events: some Sequence<Event>, on engine: Int) {
    // The place is kept at hand: this is done for every event of a run.
    var place = places[engine]
    for event in events {
      let programCounter = event.programCounter
      let isInside = place.rows.contains(programCounter)
      let isOver =
        programCounter == place.rows.lowerBound && place.last &+ 1 == place.rows.upperBound
      place.last = programCounter
      if !isInside || isOver {
        goOn(programCounter, at: event.start, on: engine, &place)
      } else if event.start < place.begin {
        // Rows are nearly in the order of their starts.
        place.begin = event.start
        begins[place.index][engine] = event.start
      }
    }
    places[engine] = place
  }

  private mutating func goOn(
    _ programCounter: UInt32, at time: Int64, on engine: Int, _ place: inout Place
  ) {
    var index = place.index + 1
    while index < invocations.count, rows[invocations[index].segment][engine].isEmpty {
      index += 1
    }
    // A loop's first row after its last one, where another kernel comes next.
    guard index < invocations.count,
      rows[invocations[index].segment][engine].contains(programCounter)
    else { return }
    place.index = index
    place.rows = rows[invocations[index].segment][engine]
    place.begin = time
    begins[index][engine] = time
  }

  /// All invocations, with what is known of them.
  var table: [TraceInvocation] {
    invocations.indices.map { index in
      let segment = invocations[index].segment
      let label = index < labels.count ? labels[index] : InvocationLabel()
      return TraceInvocation(
        firstRow: UInt32(bases[segment]), rowCount: UInt32(bases[segment + 1] - bases[segment]),
        layer: invocations[index].layer, operators: label.operators, node: label.node,
        begins: begins[index])
    }
  }
}
