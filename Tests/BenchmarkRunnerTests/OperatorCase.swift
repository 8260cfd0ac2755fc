import BenchmarkRunner
import Lowering
import ModelGraph
import NumericFormats
import Testing

/// One operator as a graph of its own, run on the model with hazards watched.
struct OperatorCase {
  /// A tensor that is given.
  struct Input {
    var shape: TensorShape
    var type: ElementType
    var fill: TensorFill

    /// Bell-shaped real numbers.
    static func floats(_ shape: TensorShape, _ type: ElementType = .float32) -> Input {
      Input(shape: shape, type: type, fill: .normal(standardDeviation: 1))
    }

    /// Whole numbers from 0 on.
    static func whole(_ shape: TensorShape, below count: Int, _ type: ElementType = .int64)
      -> Input
    {
      Input(shape: shape, type: type, fill: .indices(count: count))
    }

    /// Real numbers within bounds.
    static func spread(_ shape: TensorShape, _ low: Double, _ high: Double) -> Input {
      Input(shape: shape, type: .float32, fill: .uniform(low: low, high: high))
    }

    /// Known numbers.
    static func values(_ values: [Double], _ shape: TensorShape, _ type: ElementType = .float32)
      throws -> Input
    {
      Input(
        shape: shape, type: type,
        fill: .values(TensorConstant(try TensorView(values, shape: shape, type: type))))
    }
  }

  /// The graph: the operator on its inputs, nil for one that is left out.
  let graph: Graph

  init(
    _ operation: ModelGraph.Operator, _ inputs: [Input?], results: Int = 1,
    format: NumberFormat = .float32
  ) throws {
    var builder = GraphBuilder(name: "case", format: format)
    var names: [String] = []
    for (index, input) in inputs.enumerated() {
      guard let input else {
        names.append("")
        continue
      }
      names.append("in\(index)")
      try builder.given(
        "in\(index)", input.shape, format: input.type.storage, fill: input.fill,
        type: input.type)
    }
    try builder.apply(
      operation, to: names, name: "node", results: (0..<results).map { "out\($0)" },
      role: .output)
    graph = try builder.finish()
  }

  /// Several operators as a graph.
  init(_ graph: Graph) { self.graph = graph }

  /// Runs the graph, checks every kernel, and compares the graph that the kernels carry out with
  /// the operator itself: both in float64, so that they agree but for its roundings.
  @discardableResult
  func check(agreeing tolerance: Double = 1e-6, sourceLocation: SourceLocation = #_sourceLocation)
    throws -> LoweredGraph
  {
    let execution = try GraphExecution(graph)
    #expect(!execution.reports.isEmpty, sourceLocation: sourceLocation)
    for report in execution.reports {
      #expect(report.passed, "\(report.summary)", sourceLocation: sourceLocation)
    }
    let own = try Self.values(graph)
    let expanded = try Self.values(execution.lowered.graph)
    for output in graph.outputTensors {
      guard let wanted = own[output.name], let found = expanded[output.name] else {
        Issue.record("\(output.name) is missing", sourceLocation: sourceLocation)
        continue
      }
      for (a, b) in zip(found.allValues, wanted.allValues) where !(a.isNaN && b.isNaN) {
        #expect(
          a == b || abs(a - b) <= tolerance * max(1, abs(b)), "\(output.name)",
          sourceLocation: sourceLocation)
      }
    }
    return execution.lowered
  }

  private static func values(_ graph: Graph) throws -> [String: TensorView] {
    var given: [String: TensorView] = [:]
    for tensor in graph.givenTensors {
      if case .values(let constant) = tensor.fill {
        given[tensor.name] = constant.view
      } else {
        given[tensor.name] = try TensorView(
          SeededGenerator.values(of: tensor, seed: 0).map(Double.init), shape: tensor.shape,
          type: tensor.type)
      }
    }
    return try Float64Interpreter.evaluate(graph, given: given)
  }
}
