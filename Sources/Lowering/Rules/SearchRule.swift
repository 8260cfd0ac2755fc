import KernelLibrary
import ModelGraph
import NumericFormats

/// The largest or smallest elements along an axis: argmax, argmin, top-k.
struct SearchRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    switch node.operation {
    case .argExtreme(let search):
      try self.search(
        node, axis: search.axis, count: 1, seeksLargest: search.seeksLargest,
        prefersLast: search.prefersLast, places: node.outputs[0], values: nil, &plan)
    case .topK(let choice):
      try self.search(
        node, axis: choice.axis, count: choice.count, seeksLargest: choice.seeksLargest,
        prefersLast: false, places: node.outputs.count > 1 ? node.outputs[1] : "",
        values: node.outputs[0].isEmpty ? nil : node.outputs[0], &plan)
    default: return nil
    }
    return [position]
  }

  /// Rows along the axis; another axis than the last is turned to the end and back.
  private func search(
    _ node: Node, axis: Int, count: Int, seeksLargest: Bool, prefersLast: Bool, places: String,
    values: String?, _ plan: inout LoweringPlan
  ) throws(LoweringError) {
    let x = try plan.tensor(node.inputs[0])
    let range = AxisRange(x.shape, axis: axis)
    let rows = range.outer * range.inner
    var source = node.inputs[0]
    if range.inner > 1 {
      source = plan.scratch("\(node.name)/rows", sizeBytes: x.sizeBytes, format: x.format)
      try plan.turn(node.inputs[0], range, to: source, format: x.format, nodes: [])
    }
    let turned = {
      (name: String, what: String, format: NumberFormat, plan: inout LoweringPlan) -> String in
      range.inner == 1 && !name.isEmpty
        ? name
        : plan.scratch(
          "\(node.name)/\(what)", sizeBytes: rows * count * format.sizeBytes,
          format: format)
    }
    let place = turned(places, "places", .int32, &plan)
    let value = values.map { turned($0, "values", x.format, &plan) }
    let isLast = range.inner == 1
    let tensors = [source] + [value].compactMap { $0 } + [place]
    var kernel = TopRowsKernel(
      rows: rows, columns: range.reduced, count: count, seeksLargest: seeksLargest,
      givesValues: value != nil, format: x.format)
    kernel.prefersLast = prefersLast
    try plan.invoke(kernel, tensors, nodes: isLast ? [node] : [])
    guard !isLast else { return }
    let back = AxisRange(outer: range.outer, reduced: range.inner, inner: count)
    if let value, let values {
      try plan.turn(value, back, to: values, format: x.format, nodes: places.isEmpty ? [node] : [])
    }
    if !places.isEmpty {
      try plan.turn(place, back, to: places, format: .int32, nodes: [node])
    }
  }
}
