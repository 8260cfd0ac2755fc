import InstructionSet
import KernelLibrary
import ModelGraph
import NumericFormats

/// What a product's kernel takes along on the way from PSUM to HBM: a bias of one value per column,
/// an activation, a residual of the product's shape and format, in this order.
struct ProductTail {
  private(set) var bias: String?
  private(set) var activation: ActivationFunction?
  private(set) var residual: String?
  /// The product and the nodes behind it.
  private(set) var nodes: [Node]
  /// Positions of the nodes behind the product.
  private(set) var positions: [Int] = []

  /// The tensor that comes out at the end.
  var output: String { nodes[nodes.count - 1].outputs[0] }

  init(after product: Node, in plan: LoweringPlan) throws(LoweringError) {
    nodes = [product]
    if let (other, next) = try addition(in: plan), try isBias(other, plan) {
      bias = other
      take(next)
    }
    if let next = plan.onlyReader(of: output), let function = Self.function(next.node.operation),
      next.node.inputs.count == 1
    {
      activation = function
      take(next)
    }
    if let (other, next) = try addition(in: plan), try isResidual(other, next.node, plan) {
      residual = other
      take(next)
    }
  }

  private mutating func take(_ next: (position: Int, node: Node)) {
    nodes.append(next.node)
    positions.append(next.position)
  }

  /// The addition that alone reads what comes out so far, and its other operand.
  private func addition(in plan: LoweringPlan) throws(LoweringError)
    -> (String, (position: Int, node: Node))?
  {
    guard let next = plan.onlyReader(of: output), Self.adds(next.node.operation),
      let other = next.node.inputs.first(where: { $0 != output }), plan.isAvailable(other),
      try plan.tensor(next.node.outputs[0]).shape == plan.tensor(output).shape
    else { return nil }
    return (other, next)
  }

  private static func adds(_ operation: Operator) -> Bool {
    switch operation {
    case .add: true
    case .elementwise(let elementwise): elementwise.function == .add
    default: false
    }
  }

  private func isBias(_ name: String, _ plan: LoweringPlan) throws(LoweringError) -> Bool {
    let operand = try plan.tensor(name)
    let columns = try plan.tensor(output).shape.columnCount
    return operand.shape.elementCount == columns && operand.shape.columnCount == columns
      && !operand.format.isInteger
  }

  private func isResidual(_ name: String, _ node: Node, _ plan: LoweringPlan)
    throws(LoweringError) -> Bool
  {
    let operand = try plan.tensor(name)
    let output = try plan.tensor(node.outputs[0])
    return operand.shape == output.shape && operand.format == output.format
  }

  /// The scalar engine's function of an operator, if it has one.
  static func function(_ operation: Operator) -> ActivationFunction? {
    switch operation {
    case .relu: return .relu
    case .silu: return .silu
    case .sigmoid: return .sigmoid
    case .elementwise(let elementwise):
      switch elementwise.function {
      case .relu: return .relu
      case .sigmoid: return .sigmoid
      case .tanh: return .tanh
      case .gelu: return .gelu
      case .geluTanh: return .geluTanh
      case .swish: return elementwise.alpha == 1 ? .silu : nil
      default: return nil
      }
    default: return nil
    }
  }
}
