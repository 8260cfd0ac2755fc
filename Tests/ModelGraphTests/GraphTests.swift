import ModelGraph
import NumericFormats
import Testing

@Suite("Graphs: shapes, verification, functions")
struct GraphTests {
  @Test("A call gives what the nodes of its function give in place")
  func functionCall() throws {
    var inner = GraphBuilder(name: "block", format: .bfloat16)
    try inner.given("x", [2, 3])
    try inner.weight("w", rows: 3, columns: 3)
    try inner.product("x", "w", name: "xw")
    try inner.apply(.add, to: ["x", "xw"], name: "y", role: .output)
    var outer = GraphBuilder(name: "model", format: .bfloat16)
    try outer.add(function: inner.finish())
    var x = try outer.given("x", [2, 3])
    for layer in 0..<2 {
      try outer.weight("w\(layer)", rows: 3, columns: 3)
      x = try outer.call(
        "block", with: [x, "w\(layer)"], name: "block\(layer)",
        outputRole: layer == 1 ? ["y": .output] : [:])[0]
    }
    let graph = try outer.finish()
    var given: [String: TensorView] = [:]
    for tensor in graph.givenTensors {
      given[tensor.name] = try view(seeded(tensor.name, tensor.shape), tensor.shape)
    }
    let values = try Float64Interpreter.evaluate(graph, given: given)
    var expected = given["x"]!.allValues
    for layer in 0..<2 {
      let product = try Float64Interpreter.evaluate(
        .matMul(transposeA: false, transposeB: false),
        inputs: [exact(expected, [2, 3]), given["w\(layer)"]!])
      expected = zip(expected, product).map { $0 + $1 }
    }
    #expect(values["block1.y"]?.allValues == expected)
    #expect(graph.operationCount == 2 * (2 * 2 * 3 * 3 + 6))
    #expect(graph.parameterCount == 18)
  }

  private func small(_ change: (inout Graph) throws -> Void) throws -> Graph {
    var builder = GraphBuilder(name: "g", format: .bfloat16)
    try builder.given("a", [2, 3])
    try builder.given("b", [3, 4])
    try builder.product("a", "b", name: "y", role: .output)
    var graph = try builder.finish()
    try change(&graph)
    return graph
  }

  private func error(_ change: (inout Graph) throws -> Void) throws -> String {
    let graph = try small(change)
    do {
      try graph.verify()
      return "no error"
    } catch { return error.description }
  }

  @Test("The verifier names node, tensors and shapes")
  func verifierMessages() throws {
    let relu = Operator.relu
    #expect(
      try error { $0.append(Node(name: "n", operation: relu, inputs: ["z"], outputs: ["y"])) }
        == "node 'n' names tensor 'z', which is not declared; declare it first")
    #expect(
      try error { $0.append(Node(name: "n", operation: relu, inputs: ["y"], outputs: ["y"])) }
        == "node 'n' makes tensor 'y', which has a value already; use another name")
    #expect(
      try error { $0.append(Node(name: "n", operation: relu, inputs: ["a"], outputs: ["a"])) }
        == "node 'n' makes tensor 'a', which has a value already; use another name")
    #expect(
      try error { graph in
        try graph.declare(
          TensorDeclaration(name: "w", shape: [3, 3], format: .bfloat16, role: .intermediate))
        graph.append(Node(name: "n", operation: relu, inputs: ["a"], outputs: ["w"]))
      } == "node 'n': Relu does not take [2, 3]: the result is [2, 3], but 'w' is [3, 3]")
    #expect(
      try error { graph in
        try graph.declare(
          TensorDeclaration(name: "w", shape: [2], format: .bfloat16, role: .intermediate))
      } == "graph 'g' declares tensor 'w', but no node makes it; add the node")
    #expect(
      try error { graph in
        graph.append(Node(name: "y", operation: relu, inputs: ["a"], outputs: ["y"]))
      } == "graph 'g' has two nodes named 'y'; rename one")
    #expect(
      try error { graph in
        graph.append(Node(name: "n", operation: .add, inputs: ["a"], outputs: ["y"]))
      } == "node 'n' has 1 inputs; expected 2")
    #expect(
      try error { graph in
        graph.append(
          Node(name: "n", operation: .call(function: "f"), inputs: [], outputs: []))
      } == "node 'n' calls 'f', which the graph does not hold; add the function")
    #expect(
      try error { try $0.mark("y", as: .output, updates: "a") }
        == "tensor 'y' cannot update 'a': it is no state tensor")
  }

  @Test("An index tensor must be of an integer format, others must not")
  func formats() throws {
    var builder = GraphBuilder(name: "g", format: .bfloat16)
    try builder.given("table", [4, 2])
    try builder.given("indices", [3], format: .float32)
    try builder.apply(.gather, to: ["table", "indices"], name: "y", role: .output)
    #expect(
      throws: GraphError.format(
        node: "y", tensor: "indices", expected: "an integer format", found: "fp32")
    ) { try builder.graph.verify() }
  }

  static let illegal: [(Operator, [TensorShape])] = [
    (.matMul(transposeA: false, transposeB: false), [[2, 3], [4, 5]]),
    (.matMul(transposeA: false, transposeB: false), [[3], [3, 5]]),
    (.matMul(transposeA: true, transposeB: false), [[2, 3, 4], [3, 5]]),
    (.add, [[2, 3], [2]]), (.reluGradient, [[2], [3]]),
    (.rmsNormalization(epsilon: 0), [[2, 3], [2]]), (.gather, [[2], [3]]),
    (.slice(start: 1, count: 2), [[2, 2]]), (.slice(start: 0, count: 1), [[]]),
    (.softmaxCrossEntropyLoss, [[2, 3], [3]]), (.reduceSum, [[2]]),
    (.transpose(permutation: [0, 0]), [[2, 2]]), (.transpose(permutation: [0]), [[2, 2]]),
    (.softmax, []), (.relu, [[1], [1]]),
    (
      .attention(
        Attention(
          query: HeadDimensions(batch: 1, heads: 3, tokens: 1, channels: 2),
          key: HeadDimensions(batch: 1, heads: 2, tokens: 1, channels: 2), isCausal: false)),
      [[1, 6], [1, 4], [1, 4]]
    ),
  ]

  @Test("Shapes that do not fit are typed errors", arguments: 0..<illegal.count)
  func illegalShapes(_ number: Int) {
    let (operation, shapes) = Self.illegal[number]
    #expect(throws: GraphError.self) {
      try ShapeInference.result(of: operation, inputs: shapes, node: "n")
    }
  }

  @Test("Operation counts of causal attention count visible pairs")
  func causalCount() {
    let lengths = HeadDimensions(batch: 2, heads: 3, tokens: 4, channels: 5)
    let causal = Attention(query: lengths, key: lengths, isCausal: true)
    #expect(causal.operationCount == 4 * 2 * 3 * 5 * (1 + 2 + 3 + 4))
    let whole = Attention(query: lengths, key: lengths, isCausal: false)
    #expect(whole.operationCount == 4 * 2 * 3 * 5 * 16)
  }
}
