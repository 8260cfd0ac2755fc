import ModelGraph
import NumericFormats
import Testing

@Suite("Matrix products: correct results pass, planted faults do not")
struct ProductFaultTests {
  static let (rows, depth, columns) = (128, 4096, 512)
  static let a = seeded("a", [depth, rows])
  static let b = seeded("b", [depth, columns], fill: .normal(standardDeviation: 1 / 64.0))
  static let correct = deviceProduct(a, b, depth: depth, rows: rows, columns: columns)

  private func check(
    _ output: [Float], _ format: NumberFormat = .bfloat16, sampled: Bool = false,
    sampleCount: Int = 4096
  ) throws -> NumericsReport {
    var checker = NumericsChecker(seed: 3)
    checker.sampleCount = sampleCount
    let rounded = format == .bfloat16 ? output.map(roundedToBfloat16) : output
    return try checker.check(
      .matMul(transposeA: true, transposeB: false), named: "product",
      inputs: [
        view(Self.a, [Self.depth, Self.rows]), view(Self.b, [Self.depth, Self.columns]),
      ],
      output: view(rounded, [Self.rows, Self.columns], format),
      operationCount: sampled ? 3_000_000_000 : 0)
  }

  @Test("Correct results in bf16 and fp32 pass, whole and sampled", arguments: [false, true])
  func correctPasses(sampled: Bool) throws {
    let narrow = try check(Self.correct, sampled: sampled)
    #expect(narrow.passed, "\(narrow.summary)")
    #expect(narrow.relativeError <= narrow.relativeTolerance)
    #expect(narrow.checkedCount == (sampled ? 4096 : 65_536))
    let wide = try check(Self.correct, .float32, sampled: sampled)
    #expect(wide.passed, "\(wide.summary)")
    #expect(wide.absoluteTolerance < narrow.absoluteTolerance)
  }

  @Test("A K tile of 128 skipped everywhere fails", arguments: [false, true])
  func skippedTile(sampled: Bool) throws {
    let faulty = deviceProduct(
      Self.a, Self.b, depth: Self.depth, rows: Self.rows, columns: Self.columns
    ) { $2 == 17 }
    let report = try check(faulty, sampled: sampled)
    #expect(!report.passed && report.projection?.passed == false)
    #expect(report.relativeError > 10 * report.relativeTolerance)
  }

  @Test("A K tile skipped in one row alone is seen by the projection")
  func skippedInOneRow() throws {
    let faulty = deviceProduct(
      Self.a, Self.b, depth: Self.depth, rows: Self.rows, columns: Self.columns
    ) { row, _, tile in row == 77 && tile == 0 }
    let report = try check(faulty, sampled: true, sampleCount: 2)
    #expect(!report.passed)
    #expect(report.projection?.worstRow == 77)
  }

  @Test("One row shifted by one column fails")
  func shiftedRow() throws {
    var faulty = Self.correct
    let start = 64 * Self.columns
    faulty.replaceSubrange(
      start..<start + Self.columns,
      with: Self.correct[start + 1..<start + Self.columns] + [Self.correct[start]])
    #expect(try !check(faulty).passed)
    #expect(try !check(faulty, sampled: true).passed)
  }

  @Test("A result rounded twice as coarsely, a NaN and an infinity fail")
  func badValues() throws {
    let coarse = Self.correct.map { value in
      Float(bitPattern: roundedToBfloat16(value).bitPattern & 0xfffe_0000)
    }
    #expect(try !check(coarse).passed)
    for bad in [Float.nan, .infinity] {
      var faulty = Self.correct
      faulty[12_345] = bad
      let report = try check(faulty)
      #expect(!report.passed)
      #expect(report.worstIndex == 12_345)
    }
  }

  @Test("A sum kept in bf16 fails: sums belong in fp32")
  func narrowSum() throws {
    var faulty = [Float](repeating: 0, count: Self.rows * Self.columns)
    for tile in 0..<Self.depth / 128 {
      let part = deviceProduct(
        Array(Self.a[tile * 128 * Self.rows..<(tile + 1) * 128 * Self.rows]),
        Array(Self.b[tile * 128 * Self.columns..<(tile + 1) * 128 * Self.columns]), depth: 128,
        rows: Self.rows, columns: Self.columns)
      for index in faulty.indices {
        faulty[index] = roundedToBfloat16(faulty[index] + part[index])
      }
    }
    #expect(try !check(faulty).passed)
  }

  @Test("An input that nobody saw loosens the bound, and a skipped tile still fails")
  func uncertainInput() throws {
    let wide = seeded("wide", [Self.rows, Self.depth], format: .float32)
    let seen = wide.map(roundedToBfloat16)
    var stored = [Float](repeating: 0, count: seen.count)
    for row in 0..<Self.rows {
      for k in 0..<Self.depth { stored[k * Self.rows + row] = seen[row * Self.depth + k] }
    }
    let unseen = try TensorView(
      wide.map(Double.init), shape: [Self.rows, Self.depth], format: .bfloat16,
      uncertainty: Roundoff.unit(of: .bfloat16))
    func report(_ skip: Int) throws -> NumericsReport {
      let output = deviceProduct(
        stored, Self.b, depth: Self.depth, rows: Self.rows, columns: Self.columns
      ) { $2 == skip }
      return try NumericsChecker(seed: 1).check(
        .matMul(transposeA: false, transposeB: false), named: "product",
        inputs: [unseen, view(Self.b, [Self.depth, Self.columns])],
        output: view(output.map(roundedToBfloat16), [Self.rows, Self.columns]))
    }
    #expect(try report(-1).passed)
    #expect(try !report(9).passed)
  }

  @Test("Samples touch every tile of the output, corners included")
  func samplesTouchTiles() throws {
    // One wrong element in the corner of each tile in turn: each must be found by samples alone.
    for (row, column) in [(0, 0), (127, 511), (128, 0), (255, 1023), (0, 512), (128, 512)] {
      var checker = NumericsChecker(seed: 5)
      checker.sampleCount = 8
      let x = seeded("x", [256, 1024])
      var output = x
      output[row * 1024 + column] += 1
      let report = try checker.check(
        .copy, named: "copy", inputs: [view(x, [256, 1024])],
        output: view(output, [256, 1024]), operationCount: 3_000_000_000)
      #expect(!report.passed && report.worstIndex == row * 1024 + column)
      #expect(report.checkedCount < 32)
    }
  }
}
