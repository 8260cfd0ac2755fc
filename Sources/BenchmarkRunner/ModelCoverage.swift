import Lowering
import ModelImport
import Results

extension Coverage {
  /// How much of a model ran as instructions of the device, and what did not.
  ///
  /// Lowering refuses a graph with a node that it cannot carry out, so that what is left are nodes
  /// that only look at memory differently, and those that no input reaches.
  init(_ imported: ImportedModel, _ lowered: LoweredGraph) {
    self.init(lowered.coverage)
    evaluatedWhenRead = imported.foldedCount
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
    guard !frozenInputs.isEmpty else { return [] }
    return [
      "shapes depend on the values given for \(frozenInputs.joined(separator: ", ")): the program "
        + "is for these values"
    ]
  }
}
