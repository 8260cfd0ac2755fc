import ModelGraph
import NumericFormats
import Testing

/// Operators without a kernel of their own, written as others.
@Suite struct ExpandedOperatorTests {
  private typealias Input = OperatorCase.Input

  @Test(arguments: RecurrentCell.allCases, RecurrentDirection.allCases)
  func recurrent(cell: RecurrentCell, direction: RecurrentDirection) throws {
    let (ways, rows) = (direction == .bidirectional ? 2 : 1, cell.gates * 6)
    let results = cell == .longShortTerm ? 3 : 2
    for isBatchFirst in [false, true] {
      let state: TensorShape = isBatchFirst ? [3, ways, 6] : [ways, 3, 6]
      var inputs: [Input?] = [
        .floats(isBatchFirst ? [3, 4, 5] : [4, 3, 5]), .floats([ways, rows, 5]),
        .floats([ways, rows, 6]),
      ]
      var network = Recurrent(
        cell, direction: direction, hidden: 6, isBatchFirst: isBatchFirst)
      try OperatorCase(.recurrent(network), inputs, results: results).check()
      network.resetsAfterProduct = true
      inputs += [
        .floats([ways, 2 * rows]), try .values([4, 1, 3], [3], .int32), .floats(state),
      ]
      if cell == .longShortTerm { inputs += [.floats(state), .floats([ways, 18])] }
      try OperatorCase(.recurrent(network), inputs, results: results).check()
    }
  }

  @Test(arguments: [false, true], [false, true])
  func running(isExclusive: Bool, isReversed: Bool) throws {
    for axis in [0, 1, -1] {
      try OperatorCase(
        .cumulative(
          Cumulative(axis: axis, isExclusive: isExclusive, isReversed: isReversed)),
        [.floats([4, 7, 5])]
      ).check()
    }
    try OperatorCase(
      .cumulative(
        Cumulative(
          multiplies: true, axis: 0, isExclusive: isExclusive, isReversed: isReversed)),
      [.whole([6], below: 3, .int32)]
    ).check()
  }

  @Test(arguments: [ElementType.uint8, .int8, .format(.int16), .int4, .format(.float8e5m2)])
  func quantisation(type: ElementType) throws {
    let x = Input.floats([6, 8])
    let zero = type.isInteger ? try Input.values([1], [], type) : nil
    let one: [Input?] = [x, .spread([], 0.01, 0.1), zero]
    try OperatorCase(.quantize(Quantize(to: type)), one).check(agreeing: 1)
    let perPlace = try Input.values([Double](repeating: 0, count: 6), [6], type)
    try OperatorCase(
      .quantize(Quantize(to: type, axis: 0)),
      [x, .spread([6], 0.01, 0.1)] + (type.isInteger ? [perPlace] : [])
    ).check(agreeing: 1)
    let narrow = try Input.values((0..<48).map { Double($0 % 7) }, [6, 8], type)
    try OperatorCase(
      .dequantize(Dequantize(axis: 0)), [narrow, .spread([6], 0.01, 0.1)]
    ).check()
    try OperatorCase(
      .dequantize(Dequantize(axis: 1, blockSize: 3)), [narrow, .spread([6, 3], 0.01, 0.1)]
    ).check()
  }

  @Test func productsOfBytes() throws {
    let a = Input.whole([5, 20], below: 200, .uint8)
    let b = Input.whole([20, 7], below: 120, .int8)
    try OperatorCase(.quantizedMatMul(QuantizedMatMul(isScaled: false)), [a, b]).check()
    let zeros: [Input?] = [
      .whole([5], below: 9, .uint8), .whole([7], below: 9, .int8),
    ]
    try OperatorCase(
      .quantizedMatMul(QuantizedMatMul(isScaled: false)), [a, b] + zeros
    ).check()
    func number(_ value: Double, _ type: ElementType = .float32) throws -> Input {
      try .values([value], [], type)
    }
    try OperatorCase(
      .quantizedMatMul(QuantizedMatMul(isScaled: true)),
      [
        a, number(0.01), number(100, .uint8), b, number(0.02), number(3, .int8), number(0.5),
        number(118, .uint8),
      ]
    ).check(agreeing: 1)
    try OperatorCase(
      .dynamicQuantize(DynamicQuantize()), [.floats([4, 9])], results: 3
    ).check(agreeing: 1)
  }

  @Test(arguments: ResizeMode.allCases, GridPadding.allCases)
  func grids(mode: ResizeMode, padding: GridPadding) throws {
    for alignsCorners in [false, true] {
      let sample = GridSample(mode: mode, padding: padding, alignsCorners: alignsCorners)
      try OperatorCase(
        .gridSample(sample), [.floats([2, 3, 5, 6]), .spread([2, 3, 4, 2], -1.4, 1.4)]
      ).check(agreeing: 1e-4)
    }
    if mode != .cubic {
      try OperatorCase(
        .gridSample(GridSample(mode: mode, padding: padding, alignsCorners: false)),
        [.floats([1, 2, 3, 4, 5]), .spread([1, 2, 2, 3, 3], -1, 1)]
      ).check(agreeing: 1e-4)
    }
  }

  @Test func causalConvolutions() throws {
    for appliesSilu in [false, true] {
      let operation = CausalConvolution(appliesSilu: appliesSilu)
      try OperatorCase(
        .causalConvolution(operation),
        [.floats([2, 4, 6]), .floats([4, 1, 3]), .floats([4]), .floats([2, 4, 2])], results: 2
      ).check()
      try OperatorCase(
        .causalConvolution(operation), [.floats([2, 4, 6]), .floats([4, 1, 3])]
      ).check()
    }
  }

  @Test func windows() throws {
    var window = SlidingWindow(
      [2, 3, 2], strides: [1, 2, 2], dilations: [1, 1, 2], before: [1, 0, 1])
    for coversEnd in [false, true] {
      window.coversEnd = coversEnd
      for mode in [
        Pooling.Mode.max, .average(countsPadding: true), .average(countsPadding: false),
      ] {
        try OperatorCase(.pool(Pooling(window, mode: mode)), [.floats([1, 2, 5, 6, 7])]).check()
      }
    }
    for power in [1, 2, 3] {
      try OperatorCase(
        .windowNorm(WindowNorm(SlidingWindow([3, 2], before: [1, 0]), power: power)),
        [.floats([2, 3, 6, 5])]
      ).check()
    }
    try OperatorCase(
      .localResponse(LocalResponse(size: 3, alpha: 0.1, beta: 0.75, bias: 1)),
      [.floats([2, 7, 3, 4])]
    ).check()
  }

  @Test func resizing() throws {
    for coordinates in ResizeCoordinates.allCases {
      try OperatorCase(
        .resize(
          Resize(
            sizes: [8, 6], scales: [2, 1.5], mode: .cubic, coordinates: coordinates)),
        [.floats([2, 3, 4, 4])]
      ).check()
    }
    for mode in [ResizeMode.nearest, .linear] {
      try OperatorCase(
        .resize(Resize(sizes: [4, 6, 8], scales: [2, 2, 2], mode: mode)),
        [.floats([2, 2, 3, 4])]
      ).check()
    }
    let axis = AxisResampling(
      axis: 2, sources: [[0, 1], [1, 2], [2, 3]], weights: [[0.5, 0.5], [1, 0], [0.2, 0.8]],
      isOutside: [false, true, false])
    try OperatorCase(
      .resample(Resample(axes: [axis], outerValue: 7)), [.floats([2, 3, 4, 5])]
    ).check()
  }

  @Test func transposedConvolutions() throws {
    for groups in [1, 2] {
      let operation = ConvTranspose(
        kernel: [3, 2], strides: [2, 3], dilations: [1, 2], before: [1, 0], lengths: [8, 14],
        groups: groups)
      try OperatorCase(
        .convTranspose(operation),
        [.floats([2, 4, 4, 4]), .floats([4, 3, 3, 2]), .floats([3 * groups])]
      ).check()
    }
  }

  @Test(arguments: [
    "ij->ji", "ij->i", "bij,bjk->bik", "i,i", "...ii->...i", "ij,kj->ik",
    "bhid,bhjd->bhij", "ij,k->kij",
  ])
  func sums(equation: String) throws {
    let shapes: [String: [TensorShape]] = [
      "ij->ji": [[3, 4]], "ij->i": [[3, 4]], "bij,bjk->bik": [[2, 3, 4], [2, 4, 5]],
      "i,i": [[6], [6]], "...ii->...i": [[3, 5, 5]], "ij,kj->ik": [[3, 4], [5, 4]],
      "bhid,bhjd->bhij": [[2, 3, 4, 8], [2, 3, 5, 8]], "ij,k->kij": [[3, 4], [5]],
    ]
    try OperatorCase(
      .einsum(Einsum(equation)), (shapes[equation] ?? []).map { .floats($0) }
    ).check()
  }

  @Test func choices() throws {
    for axis in [0, 1, -1] {
      try OperatorCase(.axisSoftmax(AxisSoftmax(.hardmax, axis: axis)), [.floats([4, 5, 6])])
        .check()
    }
    try OperatorCase(
      .axisSoftmax(AxisSoftmax(.hardmax, axis: 1, mergesAxes: true)), [.floats([4, 5, 6])]
    ).check()
    for batchAxis in [0, 1] {
      let lengths = try Input.values([4, 1, 3, 2], [4], .int64)
      try OperatorCase(
        .reverseSequence(ReverseSequence(batchAxis: batchAxis, timeAxis: 1 - batchAxis)),
        [.floats([4, 4, 3]), lengths]
      ).check()
    }
  }

  @Test(arguments: [ElementType.uint8, .int8, .format(.uint16), .int32, .format(.uint32)])
  func bits(type: ElementType) throws {
    let isSigned = type.integerRange?.isSigned ?? false
    let numbers = (0..<24).map { Double($0 * 5 % 120 - (isSigned ? 60 : 0)) }
    let x = try Input.values(numbers, [4, 6], type)
    let y = try Input.values((0..<6).map { Double($0) }, [6], type)
    for function in [
      ElementwiseFunction.bitwiseAnd, .bitwiseOr, .bitwiseXor, .bitShiftLeft, .bitShiftRight,
    ] {
      try OperatorCase(.elementwise(Elementwise(function)), [x, y]).check()
    }
    try OperatorCase(.elementwise(Elementwise(.bitwiseNot)), [x]).check()
  }

  @Test func narrowCasts() throws {
    let wide = Input.spread([8, 30], -600, 600)
    for type in [ElementType.int4, .uint4, .int2, .uint2] {
      try OperatorCase(.cast(Cast(to: type)), [.spread([8, 30], -20, 20)]).check()
    }
    for saturates in [true, false] {
      for type in [ElementType.format(.float8e4m3fn), .format(.float8e5m2)] {
        try OperatorCase(
          .cast(Cast(to: type, saturates: saturates)), [wide], format: type.storage
        ).check()
      }
    }
  }

  @Test func remaindersOfInfinities() throws {
    let a = try Input.values([5, -5, 0, .infinity, 3, -7], [6])
    let b = try Input.values([.infinity, .infinity, -.infinity, 2, -.infinity, 4], [6])
    for function in [ElementwiseFunction.modulo, .remainder] {
      try OperatorCase(.elementwise(Elementwise(function)), [a, b]).check()
    }
  }

  @Test func nothingAtAll() throws {
    for kind in ReductionKind.allCases where kind != .mean {
      try OperatorCase(
        .reduce(Reduction(kind, axes: [1], keepsDimensions: true)), [.floats([2, 0, 4])]
      ).check()
    }
    try OperatorCase(
      .split(Split(axis: 0, lengths: [3, 0, 2])), [.floats([5, 4])], results: 3
    ).check()
    try OperatorCase(
      .concatenate(Concatenation(axis: 1)),
      [.floats([3, 4]), .floats([3, 0]), .floats([3, 2])]
    ).check()
  }
}
