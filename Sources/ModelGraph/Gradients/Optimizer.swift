import NumericFormats

/// How weights follow their gradients. State lies beside each weight in fp32; weights keep their
/// own format.
package indirect enum Optimizer: Hashable, Sendable {
  /// w − rate·g.
  case descent(rate: Double)
  /// w − rate·v with v = momentum·v + g.
  case momentum(rate: Double, momentum: Double)
  /// AdamW (Loshchilov and Hutter, 2019): decoupled weight decay, moments corrected for their
  /// start.
  case adamW(rate: Double, beta1: Double, beta2: Double, epsilon: Double, decay: Double)
  /// Adagrad (Duchi, Hazan and Singer, 2011): w − rate·g/(√Σg² + epsilon).
  case adagrad(rate: Double, epsilon: Double)
  /// Layer-wise rates (You, Gitman and Ginsburg, 2017): v = momentum·v + trust·rate·(g + decay·w)
  /// with trust = coefficient·‖w‖/(‖g‖ + decay·‖w‖), then w − v. Tensors of one axis, biases and
  /// the scales of norms, have no decay and a trust of 1, as in MLPerf's reference.
  case lars(rate: Double, momentum: Double, decay: Double, coefficient: Double)
  /// Layer-wise AdamW (You et al., 2020): with u AdamW's ratio plus decay·w,
  /// w − rate·‖w‖/‖u‖·u. Tensors of one axis, biases and the scales of norms, have no decay and
  /// their rate as it is, as in MLPerf's reference.
  case lamb(rate: Double, beta1: Double, beta2: Double, epsilon: Double, decay: Double)
  /// Another method on gradients that are made shorter together: all times norm / max(‖g‖, norm),
  /// ‖g‖ over every gradient of the model (Pascanu, Mikolov and Bengio, 2013).
  case clipped(Optimizer, norm: Double)
}

extension GraphBuilder {
  /// Appends one step of an optimiser: `gradients` names each weight's derivative. Weights are
  /// state tensors; the step declares the optimiser's own state and updates both.
  ///
  /// Throws `unknownTensor` for a weight that the graph does not declare.
  package mutating func step(_ optimizer: Optimizer, _ gradients: [String: String])
    throws(GraphError)
  {
    var step = OptimizerStep(self)
    try step.append(optimizer, gradients)
    self = step.builder
  }
}

/// The nodes of one step.
private struct OptimizerStep {
  private(set) var builder: GraphBuilder
  private var constants: [Double: String] = [:]
  private var madeCount = 0

  init(_ builder: GraphBuilder) { self.builder = builder }

  mutating func append(_ optimizer: Optimizer, _ gradients: [String: String]) throws(GraphError) {
    if case .clipped(let method, let norm) = optimizer {
      return try append(method, try clipped(gradients, to: norm))
    }
    let corrections = try corrections(optimizer)
    for weight in gradients.keys.sorted() {
      guard let gradient = gradients[weight], let tensor = builder.graph.tensor(weight) else {
        throw .unknownTensor(node: "optimizer", tensor: weight)
      }
      let change: String
      switch optimizer {
      case .descent(let rate):
        madeCount += 1
        guard tensor.format == .float32 else {
          throw .badValue(
            tensor: weight, reason: "plain descent takes fp32 weights; use another optimiser")
        }
        let new = try builder.apply(
          .gradientDescent(learningRate: rate), to: [weight, gradient],
          name: "optimizer.\(madeCount).descent", format: .float32)
        try store(new, in: tensor)
        continue
      case .momentum(let rate, let momentum):
        let kept = try made(.multiply, state("velocity", of: tensor), number(momentum))
        let velocity = try made(.add, kept, gradient)
        try replace("velocity", of: tensor, by: velocity)
        change = try made(.multiply, velocity, number(rate))
      case .adamW(let rate, let beta1, let beta2, let epsilon, let decay):
        let wanted = try adam(
          tensor, gradient, [beta1, beta2], epsilon: epsilon, decay: decay, corrections)
        change = try made(.multiply, wanted, number(rate))
      case .lamb(let rate, let beta1, let beta2, let epsilon, let decay):
        let isPlain = tensor.shape.rank == 1
        let wanted = try adam(
          tensor, gradient, [beta1, beta2], epsilon: epsilon, decay: isPlain ? 0 : decay,
          corrections)
        let axes = Array(0..<tensor.shape.rank)
        let trusted =
          isPlain
          ? wanted
          : try made(.multiply, wanted, made(.divide, norm(weight, axes), norm(wanted, axes)))
        change = try made(.multiply, trusted, number(rate))
      case .adagrad(let rate, let epsilon):
        let sum = try made(
          .add, state("sum of squares", of: tensor), made(.multiply, gradient, gradient))
        try replace("sum of squares", of: tensor, by: sum)
        let size = try made(.add, made(.sqrt, sum), number(epsilon))
        change = try made(.multiply, made(.divide, gradient, size), number(rate))
      case .lars(let rate, let momentum, let decay, let coefficient):
        var wanted = gradient
        if tensor.shape.rank > 1 {
          let pull = try made(.multiply, weight, number(decay))
          let trust = try trust(tensor, gradient, decay: decay, coefficient: coefficient)
          wanted = try made(.multiply, made(.add, gradient, pull), trust)
        }
        let kept = try made(.multiply, state("velocity", of: tensor), number(momentum))
        change = try made(.add, kept, made(.multiply, wanted, number(rate)))
        try replace("velocity", of: tensor, by: change)
      case .clipped:
        throw .badValue(tensor: weight, reason: "gradients are clipped once, before any method")
      }
      madeCount += 1
      let new = try builder.apply(
        .elementwise(Elementwise(.subtract)), to: [weight, change],
        name: "optimizer.\(madeCount).\(ElementwiseFunction.subtract.rawValue)",
        format: tensor.format)
      try store(new, in: tensor)
    }
  }

  /// What the moments of an optimiser are divided by, as they begin at zero.
  private mutating func corrections(_ optimizer: Optimizer) throws(GraphError) -> [String] {
    switch optimizer {
    case .adamW(_, let beta1, let beta2, _, _), .lamb(_, let beta1, let beta2, _, _):
      [try startCorrection(beta1, "1"), try startCorrection(beta2, "2")]
    default: []
    }
  }

  /// Gradients whose common norm is at most `limit`.
  private mutating func clipped(_ gradients: [String: String], to limit: Double)
    throws(GraphError) -> [String: String]
  {
    var total: String?
    for weight in gradients.keys.sorted() {
      guard let gradient = gradients[weight], let tensor = builder.graph.tensor(gradient) else {
        throw .unknownTensor(node: "optimizer", tensor: weight)
      }
      madeCount += 1
      let squares = try builder.apply(
        .reduce(
          Reduction(
            .sumOfSquares, axes: Array(0..<tensor.shape.rank), keepsDimensions: false)),
        to: [gradient], name: "optimizer.\(madeCount).squares", format: .float32)
      total =
        try total.map { (sum) throws(GraphError) in
          try made(.add, sum, squares)
        } ?? squares
    }
    guard let total else { return gradients }
    let factor = try made(
      .divide, number(limit), made(.maximum, made(.sqrt, total), number(limit)))
    var result: [String: String] = [:]
    for weight in gradients.keys.sorted() {
      if let gradient = gradients[weight] {
        result[weight] = try made(.multiply, gradient, factor)
      }
    }
    return result
  }

  /// 1 − βᵗ, from a power that is carried along: the program of a step is the same for every t.
  private mutating func startCorrection(_ beta: Double, _ order: String) throws(GraphError)
    -> String
  {
    let power = try builder.given(
      "optimizer.power \(order)", [1], role: .state, format: .float32, fill: .constant(1))
    let next = try made(.multiply, power, number(beta))
    try builder.mark(next, as: .output, updates: power)
    return try made(.subtract, number(1), next)
  }

  /// m/(√v + epsilon) + decay·w, of the moments corrected for their start. The first moment comes
  /// into the quotient as it is kept, so that nothing else of it has to be stored.
  private mutating func adam(
    _ tensor: TensorDeclaration, _ gradient: String, _ betas: [Double], epsilon: Double,
    decay: Double, _ corrections: [String]
  ) throws(GraphError) -> String {
    let first = try average("moment", of: tensor, gradient, betas[0])
    let second = try average(
      "second moment", of: tensor, made(.multiply, gradient, gradient), betas[1])
    let size = try made(.sqrt, made(.divide, second, corrections[1]))
    let quotient = try made(.divide, first, made(.add, size, number(epsilon)))
    let ratio = try made(.divide, quotient, corrections[0])
    return decay == 0
      ? ratio : try made(.add, ratio, made(.multiply, tensor.name, number(decay)))
  }

  /// β·old + (1 − β)·new, as old + (1 − β)·(new − old): each step reads the one before, and one
  /// kernel takes all.
  private mutating func average(
    _ name: String, of tensor: TensorDeclaration, _ new: String, _ beta: Double
  ) throws(GraphError) -> String {
    let old = try state(name, of: tensor)
    let change = try made(.multiply, made(.subtract, new, old), number(1 - beta))
    let result = try made(.add, change, old)
    try replace(name, of: tensor, by: result)
    return result
  }

  private mutating func trust(
    _ tensor: TensorDeclaration, _ gradient: String, decay: Double, coefficient: Double
  ) throws(GraphError) -> String {
    let axes = Array(0..<tensor.shape.rank)
    let weights = try norm(tensor.name, axes)
    let size = try made(.add, norm(gradient, axes), made(.multiply, weights, number(decay)))
    return try made(.multiply, made(.divide, weights, size), number(coefficient))
  }

  private mutating func norm(_ name: String, _ axes: [Int]) throws(GraphError) -> String {
    madeCount += 1
    return try builder.apply(
      .reduce(Reduction(.l2, axes: axes, keepsDimensions: true)), to: [name],
      name: "optimizer.\(madeCount).norm", format: .float32)
  }

  /// A state tensor of the optimiser, zero at first.
  private mutating func state(_ name: String, of tensor: TensorDeclaration) throws(GraphError)
    -> String
  {
    try builder.given(
      "\(tensor.name).\(name)", tensor.shape, role: .state, format: .float32, fill: .zeros)
  }

  private mutating func replace(
    _ name: String, of tensor: TensorDeclaration, by new: String
  ) throws(GraphError) {
    try builder.mark(new, as: .output, updates: "\(tensor.name).\(name)")
  }

  /// The new weights take the place of the old ones.
  private mutating func store(_ new: String, in tensor: TensorDeclaration) throws(GraphError) {
    try builder.mark(new, as: .output, updates: tensor.name)
  }

  private mutating func number(_ value: Double) throws(GraphError) -> String {
    if let known = constants[value] { return known }
    let name = try builder.given(
      "optimizer.constant \(value)", [1], role: .weight, format: .float32, fill: .constant(value))
    constants[value] = name
    return name
  }

  private mutating func made(_ function: ElementwiseFunction, _ inputs: String...)
    throws(GraphError) -> String
  {
    madeCount += 1
    return try builder.apply(
      .elementwise(Elementwise(function)), to: inputs,
      name: "optimizer.\(madeCount).\(function.rawValue)", format: .float32)
  }
}
