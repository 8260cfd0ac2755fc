import BenchmarkRunner
import Foundation
import ModelGraph
import NumericFormats
import Testing

/// Graph attention over sampled neighbours: its meaning by hand, its kernel against that meaning.
@Suite struct NeighbourAttentionTests {
  private typealias Input = OperatorCase.Input

  /// Two nodes, one head of two elements, of which one node has one neighbour and one has two.
  @Test func meaning() throws {
    let sources = try TensorView(
      [1, 2, 0, 3, 4, 1, 5, 6, -8], shape: [3, 3], format: .float32)
    let targets = try TensorView([9, 0.5, 9, -3], shape: [2, 2], format: .float32)
    let neighbours = try TensorView([1, 7, 0, 2], shape: [2, 2], format: .uint32)
    let operation = NeighbourAttention(heads: 1, slope: 0.5, firstScore: 1)
    let out = try Float64Interpreter.evaluate(
      .neighbourAttention(operation), inputs: [sources, targets, neighbours])
    // Scores of the second node: half of 0 − 3 and of −8 − 3.
    let share = 1 / (1 + exp(-4.0))
    let expected: [Double] = [3, 4, share * 1 + (1 - share) * 5, share * 2 + (1 - share) * 6]
    for (a, b) in zip(out, expected) { #expect(abs(a - b) < 1e-12) }
  }

  private func check(
    _ operation: NeighbourAttention, nodes: Int, rows: Int, places: Int, size: Int,
    below count: Int, format: NumberFormat = .float32
  ) throws {
    let heads = operation.heads
    let type = ElementType.format(format)
    try OperatorCase(
      .neighbourAttention(operation),
      [
        .floats([rows, heads * size + heads], type), .floats([nodes, 2 * heads], type),
        .whole([nodes, places], below: count, .format(.uint32)),
      ], format: format
    ).check()
  }

  @Test(arguments: [NumberFormat.float32, .bfloat16])
  func neighbours(format: NumberFormat) throws {
    for (nodes, places, heads, size) in [(1, 1, 1, 1), (130, 7, 4, 20), (128, 3, 2, 300)] {
      var operation = NeighbourAttention(heads: heads, firstScore: heads, isRagged: false)
      try check(
        operation, nodes: nodes, rows: 60, places: places, size: size, below: 60, format: format)
      // A third of the places are empty, and some nodes have none at all.
      operation.isRagged = true
      try check(
        operation, nodes: nodes, rows: 60, places: places, size: size, below: 90, format: format)
    }
  }

  /// Scores of the wrong columns and another slope are told apart.
  @Test func otherMeanings() throws {
    func values(_ operation: NeighbourAttention) throws -> [Double] {
      let given = try [([20, 10], 1), ([9, 4], 2), ([9, 5], 3)].map { shape, seed in
        let shape = TensorShape(shape)
        let numbers = (0..<shape.elementCount).map {
          seed == 3 ? Double($0 * 7 % 20) : Double(($0 * 13 + seed) % 11) / 3 - 2
        }
        return try TensorView(numbers, shape: shape, format: seed == 3 ? .uint32 : .float32)
      }
      return try Float64Interpreter.evaluate(.neighbourAttention(operation), inputs: given)
    }
    let own = try values(NeighbourAttention(heads: 2))
    #expect(try values(NeighbourAttention(heads: 2, slope: 0.3)) != own)
    #expect(try values(NeighbourAttention(heads: 2, firstScore: 1)) != own)
  }
}
