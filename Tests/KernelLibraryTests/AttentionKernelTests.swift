import Hardware
import KernelBuilder
import KernelLibrary
import NumericFormats
import Testing

@Suite struct AttentionKernelTests {
  /// Attention of every sequence and head; q [batch, queries, heads, size], k and v
  /// [batch, keys, kvHeads, size].
  private func reference(_ kernel: AttentionKernel, _ q: [Float], _ k: [Float], _ v: [Float])
    -> [Double]
  {
    let size = kernel.size
    var out = [Double](repeating: 0, count: q.count)
    for batch in 0..<kernel.batch {
      for query in 0..<kernel.queries {
        for head in 0..<kernel.heads {
          let row = ((batch * kernel.queries + query) * kernel.heads + head) * size
          let kv = head / (kernel.heads / kernel.kvHeads)
          let seen = kernel.isCausal ? query + kernel.keys - kernel.queries + 1 : kernel.keys
          let place = { (key: Int) in
            ((batch * kernel.capacity + key) * kernel.kvHeads + kv) * size
          }
          let first = max(0, seen - (kernel.window ?? seen))
          let scores = (first..<seen).map { key in
            (0..<size).reduce(0.0) { $0 + Double(q[row + $1]) * Double(k[place(key) + $1]) }
              * Double(kernel.scale)
          }
          for (index, p) in Reference.softmax(scores).enumerated() {
            let key = first + index
            for e in 0..<size { out[row + e] += p * Double(v[place(key) + e]) }
          }
        }
      }
    }
    return out
  }

  /// Runs a kernel and compares. Tolerance: probabilities are rounded to bf16, so that the error of
  /// a row is at most a few roundoffs of the largest value; the output is rounded once more.
  private func check(
    _ kernel: AttentionKernel, scale: Float = 1, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let size = kernel.size
    let q = randomTensor(
      kernel.batch * kernel.queries * kernel.heads * size, .bfloat16, seed: 40, scale: scale)
    let count = kernel.batch * kernel.capacity * kernel.kvHeads * size
    let k = randomTensor(count, .bfloat16, seed: 41, scale: scale)
    let v = randomTensor(count, .bfloat16, seed: 42)
    var storedQ = q
    if kernel.queryLayout == .transposed {
      storedQ = Reference.transposed(
        q, rows: kernel.batch * kernel.queries, columns: kernel.heads * size)
    }
    var storedK = k
    if kernel.keyLayout == .transposed {
      let each = kernel.capacity * kernel.kvHeads * size
      storedK = (0..<kernel.batch).flatMap { batch in
        Reference.transposed(
          Array(k[batch * each..<(batch + 1) * each]), rows: kernel.capacity,
          columns: kernel.kvHeads * size)
      }
    }
    var storedV = v
    if kernel.keepsHeadsApart {
      storedQ = Self.apart(q, kernel.batch, kernel.queries, kernel.heads, size)
      if kernel.keyLayout == .rowMajor {
        storedK = Self.apart(k, kernel.batch, kernel.capacity, kernel.kvHeads, size)
      }
      storedV = Self.apart(v, kernel.batch, kernel.capacity, kernel.kvHeads, size)
    }
    var out = try SegmentRunner.run(kernel, [storedQ, storedK, storedV])[3]
    if kernel.keepsHeadsApart {
      out = Self.apart(out, kernel.batch, kernel.heads, kernel.queries, size)
    }
    expectClose(
      out, reference(kernel, q, k, v), relative: 2 * NumberFormat.bfloat16.roundoff,
      absolute: 2 * NumberFormat.bfloat16.roundoff, sourceLocation: sourceLocation)
  }

  /// Two axes before the last changed for each other: tokens and heads.
  private static func apart(
    _ values: [Float], _ batch: Int, _ first: Int, _ second: Int, _ size: Int
  ) -> [Float] {
    var result: [Float] = []
    for sequence in 0..<batch {
      for inner in 0..<second {
        for outer in 0..<first {
          let start = ((sequence * first + outer) * second + inner) * size
          result += values[start..<start + size]
        }
      }
    }
    return result
  }

  /// ONNX's four axes: prefill in whole and odd blocks, wide heads, windows, and decoding over a
  /// cache by rows and transposed.
  @Test func headsApart() throws {
    for (queries, keys, heads, kvHeads, size, isCausal) in [
      (256, 256, 4, 2, 64, true), (150, 150, 3, 3, 128, true), (40, 300, 4, 1, 32, false),
      (144, 400, 2, 1, 256, true), (1, 700, 8, 2, 64, true), (2, 300, 4, 2, 128, true),
      (1, 260, 64, 32, 32, true),
    ] {
      for layout in [AttentionKernel.Layout.rowMajor, .transposed] {
        var kernel = AttentionKernel(
          queries: queries, keys: keys, heads: heads, kvHeads: kvHeads, size: size,
          isCausal: isCausal, keyLayout: layout)
        kernel.batch = 2
        kernel.keepsHeadsApart = true
        try check(kernel)
        #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
      }
    }
    var window = AttentionKernel(queries: 200, keys: 230, heads: 2, kvHeads: 1, size: 64)
    (window.window, window.keepsHeadsApart) = (70, true)
    try check(window)
  }

  @Test func causal() throws {
    try check(AttentionKernel(queries: 256, keys: 256, heads: 2, kvHeads: 1, size: 128))
    try check(AttentionKernel(queries: 300, keys: 300, heads: 2, size: 64))
    try check(AttentionKernel(queries: 40, keys: 200, heads: 1, size: 32))
    try check(AttentionKernel(queries: 160, keys: 200, heads: 1, size: 128))
  }

  @Test func full() throws {
    try check(AttentionKernel(queries: 130, keys: 270, heads: 2, size: 64, isCausal: false))
    try check(AttentionKernel(queries: 20, keys: 17, heads: 1, size: 128, isCausal: false))
  }

  @Test func manyBlocksOfKeys() throws {
    try check(AttentionKernel(queries: 128, keys: 2304, heads: 1, size: 128))
    try check(AttentionKernel(queries: 64, keys: 1100, heads: 1, size: 64, isCausal: false))
  }

  /// Heads in two parts: several blocks, groups of heads, sequences, and every layout.
  @Test(arguments: [AttentionKernel.Layout.rowMajor, .transposed])
  func headsWiderThanThePartitions(layout: AttentionKernel.Layout) throws {
    for (queries, keys, heads, kvHeads, causal) in [
      (300, 300, 2, 2, true), (144, 700, 4, 2, true), (70, 130, 1, 1, false),
    ] {
      var kernel = AttentionKernel(
        queries: queries, keys: keys, heads: heads, kvHeads: kvHeads, size: 256, isCausal: causal,
        queryLayout: layout, keyLayout: layout)
      kernel.batch = layout == .rowMajor ? 2 : 1
      try check(kernel)
      #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
    }
  }

  @Test func wideHeadsFitUpToTheirLimitAndAreRefusedBeyond() throws {
    let most = AttentionKernel.mostKeysOfWidest
    #expect(throws: Never.self) {
      try AttentionKernel(queries: 512, keys: most, heads: 2, kvHeads: 1, size: 256)
        .segment(on: .trainium2)
    }
    #expect(throws: BuilderError.self) {
      try AttentionKernel(queries: 512, keys: most + 1, heads: 2, kvHeads: 1, size: 256)
        .segment(on: .trainium2)
    }
  }

  @Test func largeScoresStaySafe() throws {
    // Scores of several hundred: without the running maximum the exponentials overflow.
    try check(AttentionKernel(queries: 128, keys: 1300, heads: 1, size: 128, scale: 1), scale: 8)
  }

  /// Queries and keys a hundred times as large: scores of 100,000 and more, beyond fp16's range and
  /// far beyond what the exponential takes. Each row is then nearly one value of V, so that a
  /// maximum that is off, by a missed block or by a rounding, shows in every element.
  @Test func hugeScoresStaySafe() throws {
    for isCausal in [true, false] {
      try check(
        AttentionKernel(queries: 200, keys: 700, heads: 2, kvHeads: 1, isCausal: isCausal),
        scale: 100)
    }
  }

  @Test(arguments: [1, 60, 128, 130, 400]) func slidingWindow(window: Int) throws {
    for (heads, kvHeads) in [(2, 2), (4, 1), (3, 1)] {
      var kernel = AttentionKernel(
        queries: 300, keys: 330, heads: heads, kvHeads: kvHeads, size: 64)
      kernel.window = window
      try check(kernel)
      #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
    }
  }

  /// Groups of heads that do not fill the blocks of four tiles, and more of them than can be held.
  @Test func groupsOfEverySize() throws {
    for (heads, kvHeads) in [(3, 1), (5, 1), (6, 2), (24, 24)] {
      try check(AttentionKernel(queries: 150, keys: 150, heads: heads, kvHeads: kvHeads, size: 32))
    }
  }

  @Test func layouts() throws {
    for query in [AttentionKernel.Layout.rowMajor, .transposed] {
      for key in [AttentionKernel.Layout.rowMajor, .transposed] {
        var kernel = AttentionKernel(
          queries: 150, keys: 150, heads: 4, kvHeads: 2, size: 64, queryLayout: query,
          keyLayout: key)
        kernel.batch = 2
        try check(kernel)
      }
    }
  }

  @Test(arguments: [1, 2, 7, 16]) func decoding(queries: Int) throws {
    try check(.decode(queries: queries, keys: 200, heads: 4, kvHeads: 2))
    try check(
      .decode(
        batch: 2, queries: queries, keys: 1100, capacity: 1200, heads: 8, kvHeads: 2, size: 64))
  }

  @Test func instructionsAreOrdered() throws {
    for kernel in [
      AttentionKernel(queries: 256, keys: 256, heads: 2, kvHeads: 1, size: 32),
      AttentionKernel(queries: 64, keys: 1100, heads: 1, size: 16, isCausal: false),
      .decode(batch: 2, queries: 2, keys: 130, heads: 4, kvHeads: 2, size: 32),
    ] {
      #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
    }
  }

  @Test func wrongShapesAreRefused() throws {
    #expect(throws: BuilderError.self) {
      try AttentionKernel(queries: 8, keys: 4, heads: 1).segment(on: .trainium2)
    }
    #expect(throws: BuilderError.self) {
      try AttentionKernel(queries: 8, keys: 8, heads: 3, kvHeads: 2).segment(on: .trainium2)
    }
  }

  @Test func longSequencesFitTheDevice() throws {
    _ = try AttentionKernel(queries: 2048, keys: 2048, heads: 8, kvHeads: 2).segment(on: .trainium2)
    _ = try AttentionKernel.decode(keys: 2048, heads: 32, kvHeads: 8).segment(on: .trainium2)
  }
}
