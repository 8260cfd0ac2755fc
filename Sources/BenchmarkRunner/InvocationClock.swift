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

/// Finds out when each engine came to each invocation: an engine's events come in the order of its
/// queue, and its first one of each kernel is marked.
struct InvocationClock {
  private let invocations: [Invocation]
  private let labels: [InvocationLabel]
  /// Whether each engine has rows in each segment.
  private let hasRows: [[Bool]]
  private let bases: [Int]
  private var places: [Place]
  private var begins: [[Int64?]]

  /// Where an engine is.
  private struct Place {
    /// Its invocation, -1 before the first.
    var index = -1
    /// The earliest start.
    var begin = Int64.max
  }

  init(_ program: LoadedProgram, _ labels: [InvocationLabel]) {
    invocations = program.program.invocations
    self.labels = labels
    bases = program.bases
    hasRows = program.program.segments.map { segment in
      Engine.allCases.map { !segment.range(of: $0).isEmpty }
    }
    places = Engine.allCases.map { _ in Place() }
    begins = Array(
      repeating: Array(repeating: nil, count: Engine.allCases.count), count: invocations.count)
  }

  /// Takes an engine's next events. With `waits` a kernel begins with the wait for its first
  /// instruction, so that samples of that wait belong to it.
  mutating func note(_ events: some Sequence<Event>, on engine: Int, waits: Bool = false) {
    // The place is kept at hand: this may be done for every event of a run.
    var place = places[engine]
    for event in events {
      if event.isFirst {
        place.index = following(place.index, on: engine)
        place.begin = .max
      }
      // Rows are nearly in the order of their starts.
      let begin = waits ? event.start - event.wait : event.start
      if begin < place.begin {
        place.begin = begin
        begins[place.index][engine] = begin
      }
    }
    places[engine] = place
  }

  /// The next invocation that an engine has rows in.
  private func following(_ index: Int, on engine: Int) -> Int {
    var index = index + 1
    while !hasRows[invocations[index].segment][engine] { index += 1 }
    return index
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
