import Hardware
import InstructionSet
import KernelBuilder
import KernelLibrary
import NumericFormats
import Testing

/// Pooling and resizing against their definitions.
@Suite struct PlaneKernelTests {
  private func pooled(_ kernel: PoolKernel, _ x: [Float]) -> [Double] {
    var out: [Double] = []
    for plane in 0..<kernel.planes {
      for row in 0..<kernel.rows.output {
        for column in 0..<kernel.columns.output {
          var values: [Double] = []
          var padded = 0
          for a in 0..<kernel.rows.kernel {
            for b in 0..<kernel.columns.kernel {
              let r = row * kernel.rows.stride + a * kernel.rows.dilation - kernel.rows.before
              let c =
                column * kernel.columns.stride + b * kernel.columns.dilation
                - kernel.columns.before
              let isInside =
                (0..<kernel.rows.size).contains(r) && (0..<kernel.columns.size).contains(c)
              if r < kernel.rows.size + kernel.rows.after,
                c < kernel.columns.size + kernel.columns.after
              {
                padded += 1
              }
              guard isInside else { continue }
              values.append(Double(x[(plane * kernel.rows.size + r) * kernel.columns.size + c]))
            }
          }
          switch kernel.mode {
          case .max: out.append(values.max()!)
          case .average(let includesPadding):
            out.append(values.reduce(0, +) / Double(includesPadding ? padded : values.count))
          }
        }
      }
    }
    return out
  }

  private func check(_ kernel: PoolKernel, sourceLocation: SourceLocation = #_sourceLocation)
    throws
  {
    let count = kernel.planes * kernel.rows.size * kernel.columns.size
    let x = randomTensor(count, kernel.format, seed: 3)
    let out = try SegmentRunner.run(kernel, [x]).last!
    expectClose(
      out, pooled(kernel, x), relative: 2 * kernel.format.roundoff, absolute: 1e-6,
      sourceLocation: sourceLocation)
    guard count < 5_000 else { return }
    let problems = OrderChecker(try kernel.segment(on: .trainium2)).problems
    #expect(problems.isEmpty, "\(problems.prefix(3))", sourceLocation: sourceLocation)
  }

  private func window(_ size: Int, _ kernel: Int, _ stride: Int, pad: Int = 0) -> WindowAxis {
    WindowAxis(size, kernel: kernel, stride: stride, before: pad, after: pad)
  }

  @Test(arguments: [
    PoolKernel.Mode.max, .average(includesPadding: false), .average(includesPadding: true),
  ])
  func pools(mode: PoolKernel.Mode) throws {
    try check(
      PoolKernel(
        planes: 150, rows: window(12, 3, 2, pad: 1), columns: window(9, 3, 2, pad: 1), mode: mode))
    try check(
      PoolKernel(planes: 5, rows: window(8, 2, 2), columns: window(6, 2, 2), mode: mode))
    try check(
      PoolKernel(
        planes: 3, rows: window(13, 13, 1, pad: 6), columns: window(7, 1, 1), mode: mode))
    // One window per plane.
    try check(
      PoolKernel(planes: 300, rows: window(7, 7, 1), columns: window(7, 7, 1), mode: mode))
  }

  /// Planes that do not fit at once are cut into bands of rows.
  @Test func largePlanes() throws {
    try check(
      PoolKernel(
        planes: 2, rows: window(200, 3, 2, pad: 1), columns: window(150, 3, 2, pad: 1),
        mode: .max))
  }

  private func check(_ kernel: ResizeKernel, sourceLocation: SourceLocation = #_sourceLocation)
    throws
  {
    let x = randomTensor(
      kernel.planes * kernel.inputRows * kernel.inputColumns, kernel.format, seed: 3)
    var expected: [Double] = []
    for plane in 0..<kernel.planes {
      func value(_ row: Int, _ column: Int) -> Double {
        Double(x[(plane * kernel.inputRows + row) * kernel.inputColumns + column])
      }
      for row in kernel.rows {
        for column in kernel.columns {
          let (a, b) = (Double(row.weight), Double(column.weight))
          expected.append(
            (1 - a) * ((1 - b) * value(row.low, column.low) + b * value(row.low, column.high))
              + a * ((1 - b) * value(row.high, column.low) + b * value(row.high, column.high)))
        }
      }
    }
    let out = try SegmentRunner.run(kernel, [x]).last!
    expectClose(
      out, expected, relative: 2 * kernel.format.roundoff, absolute: 1e-6,
      sourceLocation: sourceLocation)
  }

  /// Sources of a linear resize with half-pixel centres.
  private func linear(_ size: Int, to count: Int) -> [ResizeSource] {
    (0..<count).map { index in
      let at = (Double(index) + 0.5) * Double(size) / Double(count) - 0.5
      let low = Int(at.rounded(.down))
      return ResizeSource(
        max(0, low), min(size - 1, low + 1), weight: Float(at - Double(low)))
    }
  }

  @Test func nearest() throws {
    let kernel = ResizeKernel.nearest(planes: 140, rows: 6, columns: 5, factor: 2)
    try check(kernel)
    // A column and a row of each phase, for each of two tiles of planes: whatever the size.
    let copies = try kernel.segment(on: .trainium2).instructions.count {
      $0.operation.opcode == .copy
    }
    #expect(copies == 8)
  }

  @Test func linearResizes() throws {
    for (rows, columns) in [(12, 10), (4, 3), (9, 7), (6, 5)] {
      try check(
        ResizeKernel(
          planes: 9, inputRows: 6, inputColumns: 5, rows: linear(6, to: rows),
          columns: linear(5, to: columns)))
    }
  }
}
