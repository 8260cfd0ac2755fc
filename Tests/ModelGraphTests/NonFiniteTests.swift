import ModelGraph
import NumericFormats
import Testing

@Suite("Values that are not finite are compared as such, and hide nothing beside them")
struct NonFiniteTests {
  private let checker = NumericsChecker(seed: 3)

  private func product(_ change: (inout [Float]) -> Void = { _ in }, b: [Float]) throws
    -> NumericsReport
  {
    let (rows, depth, columns) = (4, 8, 8)
    let a = seeded("a", [rows, depth], format: .float32)
    var y = (0..<rows * columns).map { index in
      (0..<depth).reduce(Float(0)) {
        $0.addingProduct(a[index / columns * depth + $1], b[$1 * columns + index % columns])
      }
    }
    change(&y)
    return try checker.check(
      .matMul(transposeA: false, transposeB: false), named: "y",
      inputs: [
        try view(a, [rows, depth], .float32), try view(b, [depth, columns], .float32),
      ], output: try view(y, [rows, columns], .float32))
  }

  private func weights(_ odd: Float) -> [Float] {
    var b = seeded("b", [8, 8], format: .float32)
    b[26] = odd
    return b
  }

  @Test("A product with a weight that is not finite passes", arguments: [Float.nan, .infinity])
  func product(odd: Float) throws {
    let report = try product(b: weights(odd))
    #expect(report.passed && report.nonFiniteCount == 4)
    let projection = try #require(report.projection)
    #expect(projection.error.isFinite && projection.tolerance > 0)
    #expect(report.summary.contains("4 are not finite, as they should be"))
    #expect(!report.summary.contains("nan"))
  }

  @Test("A fault beside it is found, and so is a value of another kind")
  func faults() throws {
    #expect(try !product({ $0[3] += 0.01 }, b: weights(.nan)).passed)
    // The projection sees it too.
    #expect(try product({ $0[3] += 0.01 }, b: weights(.nan)).projection?.passed == false)
    let lost = try product({ $0[9] = .nan }, b: weights(.nan))
    #expect(!lost.passed && lost.summary.contains("at 9 the device has nan where"))
    #expect(lost.projection?.passed == false)
    #expect(try !product({ $0[10] = 0 }, b: weights(.nan)).passed)
    #expect(try !product({ $0[10] = -$0[10] }, b: weights(.infinity)).passed)
  }

  @Test("With no finite column there is no projection")
  func nothingLeft() throws {
    var b = seeded("b", [8, 8], format: .float32)
    for column in 0..<8 { b[column] = .nan }
    let report = try product(b: b)
    #expect(report.passed && report.projection == nil && report.nonFiniteCount == 32)
  }

  @Test("Weights of a convolution that are not finite say nothing where they meet padding")
  func padding() throws {
    let window = SlidingWindow([3, 3], before: [1, 1], after: [1, 1])
    let operation = Operator.convolution(Convolution(window))
    let x = seeded("x", [1, 1, 4, 4], format: .float32)
    var w = seeded("w", [2, 1, 3, 3], format: .float32)
    w[0] = .nan
    let inputs = [try view(x, [1, 1, 4, 4], .float32), try view(w, [2, 1, 3, 3], .float32)]
    let reference = try Float64Interpreter.evaluate(operation, inputs: inputs)
    // The first tap reads padding in the first row and the first column of channel 0.
    let open = Set([0, 1, 2, 3, 4, 8, 12])
    #expect(try operation.unspecified(inputs) == open)
    for other in [Float.nan, 7] {
      let found = reference.enumerated().map {
        open.contains($0.offset) ? other : Float($0.element)
      }
      let report = try checker.check(
        operation, named: "y", inputs: inputs, output: try view(found, [1, 2, 4, 4], .float32))
      #expect(report.passed && report.nonFiniteCount == 9 && report.checkedCount == 25)
    }
    var wrong = reference.map { Float($0) }
    wrong[5] = 1
    let report = try checker.check(
      operation, named: "y", inputs: inputs, output: try view(wrong, [1, 2, 4, 4], .float32))
    #expect(!report.passed)
  }
}
