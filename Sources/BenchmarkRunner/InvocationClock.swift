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
  /// Of each engine: its invocation, -1 before the first, the rows there, the last row, and the
  /// earliest start.
  private var places: [(index: Int, rows: Range<UInt32>, last: UInt32, begin: Int64)]
  private var begins: [[Int64?]]

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
    places = Engine.allCases.map { _ in (-1, 0..<0, 0, .max) }
    begins = Array(
      repeating: Array(repeating: nil, count: Engine.allCases.count), count: invocations.count)
  }

  /// Takes an engine's next event.
  @inline(__always)
  mutating func note(_ programCounter: UInt32, at time: Int64, on engine: Int) {
    let place = places[engine]
    let isInside = place.rows.contains(programCounter)
    let isOver =
      programCounter == place.rows.lowerBound && place.last &+ 1 == place.rows.upperBound
    places[engine].last = programCounter
    guard isInside && !isOver else { return goOn(programCounter, at: time, on: engine) }
    // Rows are nearly in the order of their starts.
    if time < place.begin {
      places[engine].begin = time
      begins[place.index][engine] = time
    }
  }

  private mutating func goOn(_ programCounter: UInt32, at time: Int64, on engine: Int) {
    var index = places[engine].index + 1
    while index < invocations.count, rows[invocations[index].segment][engine].isEmpty {
      index += 1
    }
    // A loop's first row after its last one, where another kernel comes next.
    guard index < invocations.count,
      rows[invocations[index].segment][engine].contains(programCounter)
    else { return }
    places[engine].index = index
    places[engine].rows = rows[invocations[index].segment][engine]
    places[engine].begin = time
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
