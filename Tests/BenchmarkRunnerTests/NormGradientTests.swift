import BenchmarkRunner
import CoreState
import InstructionSet
import ModelGraph
import NumericFormats
import Testing

/// The gradient of norms: its kernels against its meaning in float64.
@Suite struct NormGradientTests {
  private typealias Input = OperatorCase.Input

  private func inputs(_ rows: TensorShape, _ type: ElementType) -> [Input] {
    [.floats(rows, type), .floats(rows, type), .floats([rows.columnCount], type)]
  }

  /// Rows of part of a tile, several pieces of bn_stats and banks, both formats.
  @Test(arguments: [true, false], [NumberFormat.float32, .bfloat16])
  func gradients(centres: Bool, format: NumberFormat) throws {
    let gradient = NormGradient(centres: centres, epsilon: 1e-5)
    let sums = NormSums(centres: centres, epsilon: 1e-5)
    for rows: TensorShape in [[1, 8], [130, 96], [2, 70, 520], [9, 2048]] {
      let given = inputs(rows, .format(format))
      try OperatorCase(.normGradient(gradient), given, format: format).check()
      try OperatorCase(.normSums(sums), Array(given.prefix(2))).check()
    }
  }

  /// More columns than a pass over the rows sums up, and more than the kernels hold.
  @Test(arguments: [true, false]) func longRows(centres: Bool) throws {
    let gradient = NormGradient(centres: centres, epsilon: 1e-5)
    let sums = NormSums(centres: centres, epsilon: 1e-5)
    let narrow = inputs([3, 5000], .bfloat16)
    try OperatorCase(.normGradient(gradient), narrow, format: .bfloat16).check()
    try OperatorCase(.normSums(sums), Array(narrow.prefix(2))).check()
    let wide = inputs([3, 2100], .float32)
    try OperatorCase(.normGradient(gradient), wide).check()
    try OperatorCase(.normSums(sums), Array(wide.prefix(2))).check()
  }

  private func passes(
    _ operation: ModelGraph.Operator, _ change: (inout MachineOperation) -> Bool
  ) throws -> Bool {
    let count = if case .normSums = operation { 2 } else { 3 }
    let graph = try OperatorCase(
      operation, Array(inputs([140, 96], .bfloat16).prefix(count)),
      format: count == 2 ? .float32 : .bfloat16
    ).graph
    var planted = 0
    let execution = try? GraphExecution(graph) { program in
      for segment in program.segments.indices {
        for index in program.segments[segment].instructions.indices
        where change(&program.segments[segment].instructions[index].operation) {
          planted += 1
        }
      }
    }
    #expect(planted > 0)
    return execution?.reports.allSatisfy(\.passed) ?? false
  }

  @Test func aMissingMeanIsFound() throws {
    for centres in [true, false] {
      let gradientPasses = try passes(
        .normGradient(NormGradient(centres: centres, epsilon: 1e-5))
      ) { operation in
        guard case .scalarTensorTensor(var step) = operation else { return false }
        step.operand0 = .immediate(0)
        operation = .scalarTensorTensor(step)
        return true
      }
      #expect(!gradientPasses)
    }
  }

  @Test func aSkippedTileOfRowsIsFound() throws {
    let sumsPass = try passes(.normSums(NormSums(centres: true, epsilon: 1e-5))) { operation in
      guard case .matmul(var product) = operation, product.accumulate else { return false }
      product.accumulate = false
      operation = .matmul(product)
      return true
    }
    #expect(!sumsPass)
  }
}
