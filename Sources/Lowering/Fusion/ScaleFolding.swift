import ModelGraph
import NumericFormats

extension Graph {
  /// The same graph with what is done to each channel behind a convolution, by numbers that are
  /// known, folded into its weights and bias: batch normalisations of inference, products and sums
  /// with one number or one per channel, as trained networks leave them. Steps on the way must have
  /// no other reader. Weights of 16 bits stay: a scale would round anew what was rounded for
  /// itself, which costs more likeness than the roundings between the steps (text recognition of
  /// PP-OCR in bf16: a cosine of 0.959 for 0.988). The graph holds no calls any more.
  func foldingScales() throws(GraphError) -> Graph {
    let walk = GraphWalk(self)
    var found: [Int: ScaledConvolution] = [:]
    var gone: Set<Int> = []
    for place in nodes.indices {
      guard let match = ScaledConvolution(at: place, walk) else { continue }
      found[match.last] = match
      gone.formUnion(match.steps)
    }
    return try replacing(gone, at: Set(found.keys)) { (place, result) throws(GraphError) in
      try found[place]?.append(to: &result, from: self)
    }
  }
}

/// A convolution with known weights and the steps behind it that scale and shift its channels.
private struct ScaledConvolution {
  /// The convolution and the steps, and the last of them.
  private(set) var steps: [Int]
  var last: Int { steps[steps.count - 1] }
  /// What each channel of the bare convolution is multiplied by, and what is added then.
  private var factors: [Double]
  private var shifts: [Double]
  /// The weights that the convolution gets.
  private let shape: TensorShape
  private var values: [Float] = []

  init?(at place: Int, _ walk: GraphWalk) {
    let node = walk.graph.nodes[place]
    guard case .convolution(let convolution) = node.operation,
      convolution.weightLayout == .outputsFirst, convolution.outputLayout == .imagesFirst,
      let weights = Self.known(node.inputs[1], walk),
      walk.graph.tensor(node.inputs[1])?.format == .float32,
      let type = walk.realType(node.outputs[0])
    else { return nil }
    shape = weights.shape
    let channels = walk.shape(node.outputs[0])[1]
    steps = [place]
    factors = [Double](repeating: 1, count: channels)
    shifts = factors.map { _ in 0 }
    if node.inputs.count > 2, !node.inputs[2].isEmpty {
      guard let bias = Self.known(node.inputs[2], walk) else { return nil }
      shifts = bias.allValues
    }
    var tensor = node.outputs[0]
    while let (at, next) = walk.onlyReader(of: tensor), walk.realType(next.outputs[0]) == type,
      walk.shape(next.outputs[0]) == walk.shape(node.outputs[0]), take(next, of: tensor, walk)
    {
      steps.append(at)
      tensor = next.outputs[0]
    }
    guard steps.count > 1, (factors + shifts).allSatisfy(\.isFinite) else { return nil }
    let perOutput = weights.count / max(1, channels)
    values = (0..<weights.count).map { Float(weights[$0] * factors[$0 / perOutput]) }
    guard values.allSatisfy(\.isFinite) else { return nil }
  }

  /// Takes a step over a tensor, if it does the same to all of a channel.
  private mutating func take(_ node: Node, of tensor: String, _ walk: GraphWalk) -> Bool {
    switch node.operation {
    case .channelNormalization(let norm):
      guard norm.moments == .given, norm.layout == .imagesFirst, node.inputs[0] == tensor else {
        return false
      }
      var parameters: [[Double]] = []
      for name in node.inputs.dropFirst() {
        guard let values = perChannel(name, of: tensor, walk) else { return false }
        parameters.append(values)
      }
      for channel in factors.indices {
        let factor =
          parameters[0][channel] / (parameters[3][channel] + norm.epsilon).squareRoot()
        factors[channel] *= factor
        shifts[channel] =
          (shifts[channel] - parameters[2][channel]) * factor + parameters[1][channel]
      }
      return true
    case .add: return join(node, of: tensor, walk) { ($0, $1 + $2) }
    case .multiply: return join(node, of: tensor, walk) { ($0 * $2, $1 * $2) }
    case .elementwise(let elementwise):
      switch elementwise.function {
      case .add: return join(node, of: tensor, walk) { ($0, $1 + $2) }
      case .multiply: return join(node, of: tensor, walk) { ($0 * $2, $1 * $2) }
      case .subtract where node.inputs[0] == tensor:
        return join(node, of: tensor, walk) { ($0, $1 - $2) }
      case .divide where node.inputs[0] == tensor:
        return join(node, of: tensor, walk) { ($0 / $2, $1 / $2) }
      default: return false
      }
    default: return false
    }
  }

  /// A sum or product with something that is known for each channel.
  private mutating func join(
    _ node: Node, of tensor: String, _ walk: GraphWalk,
    _ change: (_ factor: Double, _ shift: Double, _ other: Double) -> (Double, Double)
  ) -> Bool {
    guard node.inputs.count == 2, let other = node.inputs.first(where: { $0 != tensor }),
      let values = perChannel(other, of: tensor, walk)
    else { return false }
    for channel in factors.indices {
      (factors[channel], shifts[channel]) =
        change(factors[channel], shifts[channel], values[channel])
    }
    return true
  }

  /// The numbers of a known tensor by channel; nil where it tells places apart. A list of a
  /// normalisation's is by channel, that of a sum by its last axis.
  private func perChannel(_ name: String, of tensor: String, _ walk: GraphWalk) -> [Double]? {
    guard let view = Self.known(name, walk) else { return nil }
    if view.count == 1 { return factors.map { _ in view[0] } }
    let (shape, rank) = (walk.shape(name), walk.shape(tensor).rank)
    let axis = shape.rank - (rank - 1)
    let isParameter =
      shape.rank == 1
      && walk.readers[name]?.allSatisfy {
        if case .channelNormalization = walk.graph.nodes[$0].operation { true } else { false }
      } == true
    guard view.count == factors.count,
      isParameter || axis >= 0 && axis < shape.rank && shape[axis] == factors.count
    else { return nil }
    return view.allValues
  }

  /// The values of a weight that stand in the graph, of real numbers.
  private static func known(_ name: String, _ walk: GraphWalk) -> TensorView? {
    guard let tensor = walk.graph.tensor(name), tensor.role == .weight,
      tensor.type == .format(tensor.format), !tensor.type.isInteger
    else { return nil }
    switch tensor.fill {
    case .values(let constant): return constant.view
    case .constant(let value):
      return try? TensorView(
        [Double](repeating: value, count: tensor.shape.elementCount), shape: tensor.shape,
        format: tensor.format)
    default: return nil
    }
  }

  /// Appends the convolution with weights and bias of its own.
  func append(to result: inout Graph, from graph: Graph) throws(GraphError) {
    var whole = graph.nodes[steps[0]]
    let names = (weights: "\(whole.name)/scaled weights", bias: "\(whole.name)/shifts")
    let channels = TensorShape([factors.count])
    try result.declare(
      TensorDeclaration(
        name: names.weights, shape: shape, format: .float32, role: .weight,
        fill: .values(
          TensorConstant(
            try TensorView(values, shape: shape, format: .float32)))))
    try result.declare(
      TensorDeclaration(
        name: names.bias, shape: channels, format: .float32, role: .weight,
        fill: .values(
          TensorConstant(
            try TensorView(
              shifts.map { Float($0) }, shape: channels, format: .float32)))))
    whole.inputs = [whole.inputs[0], names.weights, names.bias]
    whole.outputs = graph.nodes[last].outputs
    result.append(whole)
  }
}
