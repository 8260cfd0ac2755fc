import Hardware
import KernelBuilder
import KernelLibrary
import NumericFormats
import Testing

@Suite struct MoveKernelTests {
  /// Every piece moved element by element.
  private func moved(_ kernel: MoveKernel, _ inputs: [[Float]]) -> [[Float]] {
    var outputs = kernel.outputs.map { [Float](repeating: 0, count: $0.count) }
    for piece in kernel.pieces {
      for index in 0..<piece.sizes.reduce(1, *) {
        var rest = index
        var (from, to) = (piece.sourceOffset, piece.outputOffset)
        for axis in piece.sizes.indices.reversed() {
          let (next, position) = rest.quotientAndRemainder(dividingBy: piece.sizes[axis])
          rest = next
          from += position * piece.sourceStrides[axis]
          to += position * piece.outputStrides[axis]
        }
        switch piece.source {
        case .constant(let value): outputs[piece.output][to] = value
        case .input(let number): outputs[piece.output][to] = inputs[number][from]
        }
      }
    }
    return outputs
  }

  private func check(_ kernel: MoveKernel, sourceLocation: SourceLocation = #_sourceLocation)
    throws
  {
    let inputs = kernel.inputs.enumerated().map {
      randomTensor($1.count, $1.format, seed: UInt64($0 + 1))
    }
    let out = Array(try SegmentRunner.run(kernel, inputs).suffix(kernel.outputs.count))
    #expect(out == moved(kernel, inputs), sourceLocation: sourceLocation)
    #expect(
      OrderChecker(try kernel.segment(on: .trainium2)).problems == [],
      sourceLocation: sourceLocation)
  }

  private func dense(_ shape: [Int]) -> [Int] {
    shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
  }

  private func transpose(_ shape: [Int], _ permutation: [Int], _ format: NumberFormat)
    -> MoveKernel
  {
    let count = shape.reduce(1, *)
    let own = dense(shape)
    let sizes = permutation.map { shape[$0] }
    return MoveKernel(
      "transpose", inputs: [.init(count: count, format: format)],
      outputs: [.init(count: count, format: format)],
      pieces: [
        .init(.input(0), sizes: sizes, from: permutation.map { own[$0] }, to: dense(sizes))
      ])
  }

  @Test(arguments: [
    ([30, 50], [1, 0]), ([300, 200], [1, 0]), ([2, 3, 40, 17], [0, 2, 3, 1]),
    ([2, 40, 17, 3], [0, 3, 1, 2]), ([4, 20, 6, 32], [0, 2, 1, 3]), ([5, 1, 7], [2, 1, 0]),
    ([2, 3, 4, 5, 6], [4, 2, 0, 3, 1]), ([3, 2100, 5], [0, 2, 1]),
  ])
  func transposes(shape: [Int], permutation: [Int]) throws {
    for format in [NumberFormat.float32, .bfloat16, .uint8] {
      try check(transpose(shape, permutation, format))
    }
  }

  @Test func slicesJoinsAndPadding() throws {
    // Every second column from the last on, of rows 1 to 3.
    try check(
      MoveKernel(
        "slice", inputs: [.init(count: 5 * 40, format: .float32)],
        outputs: [.init(count: 3 * 20, format: .float32)],
        pieces: [.init(.input(0), sizes: [3, 20], from: [40, -2], at: 79, to: [20, 1])]))
    // [4, 3, 6] beside [4, 5, 6].
    try check(
      MoveKernel(
        "concat",
        inputs: [.init(count: 72, format: .bfloat16), .init(count: 120, format: .bfloat16)],
        outputs: [.init(count: 192, format: .bfloat16)],
        pieces: [
          .init(.input(0), sizes: [4, 18], from: [18, 1], to: [48, 1]),
          .init(.input(1), sizes: [4, 30], from: [30, 1], to: [48, 1], atOutput: 18),
        ]))
    // A frame of 0.5 around [3, 600, 7].
    let padded = [5, 700, 9]
    try check(
      MoveKernel(
        "pad", inputs: [.init(count: 3 * 600 * 7, format: .float32)],
        outputs: [.init(count: padded.reduce(1, *), format: .float32)],
        pieces: [
          .init(
            .constant(0.5), sizes: padded, from: [0, 0, 0], to: dense(padded)),
          .init(
            .input(0), sizes: [3, 600, 7], from: dense([3, 600, 7]), to: dense(padded),
            atOutput: 700 * 9 + 50 * 9 + 1),
        ]))
    // Rows repeated, two outputs.
    try check(
      MoveKernel(
        "tile", inputs: [.init(count: 100, format: .float32)],
        outputs: [.init(count: 300, format: .float32), .init(count: 50, format: .float32)],
        pieces: [
          .init(.input(0), sizes: [3, 100], from: [0, 1], to: [100, 1]),
          .init(.input(0), sizes: [50], from: [2], output: 1, to: [1]),
        ]))
  }

  @Test func gathersAndScattersRows() throws {
    for (count, lengths, columns, blocks) in [
      (200, [37], 24, 1), (5, [300], 10_000, 1), (40, [6, 7], 33, 1), (20, [12], 5, 3),
    ] {
      let rows = lengths.reduce(1, *)
      let table = randomTensor(blocks * rows * columns, .bfloat16, seed: 3)
      let numbers = (0..<count * lengths.count).map { index -> Float in
        let length = lengths[index % lengths.count]
        let value = (index * 7 + 3) % length
        return Float(index % 3 == 0 ? value - length : value)
      }
      let kernel = IndexedRowsKernel(
        count: count, lengths: lengths, columns: columns, blocks: blocks, format: .bfloat16)
      let out = try SegmentRunner.run(kernel, [numbers, table]).last!
      var expected: [Float] = []
      for block in 0..<blocks {
        for tuple in 0..<count {
          var row = 0
          for (axis, length) in lengths.enumerated() {
            let number = Int(numbers[tuple * lengths.count + axis])
            row = row * length + (number < 0 ? number + length : number)
          }
          expected += table[(block * rows + row) * columns..<(block * rows + row + 1) * columns]
        }
      }
      #expect(out == expected)
      #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
    }
    let scatter = IndexedRowsKernel(
      count: 30, lengths: [50], columns: 6, format: .float32, isScatter: true)
    let updates = randomTensor(180, .float32, seed: 4)
    let old = randomTensor(300, .float32, seed: 5)
    let places = (0..<30).map { Float(49 - $0) }
    let out = try SegmentRunner.run(scatter, [places, updates, old]).last!
    var expected = old
    for row in 0..<30 {
      for column in 0..<6 { expected[(49 - row) * 6 + column] = updates[row * 6 + column] }
    }
    #expect(out == expected)
  }

  @Test func gathersAndScattersElements() throws {
    for (shape, data, axis) in [
      ([3, 4, 5], [3, 9, 5], 1), ([10, 6], [20, 6], 0), ([150, 3], [150, 8], 1), ([7], [5], 0),
    ] {
      let count = shape.reduce(1, *)
      let (own, strides) = (dense(shape), dense(data))
      let indices = (0..<count).map { Float(($0 * 5 + 1) % data[axis] - ($0 % 2) * data[axis]) }
      let table = randomTensor(data.reduce(1, *), .float32, seed: 6)
      let place = { (index: Int) -> Int in
        var sum = 0
        for other in shape.indices {
          let position = index / own[other] % shape[other]
          let chosen = Int(indices[index])
          sum +=
            strides[other]
            * (other == axis ? (chosen < 0 ? chosen + data[axis] : chosen) : position)
        }
        return sum
      }
      let gather = IndexedElementsKernel(shape: shape, data: data, axis: axis, format: .float32)
      let out = try SegmentRunner.run(gather, [indices, table]).last!
      #expect(out == (0..<count).map { table[place($0)] })
      let scatter = IndexedElementsKernel(
        shape: shape, data: data, axis: axis, format: .float32, isScatter: true)
      let updates = randomTensor(count, .float32, seed: 7)
      let scattered = try SegmentRunner.run(scatter, [indices, updates, table]).last!
      // Where several updates meet one element, any of them is right.
      var given: [Int: [Float]] = [:]
      for index in 0..<count { given[place(index), default: []].append(updates[index]) }
      for index in table.indices {
        #expect((given[index] ?? [table[index]]).contains(scattered[index]))
      }
    }
  }

  @Test func aPieceThatIsShiftedIsNoticed() throws {
    var kernel = transpose([300, 200], [1, 0], .float32)
    let x = randomTensor(300 * 200, .float32, seed: 1)
    let right = moved(kernel, [x])[0]
    kernel.pieces[0].sizes[1] -= 1
    kernel.pieces[0].sourceOffset = 200
    #expect(try SegmentRunner.run(kernel, [x]).last! != right)
  }
}
