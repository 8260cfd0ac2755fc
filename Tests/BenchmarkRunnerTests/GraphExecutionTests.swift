import BenchmarkRunner
import CoreState
import InstructionSet
import Lowering
import ModelGraph
import NumericFormats
import Testing

/// Every operator family from a graph to checked values on the model, hazards watched.
@Suite struct GraphExecutionTests {
  /// A graph of given tensors and one operator.
  private func graph(
    _ operation: ModelGraph.Operator, _ inputs: [(TensorShape, ElementType, TensorFill)],
    results: Int = 1, format: NumberFormat = .float32
  ) throws -> Graph {
    var builder = GraphBuilder(name: "case", format: format)
    var names: [String] = []
    for (index, input) in inputs.enumerated() {
      names.append("in\(index)")
      try builder.given(
        "in\(index)", input.0, format: input.1.storage, fill: input.2, type: input.1)
    }
    let outputs = (0..<results).map { "out\($0)" }
    try builder.apply(operation, to: names, name: "node", results: outputs, role: .output)
    return try builder.finish()
  }

  private func check(
    _ graph: Graph, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let execution = try GraphExecution(graph)
    #expect(!execution.reports.isEmpty, sourceLocation: sourceLocation)
    for report in execution.reports {
      #expect(report.passed, "\(report.summary)", sourceLocation: sourceLocation)
    }
  }

  private let normal = TensorFill.normal(standardDeviation: 1)

  private func floats(_ shapes: TensorShape..., type: ElementType = .float32)
    -> [(TensorShape, ElementType, TensorFill)]
  {
    shapes.map { ($0, type, normal) }
  }

  /// Weights in fp8 beside activations in bf16: few rows and many, ragged lengths, gated layers.
  @Test(arguments: [(3, 256, 640), (130, 200, 96), (70, 384, 1100)])
  func narrowWeights(rows: Int, depth: Int, columns: Int) throws {
    var builder = GraphBuilder(name: "narrow", format: .bfloat16)
    try builder.given("x", [rows, depth])
    try builder.weight("w", rows: depth, columns: columns, format: .float8e4m3)
    try builder.product("x", "w", name: "y", role: .output)
    try check(try builder.finish())
  }

  @Test(arguments: [1, 40, 200]) func narrowGatedLayers(tokens: Int) throws {
    let (hidden, width) = (256, 2_304)
    var builder = GraphBuilder(name: "gated", format: .bfloat16)
    try builder.given("x", [tokens, hidden])
    for (name, rows, columns) in [
      ("gate", hidden, width), ("up", hidden, width), ("down", width, hidden),
    ] { try builder.weight("w_\(name)", rows: rows, columns: columns, format: .float8e4m3) }
    let hints = KernelHints(fusion: "gated")
    try builder.product("x", "w_gate", name: "gate", hints: hints)
    try builder.product("x", "w_up", name: "up", hints: hints)
    try builder.apply(.silu, to: ["gate"], name: "activated", hints: hints)
    try builder.apply(.multiply, to: ["activated", "up"], name: "gated", hints: hints)
    try builder.product("gated", "w_down", name: "y", role: .output)
    let execution = try GraphExecution(try builder.finish())
    #expect(execution.lowered.steps.count == 1, "one kernel carries all of it out")
    let passed = execution.reports.allSatisfy(\.passed)
    #expect(passed)
  }

  @Test func formatsThatArraysDoNotMixAreRefused() throws {
    var builder = GraphBuilder(name: "mixed", format: .float32)
    try builder.given("x", [4, 128])
    try builder.weight("w", rows: 128, columns: 64, format: .bfloat16)
    try builder.product("x", "w", name: "y", role: .output)
    let graph = try builder.finish()
    #expect(throws: LoweringError.self) { try GraphExecution(graph) }
  }

  @Test func rowKernelsDoNotChangeFormats() throws {
    var builder = GraphBuilder(name: "rows", format: .float32)
    try builder.given("x", [4, 64])
    try builder.apply(.softmax, to: ["x"], name: "y", format: .bfloat16, role: .output)
    let graph = try builder.finish()
    #expect(throws: LoweringError.self) { try GraphExecution(graph) }
  }

  @Test(arguments: ElementwiseFunction.allCases)
  func elementwise(function: ElementwiseFunction) throws {
    let bits: [ElementwiseFunction] = [
      .bitwiseNot, .bitShiftLeft, .bitShiftRight, .bitwiseAnd, .bitwiseOr, .bitwiseXor,
    ]
    guard !bits.contains(function) else { return }
    let logical: [ElementwiseFunction] = [.not, .and, .or, .xor]
    var parameters = Elementwise(function, alpha: 0.3, beta: 0.2)
    if function == .isInfinite { parameters = Elementwise(function, alpha: 1, beta: 1) }
    let type: ElementType = logical.contains(function) ? .bool : .float32
    var fill = normal
    switch function {
    case .log, .sqrt, .power: fill = .uniform(low: 0.1, high: 4)
    case .acosh: fill = .uniform(low: 1.1, high: 4)
    case .asin, .acos, .atanh: fill = .uniform(low: -0.9, high: 0.9)
    case .divide, .reciprocal, .modulo, .remainder: fill = .uniform(low: 0.5, high: 3)
    default: break
    }
    if type == .bool { fill = .indices(count: 2) }
    let shapes: [TensorShape] = [[3, 40, 50], [40, 1], [3, 1, 50]]
    let count = min(3, max(1, function.inputCount.lowerBound))
    var inputs = shapes.prefix(function == .clip ? 3 : count).map { ($0, type, fill) }
    if function == .clip {
      inputs = [
        ([3, 40, 50], type, normal), ([], type, .constant(-0.5)), ([], type, .constant(0.7)),
      ]
    }
    if function == .select { inputs[0] = ([3, 40, 50], .bool, .indices(count: 2)) }
    if function == .prelu { inputs[1] = ([40, 1], type, normal) }
    try check(try graph(.elementwise(parameters), inputs))
  }

  @Test func casts() throws {
    let wide = TensorFill.uniform(low: -100, high: 100)
    for type in [ElementType.int32, .int8, .bfloat16, .float16, .bool, .int64] {
      try check(try graph(.cast(Cast(to: type)), [([7, 300], .float32, wide)]))
    }
    try check(
      try graph(.cast(Cast(to: .float32)), [([7, 300], .int64, .indices(count: 900))]))
  }

  @Test func movement() throws {
    let x = floats([4, 6, 10])
    try check(try graph(.transpose(permutation: [2, 0, 1]), x))
    try check(try graph(.transpose(permutation: [1, 0, 2]), floats([1, 6, 10])))
    try check(try graph(.reshape(Reshape(to: [24, 10])), x))
    try check(try graph(.expand(Expand(to: [3, 4, 6, 10])), floats([4, 1, 10])))
    try check(try graph(.tile(Tile(repeats: [1, 3, 2])), x))
    try check(
      try graph(
        .stridedSlice(StridedSlice(starts: [1, 5, 0], counts: [2, 3, 5], steps: [2, -2, 2])), x))
    try check(
      try graph(
        .stridedSlice(StridedSlice(starts: [1, 0, 0], counts: [2, 6, 10], steps: [1, 1, 1])), x))
    try check(
      try graph(.concatenate(Concatenation(axis: 1)), floats([4, 6, 10], [4, 2, 10], [4, 1, 10])))
    try check(try graph(.split(Split(axis: 2, lengths: [3, 5, 2])), x, results: 3))
    try check(try graph(.split(Split(axis: 0, lengths: [1, 3])), x, results: 2))
  }

  @Test(arguments: PadMode.allCases) func padding(mode: PadMode) throws {
    let pads: [(TensorShape, [Int], [Int])] = [
      ([4, 6, 10], [1, 0, 4], [0, 3, -2]), ([9], [5], [3]), ([3, 5], [2, 0], [0, 4]),
      ([2, 3, 7, 9], [0, 0, 3, 1], [0, 0, 2, 4]), ([2, 1, 4, 5], [1, 0, 1, 1], [1, 0, 1, 1]),
      ([5, 40, 33], [0, 2, 3], [0, -1, 3]), ([2, 3, 2, 4, 5], [1, 0, 1, 0, 2], [0, 2, 1, 0, 1]),
    ]
    for (shape, before, after) in pads {
      let pad = Pad(before: before, after: after, mode: mode, value: 1.5)
      try check(try graph(.pad(pad), floats(shape)))
    }
  }

  @Test(arguments: [ElementwiseFunction.and, .or, .xor, .equal])
  func truthValues(function: ElementwiseFunction) throws {
    let shapes: [(TensorShape, TensorShape)] = [
      ([3, 40, 50], [3, 40, 50]), ([3, 40, 50], [40, 1]), ([40, 1], [3, 40, 50]),
      ([3, 1, 5], [4, 1]), ([6], []), ([300, 1], [1, 70]),
    ]
    for (first, second) in shapes {
      let inputs = [first, second].map { ($0, ElementType.bool, TensorFill.indices(count: 2)) }
      try check(try graph(.elementwise(Elementwise(function)), inputs))
    }
  }

  @Test func lookUps() throws {
    let indices: (TensorShape, ElementType, TensorFill) = ([5, 3], .int64, .indices(count: 6))
    for axis in 0..<3 {
      let table: TensorShape = axis == 0 ? [6, 4, 10] : axis == 1 ? [4, 6, 10] : [4, 5, 6]
      try check(
        try graph(.axisGather(AxisGather(axis: axis)), [(table, .float32, normal), indices]))
    }
  }

  @Test(arguments: ReductionKind.allCases) func reductions(kind: ReductionKind) throws {
    let fill = TensorFill.uniform(low: 0.5, high: 1.5)
    for axes in [[2], [0], [1], [0, 2], [1, 2], [0, 1, 2], []] {
      if kind == .logSumExp, axes == [0, 2] { continue }
      try check(
        try graph(
          .reduce(Reduction(kind, axes: axes, keepsDimensions: true)),
          [([5, 7, 60], .float32, fill)]))
    }
  }

  @Test func products() throws {
    try check(try graph(.batchMatMul(BatchMatMul()), floats([3, 2, 20, 30], [2, 30, 40])))
    try check(try graph(.batchMatMul(BatchMatMul()), floats([30], [2, 30, 40])))
    try check(try graph(.batchMatMul(BatchMatMul()), floats([4, 20, 30], [30])))
    try check(
      try graph(
        .batchMatMul(BatchMatMul(transposeA: true, transposeB: true)),
        floats([4, 30, 20], [4, 50, 30])))
    try check(
      try graph(.batchMatMul(BatchMatMul()), floats([2, 300, 3000], [2, 3000, 200])))
  }

  @Test func chainsAndTails() throws {
    var builder = GraphBuilder(name: "chain", format: .float32)
    try builder.given("x", [6, 50, 64])
    try builder.given("w", [64, 96], role: .weight, fill: .normal(standardDeviation: 0.1))
    try builder.given("b", [96], role: .weight)
    try builder.given("g", [50, 1], role: .weight)
    let product = try builder.apply(
      .matMul(transposeA: false, transposeB: false), to: ["x", "w"], name: "product")
    let sum = try builder.apply(.add, to: [product, "b"], name: "sum")
    let act = try builder.apply(.elementwise(Elementwise(.gelu)), to: [sum], name: "act")
    let scaled = try builder.apply(.multiply, to: [act, "g"], name: "scaled")
    let gate = try builder.apply(.sigmoid, to: [scaled], name: "gate")
    let gated = try builder.apply(.multiply, to: [gate, scaled], name: "gated", role: .output)
    try builder.apply(
      .reduce(Reduction(.mean, axes: [1], keepsDimensions: false)), to: [gated], name: "mean",
      role: .output)
    let graph = try builder.finish()
    try check(graph)
    let execution = try GraphExecution(graph)
    // The product with bias and activation, the gate, the mean.
    #expect(execution.lowered.steps.count == 3)
    #expect(execution.lowered.steps.map(\.nodes.count) == [3, 3, 1])
  }

  /// What one kernel makes and uses onward is used before its rounding to the stored format.
  @Test func storedValuesAreUsedUnrounded() throws {
    var builder = GraphBuilder(name: "onward", format: .bfloat16)
    try builder.given("x", [40, 64], format: .bfloat16, fill: normal)
    try builder.given("m", [40, 1], format: .bfloat16, fill: normal)
    let apart = try builder.apply(
      .elementwise(Elementwise(.subtract)), to: ["x", "m"], name: "apart")
    let square = try builder.apply(.multiply, to: [apart, apart], name: "square", role: .output)
    try builder.apply(.multiply, to: [apart, square], name: "cube", role: .output)
    let graph = try builder.finish()
    let execution = try GraphExecution(graph)
    #expect(execution.lowered.steps.contains { $0.nodes.count > 1 })
    for report in execution.reports { #expect(report.passed, "\(report.summary)") }
  }

  @Test func plantedFaultsAreFound() throws {
    let cases: [(Graph, (inout Operation) -> Bool)] = [
      (
        try graph(.elementwise(Elementwise(.add)), floats([40, 50], [50])),
        { operation in
          guard case .tensorTensor(var tensor) = operation else { return false }
          tensor.operation = .subtract
          operation = .tensorTensor(tensor)
          return true
        }
      ),
      (
        try graph(
          .reduce(Reduction(.sum, axes: [1], keepsDimensions: true)), floats([40, 50])),
        { operation in
          guard case .tensorReduce(var reduce) = operation else { return false }
          reduce.operation = .max
          operation = .tensorReduce(reduce)
          return true
        }
      ),
      (
        try graph(.transpose(permutation: [1, 0]), floats([40, 50])),
        { operation in
          guard case .dmaTranspose(var transfer) = operation,
            case .hbm(var access) = transfer.source
          else { return false }
          access.byteOffset += 4
          access.sizes[1] -= 1
          transfer.source = .hbm(access)
          transfer.destination.partitionCount -= 1
          operation = .dmaTranspose(transfer)
          return true
        }
      ),
      (
        try graph(.batchMatMul(BatchMatMul()), floats([3, 20, 200], [3, 200, 40])),
        { operation in
          guard case .matmul(var product) = operation, product.accumulate else { return false }
          product.accumulate = false
          operation = .matmul(product)
          return true
        }
      ),
    ]
    for (graph, plant) in cases {
      var planted = 0
      // A fault may also show as bytes that nothing wrote.
      let execution = try? GraphExecution(graph) { program in
        for segment in program.segments.indices {
          for index in program.segments[segment].instructions.indices
          where plant(&program.segments[segment].instructions[index].operation) {
            planted += 1
          }
        }
      }
      #expect(planted > 0)
      #expect(execution?.reports.contains { !$0.passed } ?? true)
    }
  }

  @Test func everyRefusedNodeIsNamed() throws {
    var builder = GraphBuilder(name: "refused", format: .float32)
    try builder.given("x", [4, 4], format: .int32, fill: .indices(count: 9), type: .int32)
    try builder.apply(.cast(Cast(to: .float4e2m1)), to: ["x"], name: "first", role: .output)
    try builder.apply(
      .scatter(Scatter(axis: 0, reduction: .add)), to: ["x", "x", "x"], name: "second",
      role: .output)
    let graph = try builder.finish()
    do {
      _ = try GraphExecution(graph)
      Issue.record("no engine rounds to fp4, and none adds 32-bit numbers exactly")
    } catch let error as LoweringError {
      let text = "\(error)"
      #expect(text.contains("first") && text.contains("second"))
    }
  }
}
