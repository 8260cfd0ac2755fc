import ModelGraph
import NumericFormats
import Testing

@Suite("Operator families against values worked out by hand")
struct FamilyTests {
  private func evaluate(_ operation: Operator, _ inputs: TensorView?...) throws -> [TensorView] {
    try Float64Interpreter.results(operation, inputs: inputs)
  }

  private func whole(_ values: [Int64], _ shape: TensorShape, _ type: ElementType = .int64) throws
    -> TensorView
  {
    try TensorView(integers: values, shape: shape, type: type)
  }

  @Test("Whole numbers stay whole: 64 bits, wrapped, divided towards zero")
  func integers() throws {
    let large = try whole([1 << 62, -7], [2])
    let sum = try evaluate(.elementwise(Elementwise(.add)), large, whole([1, 2], [2]))[0]
    #expect(sum.integerValues == [1 << 62 + 1, -5])
    let bytes = try evaluate(
      .elementwise(Elementwise(.add)), whole([200], [1], .uint8), whole([100], [1], .uint8))[0]
    #expect(bytes.integerValues == [44])
    let quotient = try evaluate(
      .elementwise(Elementwise(.divide)), whole([-7, 7], [2]), whole([2], [1]))[0]
    #expect(quotient.integerValues == [-3, 3])
    let modulo = try evaluate(
      .elementwise(Elementwise(.modulo)), whole([-7, 7], [2]), whole([3], []))[0]
    #expect(modulo.integerValues == [2, 1])
  }

  @Test("Broadcast, comparison and selection")
  func selection() throws {
    let x = try exact([1, -2, 3, -4], [2, 2])
    let zero = try exact([0], [])
    let test = try evaluate(.elementwise(Elementwise(.greater)), x, zero)[0]
    #expect(test.type == .bool && test.integerValues == [1, 0, 1, 0])
    let chosen = try evaluate(.elementwise(Elementwise(.select)), test, x, zero)[0]
    #expect(chosen.allValues == [1, 0, 3, 0])
    let clipped = try evaluate(.elementwise(Elementwise(.clip)), x, nil, exact([2], []))[0]
    #expect(clipped.allValues == [1, -2, 2, -4])
  }

  @Test("Gelu keeps its digits where the normal distribution's tail is small")
  func geluTail() throws {
    let x = try TensorView([-9, -6, 2], shape: [3], type: .float64)
    // x · Φ(x), and x / (1 + exp(−2 √(2/π) (x + 0.044715 x³))), in double precision.
    for (function, expected) in [
      (ElementwiseFunction.gelu, [-1.015729565358458e-18, -5.919525870226207e-9, 1.9544997361]),
      (.geluTanh, [-1.336459594734881e-28, -8.43964670076231e-11, 1.9545976940877752]),
    ] {
      let found = try evaluate(.elementwise(Elementwise(function)), x)[0]
      for (place, value) in expected.enumerated() {
        #expect(abs(found[place] / value - 1) < 1e-9)
      }
    }
  }

  @Test("Reductions over one axis, several and none")
  func reductions() throws {
    let x = try exact([1, 2, 3, 4, 5, 6], [1, 2, 3])
    func reduce(_ kind: ReductionKind, _ axes: [Int], _ keeps: Bool) throws -> TensorView {
      try evaluate(.reduce(Reduction(kind, axes: axes, keepsDimensions: keeps)), x)[0]
    }
    #expect(try reduce(.sum, [1], false).allValues == [5, 7, 9])
    #expect(try reduce(.mean, [-1], true).shape == [1, 2, 1])
    #expect(try reduce(.maximum, [0, 1, 2], false).allValues == [6])
    #expect(try reduce(.sumOfSquares, [2], false).allValues == [14, 77])
    #expect(try reduce(.sum, [], true).allValues == x.allValues)
  }

  @Test("Products of matrices side by side, and of vectors")
  func products() throws {
    let a = try exact([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2])
    let b = try exact([1, 0, 2, 1], [1, 2, 2])
    let all = try evaluate(.batchMatMul(BatchMatMul()), a, b)[0]
    #expect(all.allValues == [5, 2, 11, 4, 17, 6, 23, 8])
    let some = try Float64Interpreter.evaluate(
      .batchMatMul(BatchMatMul()), inputs: [a, b], at: [7, 2])
    #expect(some == [8, 11])
    let swapped = try exact([1, 2, 0, 1], [1, 2, 2])
    let other = try evaluate(.batchMatMul(BatchMatMul(transposeB: true)), a, swapped)[0]
    #expect(other.allValues == all.allValues)
    let dot = try evaluate(.batchMatMul(BatchMatMul()), exact([1, 2], [2]), exact([3, 4], [2]))[0]
    #expect(dot.shape == [] && dot.allValues == [11])
  }

  @Test("Movement: each element once, where it belongs")
  func movement() throws {
    let x = try exact([0, 1, 2, 3, 4, 5], [2, 3])
    let slice = StridedSlice(starts: [1, 2], counts: [2, 2], steps: [-1, -2])
    #expect(try evaluate(.stridedSlice(slice), x)[0].allValues == [5, 3, 2, 0])
    let padded = try evaluate(
      .pad(Pad(before: [1, -1], after: [0, 1], mode: .constant, value: 9)), x)[0]
    #expect(padded.allValues == [9, 9, 9, 1, 2, 9, 4, 5, 9])
    let mirrored = try evaluate(.pad(Pad(before: [0, 2], after: [0, 1], mode: .reflect)), x)[0]
    #expect(mirrored.allValues.prefix(6) == [2, 1, 0, 1, 2, 1])
    #expect(
      try evaluate(.tile(Tile(repeats: [1, 2])), x)[0].allValues.prefix(6) == [0, 1, 2, 0, 1, 2])
    let pieces = try evaluate(.split(Split(axis: 1, lengths: [1, 2])), x)
    #expect(pieces.map(\.allValues) == [[0, 3], [1, 2, 4, 5]])
    let joined = try evaluate(.concatenate(Concatenation(axis: -1)), pieces[0], pieces[1])[0]
    #expect(joined.allValues == x.allValues)
    let rows = try evaluate(.axisGather(AxisGather(axis: 1)), x, whole([-1, 0], [2]))[0]
    #expect(rows.allValues == [2, 0, 5, 3])
    #expect(throws: GraphError.self) {
      try evaluate(.axisGather(AxisGather(axis: 1)), x, whole([3], [1]))
    }
  }

  @Test("Casts round to the type, saturate or not")
  func casts() throws {
    let x = try exact([1e6, -3.7, 0.1, .nan], [4])
    func cast(_ type: ElementType, _ saturates: Bool = true) throws -> [Double] {
      try evaluate(.cast(Cast(to: type, saturates: saturates)), x)[0].allValues
    }
    #expect(try cast(.int32) == [1_000_000, -3, 0, 0])
    #expect(try cast(.bool) == [1, 1, 1, 1])
    #expect(try cast(.float16)[0] == .infinity)
    #expect(try cast(.format(.float8e4m3fn))[0] == 448)
    #expect(try cast(.format(.float8e4m3fn), false)[0].isNaN)
    #expect(try cast(.format(.float8e4m3fn))[2] == 0.1015625)
  }

  @Test("A graph with several results and an optional input left out")
  func graph() throws {
    var builder = GraphBuilder(name: "pieces", format: .float32)
    try builder.given("x", [2, 4])
    try builder.apply(
      .split(Split(axis: 1, lengths: [1, 3])), to: ["x"], name: "cut", results: ["", "right"])
    try builder.given("top", [], role: .weight)
    try builder.apply(
      .elementwise(Elementwise(.clip)), to: ["right", "", "top"], name: "y", role: .output)
    let graph = try builder.finish()
    let values = try Float64Interpreter.evaluate(
      graph, given: ["x": exact([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]), "top": exact([5], [])])
    #expect(values["y"]?.allValues == [2, 3, 4, 5, 5, 5])
    #expect(graph.operationCount == 12)
  }
}
