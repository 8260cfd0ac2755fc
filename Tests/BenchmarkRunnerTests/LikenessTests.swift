import BenchmarkRunner
import Hardware
import Lowering
import ModelGraph
import NumericFormats
import Testing

/// What is said about values and sizes of whole models.
@Suite struct LikenessTests {
  @Test func whatIsNotFiniteIsComparedAsSuch() {
    let alike = Likeness([1, .nan, .infinity, 2], [1, .nan, .infinity, 2])
    #expect(alike.cosine == 1 && alike.largestDifference == 0)
    #expect(alike.nonFiniteAlike == 2 && alike.nonFiniteUnlike == 0)
    #expect(alike.text.hasSuffix("(2 not finite in both)"))
    let unlike = Likeness([1, .nan, .infinity, 2, 5], [1, 3, -.infinity, 2, .nan])
    #expect(unlike.cosine == 1 && unlike.nonFiniteUnlike == 3)
    #expect(unlike.text.hasSuffix("(3 not finite in one alone)"))
    #expect(Likeness([.nan], [.nan]).text.hasPrefix("cosine similarity 1.0"))
    #expect(!Likeness([1, 2], [1, 2]).text.contains("finite"))
  }

  /// Three results of 8 GiB each from one input.
  private func overflow(rows: Int) throws -> String {
    let shape: TensorShape = [rows, (1 << 31) / rows]
    var graph = Graph(name: "large")
    try graph.declare(
      TensorDeclaration(name: "x", shape: shape, format: .float32, role: .input))
    for (name, operation) in [("a", Operator.relu), ("b", .sigmoid), ("c", .silu)] {
      try graph.declare(
        TensorDeclaration(name: name, shape: shape, format: .float32, role: .output))
      graph.append(Node(name: name, operation: operation, inputs: ["x"], outputs: [name]))
    }
    do {
      _ = try Lowerer(device: .trainium2).lower(graph, keepsIntermediates: true)
      return "it fits"
    } catch { return error.description }
  }

  @Test func aSmallerBatchIsNoAdviceForOneOfOne() throws {
    #expect(try overflow(rows: 1 << 16).contains("a batch 2 times smaller would fit"))
    let one = try overflow(rows: 1)
    #expect(one.contains("more than the 24.0 GiB") && !one.contains("batch"))
  }

  @Test func nodesWithoutAKernelAreFoundInAPartOfAModel() throws {
    var graph = Graph(name: "part")
    for (name, shape) in [("a", [4, 257] as TensorShape), ("b", [257, 4])] {
      try graph.declare(
        TensorDeclaration(name: name, shape: shape, format: .uint8, role: .input))
    }
    try graph.declare(
      TensorDeclaration(name: "y", shape: [4, 4], format: .int32, role: .output))
    graph.append(
      Node(
        name: "y", operation: .quantizedMatMul(QuantizedMatMul(isScaled: false)),
        inputs: ["a", "b"], outputs: ["y"]))
    let refused = Lowerer(device: .trainium2).refusals(graph)
    #expect(refused.map(\.operation) == ["MatMulInteger"])
    #expect(refused[0].reason.contains("257 products"))
  }
}
