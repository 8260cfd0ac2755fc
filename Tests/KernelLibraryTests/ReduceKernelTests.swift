import Foundation
import Hardware
import InstructionSet
import KernelBuilder
import KernelLibrary
import NumericFormats
import Testing

@Suite struct ReduceKernelTests {
  private func reference(_ kernel: ReduceKernel, _ x: [Float]) -> [Double] {
    (0..<kernel.outer * kernel.inner).map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: kernel.inner)
      var values = (0..<kernel.reduced).map {
        Double(x[(row * kernel.reduced + $0) * kernel.inner + column])
      }
      if kernel.first == .square { values = values.map { $0 * $0 } }
      if kernel.first == .abs { values = values.map { Swift.abs($0) } }
      var result =
        switch kernel.join {
        case .sum: values.reduce(0, +)
        case .product: values.reduce(1, *)
        case .maximum: values.max()!
        case .minimum: values.min()!
        }
      result *= Double(kernel.scale)
      if kernel.last == .sqrt { result = result.squareRoot() }
      return result
    }
  }

  private func check(_ kernel: ReduceKernel, sourceLocation: SourceLocation = #_sourceLocation)
    throws
  {
    let x = randomTensor(kernel.outer * kernel.reduced * kernel.inner, kernel.input, seed: 9)
    let out = try SegmentRunner.run(kernel, [x]).last!
    let walk = 4 * 0x1p-24 * Double(kernel.reduced).squareRoot()
    expectClose(
      out, reference(kernel, x),
      relative: 2 * kernel.output.roundoff + 8 * walk,
      absolute: walk * Double(kernel.reduced).squareRoot() * Double(kernel.scale),
      sourceLocation: sourceLocation)
    #expect(
      OrderChecker(try kernel.segment(on: .trainium2)).problems == [],
      sourceLocation: sourceLocation)
  }

  @Test(arguments: [
    (300, 70, 1), (5000, 8, 1), (3, 10_000, 1), (1, 4097, 1), (2, 300, 5), (1, 256, 200),
    (2, 9, 700), (1, 40, 5000), (130, 20, 30), (40, 3, 2100), (1, 1, 1), (7, 257, 3),
    (2, 6400, 130),
  ])
  func layouts(shape: (Int, Int, Int)) throws {
    for join in [ReduceKernel.Join.sum, .maximum, .minimum] {
      try check(
        ReduceKernel(
          outer: shape.0, reduced: shape.1, inner: shape.2, join, input: .float32,
          output: .float32))
    }
  }

  @Test func functionsBeforeAndAfter() throws {
    for (outer, reduced, inner) in [(200, 33, 1), (2, 512, 40), (1, 12, 3000)] {
      var kernel = ReduceKernel(
        outer: outer, reduced: reduced, inner: inner, .sum, input: .bfloat16, output: .bfloat16)
      kernel.first = .square
      kernel.scale = 1 / Float(reduced)
      try check(kernel)
      kernel.last = .sqrt
      try check(kernel)
      kernel.first = .abs
      kernel.last = nil
      try check(kernel)
    }
    try check(
      ReduceKernel(outer: 20, reduced: 6, inner: 5, .product, input: .float32, output: .float32))
  }

  @Test func aSkippedPieceIsNoticed() throws {
    let kernel = ReduceKernel(
      outer: 2, reduced: 9000, inner: 1, .sum, input: .float32, output: .float32)
    var x = randomTensor(18_000, .float32, seed: 1)
    let whole = try SegmentRunner.run(kernel, [x]).last!
    for index in 8000..<8100 { x[index] = 0 }
    let less = try SegmentRunner.run(kernel, [x]).last!
    let walk = 4 * 0x1p-24 * 9000
    #expect(Swift.abs(whole[0] - less[0]) > Float(walk))
  }

  @Test(arguments: [
    (200, 40, 3), (5, 300, 20), (130, 5, 5), (1, 9, 9), (3, 16_384, 1), (2, 50_000, 1),
    (3, 40_001, 21), (130, 16_385, 100), (2, 65_536, 500),
  ])
  func topRows(shape: (Int, Int, Int)) throws {
    let (rows, columns, count) = shape
    for (largest, last) in [(true, false), (false, false), (true, true)] {
      // Few different values, so that equal ones occur.
      let x = randomTensor(rows * columns, .bfloat16, seed: 11).map { ($0 * 8).rounded() / 8 }
      var kernel = TopRowsKernel(
        rows: rows, columns: columns, count: count, seeksLargest: largest, givesValues: true,
        format: .bfloat16)
      kernel.prefersLast = last
      let out = try SegmentRunner.run(kernel, [x])
      for row in 0..<rows {
        let line = Array(x[row * columns..<(row + 1) * columns])
        let order = line.indices.sorted { a, b in
          if line[a] != line[b] { return largest ? line[a] > line[b] : line[a] < line[b] }
          return last ? a > b : a < b
        }.prefix(count)
        let found = row * count..<(row + 1) * count
        #expect(Array(out[2][found]) == order.map { Float($0) })
        #expect(Array(out[1][found]) == order.map { line[$0] })
      }
    }
  }

  @Test(arguments: [
    (6, 40, 30, 50), (4, 200, 130, 600), (3, 1, 300, 7), (2, 64, 1, 1), (3, 5, 383, 70),
    (4, 1, 512, 40),
  ])
  func batchedProducts(shape: (Int, Int, Int, Int)) throws {
    let (count, m, k, n) = shape
    for (left, right) in [(false, false), (true, false), (false, true), (true, true)] {
      for format in [NumberFormat.float32, .bfloat16] {
        var kernel = BatchedMatmulKernel(
          m: m, k: k, n: n, lhsMatrices: Array(0..<count), rhsMatrices: (0..<count).map { $0 / 2 },
          input: format, output: .float32)
        kernel.lhsLayout = left ? .contractionRows : .contractionColumns
        kernel.rhsLayout = right ? .contractionColumns : .contractionRows
        kernel.scale = left ? 0.25 : 1
        let lhs = randomTensor(count * m * k, format, seed: 1)
        let rhs = randomTensor((count + 1) / 2 * k * n, format, seed: 2)
        let out = try SegmentRunner.run(kernel, [lhs, rhs]).last!
        var expected: [Double] = []
        for product in 0..<count {
          let a = Array(lhs[product * m * k..<(product + 1) * m * k])
          let b = Array(rhs[product / 2 * k * n..<(product / 2 + 1) * k * n])
          expected += Reference.product(
            Reference.doubles(left ? Reference.transposed(a, rows: k, columns: m) : a),
            Reference.doubles(right ? Reference.transposed(b, rows: n, columns: k) : b), m: m,
            k: k, n: n
          ).map { $0 * Double(kernel.scale) }
        }
        let walk = 4 * 0x1p-24 * Double(k)
        expectClose(out, expected, relative: walk, absolute: walk)
        #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
      }
    }
  }
}
