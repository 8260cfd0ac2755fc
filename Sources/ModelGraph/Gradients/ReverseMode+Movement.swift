/// Operators that only move elements: their gradients move back.
extension ReverseMode {
  mutating func movement(_ node: Node, _ gradient: String) throws(GraphError) {
    let x = node.inputs[0]
    switch node.operation {
    case .copy, .cast: try contribute(gradient, to: x)
    case .reshape: try contribute(reshaped(gradient, to: shape(x)), to: x)
    case .expand: try contribute(gradient, to: x)
    case .transpose(let permutation):
      var back = [Int](repeating: 0, count: permutation.count)
      for (to, from) in permutation.enumerated() { back[from] = to }
      try contribute(made(.transpose(permutation: back), gradient), to: x)
    case .slice(let start, let count):
      var (before, after) = ([Int](repeating: 0, count: shape(x).rank), [Int]())
      after = before
      before[0] = start
      after[0] = shape(x)[0] - start - count
      try contribute(made(.pad(Pad(before: before, after: after)), gradient), to: x)
    case .stridedSlice(let slice):
      guard slice.steps.allSatisfy({ $0 == 1 }) else {
        return try contribute(unsliced(slice, gradient, shape(x)), to: x)
      }
      let after = (0..<shape(x).rank).map { shape(x)[$0] - slice.starts[$0] - slice.counts[$0] }
      try contribute(made(.pad(Pad(before: slice.starts, after: after)), gradient), to: x)
    case .pad(let pad):
      guard pad.mode == .constant else {
        throw missingRule(node, "only constant padding has a rule")
      }
      let steps = [Int](repeating: 1, count: shape(x).rank)
      let slice = StridedSlice(starts: pad.before, counts: shape(x).dimensions, steps: steps)
      try contribute(made(.stridedSlice(slice), gradient), to: x)
    case .tile(let tile): try tiled(tile, node, gradient)
    case .triangle: try contribute(made(node.operation, gradient), to: x)
    case .blockShuffle(let shuffle):
      var back = shuffle
      back.toDepth.toggle()
      try contribute(made(.blockShuffle(back), gradient), to: x)
    case .reverseSequence: try contribute(made(node.operation, gradient, node.inputs[1]), to: x)
    case .concatenate(let joined): try concatenation(joined, node, gradient)
    case .gather: try gather(node, gradient)
    // A star that looks the same from each of its points, zero outside.
    case .stencil: try contribute(made(node.operation, gradient), to: x)
    case .fourierTransform: try fourier(node, gradient)
    default: throw missingRule(node)
    }
  }

  /// The transform's conjugate transpose: the transform between two conjugations.
  private mutating func fourier(_ node: Node, _ gradient: String) throws(GraphError) {
    let signs = try table([1, -1], [2, 1, 1])
    let conjugate = try element(.multiply, gradient, signs)
    let made = try made(node.operation, [conjugate] + node.inputs.dropFirst())
    try contribute(element(.multiply, made, signs), to: node.inputs[0])
  }

  /// Elements back at the places that a slice with steps took them from, zeros between.
  private mutating func unsliced(
    _ slice: StridedSlice, _ gradient: String, _ given: TensorShape
  ) throws(GraphError) -> String {
    // Steps backwards: the order is turned, and the last element stands first.
    let counts = slice.counts
    var (name, starts) = (gradient, slice.starts)
    if slice.steps.contains(where: { $0 < 0 }) {
      let turned = slice.steps.map { $0 < 0 ? -1 : 1 }
      let begins = zip(counts, slice.steps).map { $1 < 0 ? $0 - 1 : 0 }
      name = try made(
        .stridedSlice(StridedSlice(starts: begins, counts: counts, steps: turned)), name)
      for (axis, step) in slice.steps.enumerated() where step < 0 {
        starts[axis] += (counts[axis] - 1) * step
      }
    }
    let steps = slice.steps.map { abs($0) }
    let apart = counts.flatMap { [$0, 1] }
    let behind = steps.flatMap { [0, $0 - 1] }
    let filled = zip(counts, steps).map { $0 * $1 }
    let wide = try reshaped(
      made(
        .pad(Pad(before: behind.map { _ in 0 }, after: behind)),
        reshaped(name, to: TensorShape(apart))), to: TensorShape(filled))
    // The zeros behind the last element may reach beyond the end.
    let fitting = (0..<given.rank).map { min(filled[$0], given[$0] - starts[$0]) }
    let cut = try made(
      .stridedSlice(
        StridedSlice(
          starts: filled.map { _ in 0 }, counts: fitting, steps: filled.map { _ in 1 })), wide)
    let after = (0..<given.rank).map { given[$0] - starts[$0] - fitting[$0] }
    return try made(.pad(Pad(before: starts, after: after)), cut)
  }

  /// Repetitions add up.
  private mutating func tiled(_ tile: Tile, _ node: Node, _ gradient: String) throws(GraphError) {
    let x = node.inputs[0]
    let apart = zip(tile.repeats, shape(x).dimensions).flatMap { [$0, $1] }
    let axes = tile.repeats.indices.map { 2 * $0 }
    try contribute(
      made(
        .reduce(Reduction(.sum, axes: axes, keepsDimensions: false)),
        reshaped(gradient, to: TensorShape(apart)), format: gradientFormat(x)), to: x)
  }

  /// Running sums run the other way; of products each element is a factor of all that follow.
  mutating func cumulative(_ running: Cumulative, _ node: Node, _ gradient: String)
    throws(GraphError)
  {
    var back = running
    back.isReversed.toggle()
    back.multiplies = false
    let (x, y) = (node.inputs[0], node.outputs[0])
    guard running.multiplies else {
      return try contribute(made(.cumulative(back), gradient), to: x)
    }
    let sums = try made(.cumulative(back), element(.multiply, gradient, y))
    try contribute(element(.divide, sums, x), to: x)
  }

  /// Each part gets its own slice.
  private mutating func concatenation(
    _ joined: Concatenation, _ node: Node, _ gradient: String
  ) throws(GraphError) {
    let whole = shape(gradient)
    let axis = joined.axis < 0 ? joined.axis + whole.rank : joined.axis
    var starts = [Int](repeating: 0, count: whole.rank)
    let steps = [Int](repeating: 1, count: whole.rank)
    for input in node.inputs {
      if isActive(input) {
        let slice = StridedSlice(starts: starts, counts: shape(input).dimensions, steps: steps)
        try contribute(made(.stridedSlice(slice), gradient), to: input)
      }
      starts[axis] += shape(input)[axis]
    }
  }

  /// The pieces' gradients in a row; a piece that nobody used counts as zero.
  mutating func split(_ split: Split, _ node: Node, _ gradients: [String?]) throws(GraphError) {
    let x = node.inputs[0]
    let axis = split.axis < 0 ? split.axis + shape(x).rank : split.axis
    var start = 0
    for (length, gradient) in zip(split.lengths, gradients) {
      if let gradient {
        var before = [Int](repeating: 0, count: shape(x).rank)
        var after = before
        before[axis] = start
        after[axis] = shape(x)[axis] - start - length
        try contribute(made(.pad(Pad(before: before, after: after)), gradient), to: x)
      }
      start += length
    }
  }

  /// Rows of a table that were looked up collect their gradients: a product with the matrix that
  /// has a one where an index names a row.
  private mutating func gather(_ node: Node, _ gradient: String) throws(GraphError) {
    let (table, indices) = (node.inputs[0], node.inputs[1])
    let count = shape(indices).elementCount
    let rows = shape(table)[0]
    let names = try self.table((0..<rows).map(Double.init), [1, rows], type: .int32)
    let column = try reshaped(indices, to: [count, 1])
    let isNamed = try element(.equal, column, names)
    let chosen = try element(.select, isNamed, constant(1), constant(0))
    let slope = try reshaped(gradient, to: [count, shape(table)[1]])
    try contribute(
      made(
        .matMul(transposeA: true, transposeB: false), chosen, slope, format: gradientFormat(table)),
      to: table)
  }
}
