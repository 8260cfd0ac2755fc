import Lowering
import ModelGraph
import ModelImport
import Results

/// How much of a model ran as instructions of the device, and what did not.
///
/// Lowering refuses a graph with a node that it cannot carry out, so that what is left are nodes
/// that only look at memory differently, and those that no input reaches: these were evaluated
/// while the model was read, as a compiler does.
struct ModelCoverage {
  private let nodeCount: Int
  private let foldedCount: Int
  private let total: (operators: Int, flops: Int, bytes: Int)
  private let carried: (operators: Int, flops: Int, bytes: Int)
  private let views: [String]
  private let frozen: [String]

  init(_ imported: ImportedModel, _ lowered: LoweredGraph) {
    nodeCount = imported.nodeCount
    foldedCount = imported.foldedCount
    frozen = imported.frozenInputs
    let graph = lowered.graph
    func sums(_ nodes: [Node]) -> (operators: Int, flops: Int, bytes: Int) {
      let bytes = nodes.flatMap(\.outputs).reduce(0) { $0 + (graph.tensor($1)?.sizeBytes ?? 0) }
      return (nodes.count, nodes.reduce(0) { $0 + graph.operationCount(of: $1) }, bytes)
    }
    let done = Set(lowered.steps.flatMap(\.nodes).map(\.name))
    total = sums(graph.nodes)
    carried = sums(graph.nodes.filter { done.contains($0.name) })
    views = graph.nodes.filter { !done.contains($0.name) }.map {
      "\($0.operation.name) '\($0.name)'"
    }
  }

  private func percent(_ part: Int, _ whole: Int) -> Double {
    whole == 0 ? 100 : 100 * Double(part) / Double(whole)
  }

  /// Shares in percent.
  var metrics: [String: Metric] {
    func share(_ part: Int, _ whole: Int) -> Metric {
      .simulated(MetricValue(percent(part, whole)), unit: "percent", better: .higher)
    }
    return [
      "coverage_operators_percent": share(carried.operators, total.operators),
      "coverage_flops_percent": share(carried.flops, total.flops),
      "coverage_bytes_percent": share(carried.bytes, total.bytes),
    ]
  }

  /// For people: the shares, and what did not run as instructions and why.
  var lines: [String] {
    func share(_ part: Int, _ whole: Int) -> String {
      "\(Int(percent(part, whole).rounded(.down))) %"
    }
    var lines = [
      "coverage: \(carried.operators) of \(total.operators) operators ran as device instructions, "
        + "with \(share(carried.flops, total.flops)) of the operations and "
        + "\(share(carried.bytes, total.bytes)) of the bytes made; "
        + "\(foldedCount) of the file's \(nodeCount) nodes depend on no input and were evaluated "
        + "while it was read"
    ]
    if !views.isEmpty {
      let shown = views.prefix(12).joined(separator: ", ")
      let rest = views.count > 12 ? " and \(views.count - 12) more" : ""
      lines.append("views of memory, without instructions: \(shown)\(rest)")
    }
    if !frozen.isEmpty {
      lines.append(
        "shapes depend on the values given for \(frozen.joined(separator: ", ")): the program is "
          + "for these values")
    }
    return lines
  }
}
