import Hardware
import KernelBuilder
import KernelLibrary
import NumericFormats
import Testing

@Suite struct EmbeddingBagTests {
  /// Tolerance: sums in fp32 of exact rows, one rounding to the format.
  private func check(
    _ kernel: EmbeddingBagKernel, emptyEvery: Int = 0,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var random = SplitMix(7)
    var index: [Float] = []
    for bag in 0..<kernel.bags {
      for table in kernel.tables {
        for place in 0..<table.length {
          let isEmpty = emptyEvery > 0 && (bag + place) % emptyEvery == 0
          index.append(isEmpty ? 0x1p24 : Float(Int(random.next() % UInt64(table.rows))))
        }
      }
    }
    let tables = kernel.tables.enumerated().map {
      randomTensor($1.rows * kernel.columns, kernel.format, seed: UInt64($0 + 20))
    }
    let leading =
      kernel.hasLeading ? randomTensor(kernel.bags * kernel.columns, kernel.format, seed: 5) : []
    let inputs = [index] + tables + (kernel.hasLeading ? [leading] : [])
    let out = try SegmentRunner.run(kernel, inputs).last!
    var expected: [Double] = []
    for bag in 0..<kernel.bags {
      let first = bag * kernel.columns
      expected += leading.isEmpty ? [] : leading[first..<first + kernel.columns].map(Double.init)
      var place = bag * kernel.places
      for (number, table) in kernel.tables.enumerated() {
        var sum = [Double](repeating: 0, count: kernel.columns)
        for _ in 0..<table.length {
          let row = Int(index[place])
          place += 1
          guard row < table.rows else { continue }
          for column in sum.indices {
            sum[column] += Double(tables[number][row * kernel.columns + column])
          }
        }
        expected += sum
      }
    }
    expectClose(
      out, expected, relative: kernel.format.roundoff + 1e-6, absolute: 1e-6,
      sourceLocation: sourceLocation)
  }

  @Test func fixedLengths() throws {
    var kernel = EmbeddingBagKernel(
      bags: 200, tables: [.init(rows: 50, length: 3), .init(rows: 7, length: 1)], columns: 64)
    kernel.isRagged = false
    try check(kernel)
    kernel.hasLeading = true
    try check(kernel)
  }

  @Test func raggedLengths() throws {
    try check(
      EmbeddingBagKernel(bags: 130, tables: [.init(rows: 90, length: 5)], columns: 128),
      emptyEvery: 3)
    // Bags without any row are zero.
    try check(
      EmbeddingBagKernel(bags: 9, tables: [.init(rows: 90, length: 2)], columns: 16),
      emptyEvery: 1)
  }

  @Test func wideRowsAndFP32() throws {
    try check(
      EmbeddingBagKernel(
        bags: 20, tables: [.init(rows: 30, length: 2)], columns: 600, format: .float32))
  }

  /// Long rows of many tables leave little room for rows under way.
  @Test func wideRowsOfManyTablesFit() throws {
    let tables = Array(repeating: EmbeddingBagKernel.Table(rows: 300, length: 1), count: 20)
    for device in [Device.trainium1, .trainium2] {
      _ = try EmbeddingBagKernel(bags: 5, tables: tables, columns: 2_048).segment(on: device)
    }
  }

  @Test func isOrdered() throws {
    let kernel = EmbeddingBagKernel(
      bags: 150, tables: [.init(rows: 20, length: 4), .init(rows: 9, length: 2)], columns: 32)
    let problems = OrderChecker(try kernel.segment(on: .trainium2)).problems
    #expect(problems.isEmpty, "\(problems.prefix(3))")
  }
}
