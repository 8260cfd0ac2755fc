import KernelLibrary
import ModelGraph
import NumericFormats

/// Mixtures of experts.
struct ExpertRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    if case .scaledExpertLayer(let layer) = node.operation {
      try scaled(layer, node, &plan)
      return [position]
    }
    guard case .expertLayer(let layer) = node.operation else { return nil }
    let x = try plan.tensor(node.inputs[0])
    let logits = try plan.tensor(node.inputs[1])
    guard logits.format == .float32 else {
      throw node.refused("logits of \(logits.format.name); the router's are fp32")
    }
    for name in node.inputs[2...4] where try plan.tensor(name).format != x.format {
      throw node.refused(
        "experts' weights of \(try plan.tensor(name).format.name) beside tokens of "
          + "\(x.format.name); their kernel takes them alike, or in MXFP4")
    }
    let kernel = ExpertLayerKernel(
      tokens: x.rowCount, width: x.shape.columnCount,
      hidden: try plan.tensor(node.inputs[2]).shape.columnCount,
      experts: logits.shape.columnCount, chosen: layer.chosen, format: x.format)
    if let groups = ExpertGroups(kernel, on: plan.device) {
      try grouped(kernel, groups, node, &plan)
    } else {
      try plan.invoke(kernel, node.inputs + node.outputs, nodes: [node])
    }
    return [position]
  }

  /// Tokens dealt to their experts, blocks of them computed, and their results added up.
  private func grouped(
    _ layer: ExpertLayerKernel, _ groups: ExpertGroups, _ node: Node, _ plan: inout LoweringPlan
  ) throws(LoweringError) {
    let (choices, rowBytes) = (
      layer.tokens * layer.chosen, layer.width * layer.format.sizeBytes
    )
    let scratch = {
      (what: String, elements: Int, format: NumberFormat, plan: inout LoweringPlan) -> String in
      plan.scratch(
        "\(node.name)/\(what)", sizeBytes: elements * format.sizeBytes, format: format)
    }
    let rows = scratch("rows", groups.slots, .uint32, &plan)
    let places = scratch("places", choices, .uint32, &plan)
    let weights = scratch("weights", choices, .float32, &plan)
    let owners = scratch("owners", groups.blocks, .int32, &plan)
    let dealt = scratch("dealt", groups.slots * layer.width, layer.format, &plan)
    let made = scratch("made", groups.slots * layer.width, layer.format, &plan)
    try plan.invoke(
      ExpertDispatchKernel(layer, block: groups.block, blocks: groups.blocks),
      [node.inputs[1], rows, places, weights, owners],
      nodes: [])
    try plan.invoke(
      EmbeddingKernel(
        count: groups.slots, rows: layer.tokens, columns: layer.width, format: layer.format),
      [rows, node.inputs[0], dealt], nodes: [])
    let block = ExpertBlockKernel(layer, tokens: groups.block)
    for number in 0..<groups.blocks {
      let part = { (name: String, plan: inout LoweringPlan) in
        plan.part(
          of: name, byteOffset: number * groups.block * rowBytes,
          sizeBytes: groups.block * rowBytes)
      }
      let owner = plan.part(of: owners, byteOffset: number * 4, sizeBytes: 4)
      try plan.invoke(
        block, [part(dealt, &plan)] + node.inputs[2...4] + [owner, part(made, &plan)], nodes: [])
    }
    try plan.invoke(
      ExpertCombineKernel(layer, slots: groups.slots),
      [made, places, weights] + node.outputs, nodes: [node])
  }

  /// Weights in MXFP4.
  private func scaled(_ layer: ScaledExpertLayer, _ node: Node, _ plan: inout LoweringPlan)
    throws(LoweringError)
  {
    let x = try plan.tensor(node.inputs[0])
    let logits = try plan.tensor(node.inputs[1])
    let output = try plan.tensor(node.outputs[0])
    guard logits.format == .float32, x.format == .bfloat16, output.format == .bfloat16 else {
      throw node.refused("takes bf16 tokens, gives the same, and the router's logits are fp32")
    }
    for place in [2, 4, 6] {
      guard try plan.tensor(node.inputs[place]).format == .uint16,
        try plan.tensor(node.inputs[place + 1]).format == .uint8
      else { throw node.refused("numbers are uint16 of four codes, scales uint8") }
    }
    try plan.invoke(
      ScaledExpertKernel(
        tokens: x.rowCount, width: x.shape.columnCount,
        hidden: try plan.tensor(node.inputs[2]).shape.columnCount,
        experts: logits.shape.columnCount, chosen: layer.chosen),
      node.inputs + node.outputs, nodes: [node])
  }
}

extension AttentionKernel {
  /// Takes a window over: a decoding step looks at its keys alone, other kernels mask the rest.
  mutating func take(window: Int?) {
    guard let window, window < keys else { return }
    guard queries == 1 else {
      self.window = window
      return
    }
    capacity = keys
    firstKey = keys - window
    keys = window
  }
}
