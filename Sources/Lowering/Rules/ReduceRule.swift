import InstructionSet
import KernelLibrary
import ModelGraph
import NumericFormats

/// Reductions over any axes: groups of neighbours one after the other.
struct ReduceRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard case .reduce(let reduction) = node.operation else { return nil }
    let x = try plan.tensor(node.inputs[0])
    if x.shape.elementCount == 0 {
      try fill(node, reduction.kind, &plan)
      return [position]
    }
    let groups = AxisGroups(x.shape, reduced: reduction.axes)
    guard reduction.kind == .logSumExp else {
      try reduce(node, reduction.kind, groups, from: x, &plan)
      return [position]
    }
    guard let range = groups.single else {
      throw node.refused("the exponentials of axes that are not neighbours are not summed yet")
    }
    try LogSumExp(node, range, input: x.format).append(
      from: node.inputs[0], to: node.outputs[0], nodes: [node], &plan)
    return [position]
  }

  /// What a reduction over nothing is: a constant.
  private func fill(_ node: Node, _ kind: ReductionKind, _ plan: inout LoweringPlan)
    throws(LoweringError)
  {
    let output = try plan.tensor(node.outputs[0])
    let bounds = output.type.integerBounds
    let value: Float
    switch kind {
    case .maximum: value = bounds.map { Float($0.lowerBound) } ?? -.infinity
    case .minimum: value = bounds.map { Float($0.upperBound) } ?? .infinity
    case .logSum, .logSumExp: value = -.infinity
    case .product: value = 1
    case .mean: value = .nan
    case .sum, .l1, .l2, .sumOfSquares: value = 0
    }
    let count = output.shape.elementCount
    try plan.invoke(
      MoveKernel(
        "fill", inputs: [], outputs: [.init(count: count, format: output.format)],
        pieces: [.init(.constant(value), sizes: [count], from: [0], to: [1])]),
      node.outputs, nodes: [node])
  }

  private func reduce(
    _ node: Node, _ kind: ReductionKind, _ groups: AxisGroups, from x: TensorDeclaration,
    _ plan: inout LoweringPlan
  ) throws(LoweringError) {
    let output = try plan.tensor(node.outputs[0])
    var source = (name: node.inputs[0], format: x.format)
    var rest = groups
    var isFirst = true
    repeat {
      let range = rest.last
      let isLast = rest.reducedCount <= 1
      let format = isLast ? output.format : .float32
      var kernel = ReduceKernel(
        outer: range.outer, reduced: range.reduced, inner: range.inner, join(kind),
        input: source.format, output: format)
      if isFirst { kernel.first = first(kind) }
      if isLast {
        kernel.last = last(kind)
        if kind == .mean { kernel.scale = 1 / Float(max(1, groups.reducedElements)) }
      }
      let target =
        isLast
        ? node.outputs[0]
        : plan.scratch(
          "\(node.name)/\(rest.reducedCount)", sizeBytes: range.outer * range.inner * 4,
          format: .float32)
      try plan.invoke(kernel, [source.name, target], nodes: isLast ? [node] : [])
      source = (target, format)
      rest = rest.withoutLast
      isFirst = false
      if isLast { return }
    } while true
  }

  private func join(_ kind: ReductionKind) -> ReduceKernel.Join {
    switch kind {
    case .maximum: .maximum
    case .minimum: .minimum
    case .product: .product
    default: .sum
    }
  }

  private func first(_ kind: ReductionKind) -> ActivationFunction? {
    switch kind {
    case .l2, .sumOfSquares: .square
    case .l1: .abs
    default: nil
    }
  }

  private func last(_ kind: ReductionKind) -> ActivationFunction? {
    switch kind {
    case .l2: .sqrt
    case .logSum: .log
    default: nil
    }
  }
}

/// The axes of a tensor in groups of neighbours, kept and reduced in turn.
struct AxisGroups {
  private var groups: [(size: Int, isReduced: Bool)] = []

  init(_ shape: TensorShape, reduced axes: [Int]) {
    let reduced = Set(axes.map { shape.axis($0) })
    for axis in 0..<shape.rank where shape[axis] != 1 {
      let isReduced = reduced.contains(axis)
      if let last = groups.last, last.isReduced == isReduced {
        groups[groups.count - 1].size *= shape[axis]
      } else {
        groups.append((shape[axis], isReduced))
      }
    }
  }

  /// Groups of reduced axes.
  var reducedCount: Int { groups.count { $0.isReduced } }
  /// Elements that each result joins.
  var reducedElements: Int { groups.reduce(1) { $1.isReduced ? $0 * $1.size : $0 } }

  /// The last reduced group between what stands before and behind it.
  var last: AxisRange {
    guard let place = groups.lastIndex(where: \.isReduced) else {
      return AxisRange(outer: groups.reduce(1) { $0 * $1.size }, reduced: 1, inner: 1)
    }
    return AxisRange(
      outer: groups[..<place].reduce(1) { $0 * $1.size }, reduced: groups[place].size,
      inner: groups[(place + 1)...].reduce(1) { $0 * $1.size })
  }

  /// The only reduced group; nil when there are several.
  var single: AxisRange? { reducedCount <= 1 ? last : nil }

  /// The groups when the last reduced one is gone.
  var withoutLast: AxisGroups {
    var rest = self
    if let place = groups.lastIndex(where: \.isReduced) { rest.groups.remove(at: place) }
    return rest
  }
}
