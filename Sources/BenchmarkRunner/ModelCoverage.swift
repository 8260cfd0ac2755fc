import Lowering
import ModelGraph
package import ModelImport
package import Results

extension Coverage {
  /// How much of a model ran as instructions of the device, and what did not.
  ///
  /// Lowering refuses a graph with a node that it cannot carry out, so that what is left are nodes
  /// that only look at memory differently, and those that no input reaches.
  init(_ imported: ImportedModel, _ lowered: LoweredGraph) {
    let counted = lowered.coverage
    self.init(counted)
    evaluatedWhenRead = imported.foldedCount
    leftOut = imported.unusedNodes.map {
      Exception(node: $0.node, operation: $0.operation, reason: "it feeds no output")
    }
    let host = imported.hostNodes
    guard !host.isEmpty else { return }
    operators += host.count
    flopsPercent = Self.share(
      counted.flopsOnDevice, of: host.reduce(counted.flops) { $0 + $1.flops })
    bytesPercent = Self.share(
      counted.bytesOnDevice, of: host.reduce(counted.bytes) { $0 + $1.bytes })
    elsewhere =
      host.map {
        Exception(
          node: $0.node, operation: $0.operation, reason: "on the host, because \($0.reason)",
          host: HostWork(flops: Int64($0.flops), bytes: Int64($0.bytes)))
      } + elsewhere
  }

  /// Shares in percent, for tables of metrics.
  var metrics: [String: Metric] {
    func share(_ percent: Double) -> Metric {
      .simulated(MetricValue(percent), unit: "percent", better: .higher)
    }
    let all = Double(max(1, operators))
    return [
      "coverage_operators_percent": share(100 * Double(operatorsOnDevice) / all),
      "coverage_flops_percent": share(flopsPercent),
      "coverage_bytes_percent": share(bytesPercent),
    ]
  }
}

extension ImportedModel {
  /// For people: what the program rests on beside shapes.
  var notes: [String] {
    var lines = emptyInputs.map {
      "input '\($0.name)' is \($0.shape): it has no elements, and what is made of it has none"
    }
    guard !frozenInputs.isEmpty else { return lines }
    lines += [
      "shapes depend on the values given for \(frozenInputs.joined(separator: ", ")): the program "
        + "is for these values"
    ]
    return lines
  }

  private var emptyInputs: [TensorDeclaration] {
    graph.tensors.filter { $0.role == .input && $0.shape.elementCount == 0 }
  }

  /// Why the graph has no node.
  var nothingLeft: String {
    let reasons = hostNodes.map(\.reason)
    guard let first = reasons.first else { return "no node depends on an input" }
    return "\(first), and every node follows from them"
  }
}

extension NonFiniteValues {
  /// What of a tensor is not finite.
  package init(_ tensor: NonFiniteTensor) {
    self.init(
      tensor: tensor.tensor, notNumbers: tensor.notNumbers, infinite: tensor.infinite,
      firstIndex: tensor.firstIndex, elements: tensor.elements)
  }
}
