/// Embedding bags.
extension ReverseMode {
  /// The leading tensor gets its columns. A table gets, as a whole, the product of a matrix with
  /// the number of times that each bag names each row: for small tables. Large ones are better
  /// trained by `BagAdagrad`, from the derivative of the bags' sums.
  mutating func bag(_ bag: EmbeddingBag, _ node: Node, _ gradient: String) throws(GraphError) {
    let bags = shape(gradient)[0]
    let width = bag.width ?? shape(node.inputs[1]).columnCount
    var column = 0
    if bag.hasLeading {
      let leading = node.inputs[bag.lengths.count + 1]
      if isActive(leading) {
        try contribute(columns(gradient, 0..<width), to: leading)
      }
      column = width
    }
    var place = 0
    for (number, length) in bag.lengths.enumerated() {
      let table = node.inputs[number + 1]
      if isActive(table) {
        guard shape(table).columnCount == width else {
          throw missingRule(node, "rows with state behind their weights are trained by BagAdagrad")
        }
        let named = try columns(node.inputs[0], place..<place + length)
        let counts = try counts(named, [bags, length], rows: shape(table)[0])
        try contribute(
          made(
            .matMul(transposeA: true, transposeB: false), counts,
            columns(gradient, column..<column + width), format: gradientFormat(table)),
          to: table)
      }
      place += length
      column += width
    }
  }

  /// How often each bag names each row: [bags, rows].
  private mutating func counts(_ named: String, _ lengths: [Int], rows: Int) throws(GraphError)
    -> String
  {
    let type = builder.graph.tensor(named)?.type ?? .int32
    let names = try table((0..<rows).map(Double.init), [1, 1, rows], type: type)
    let apart = try reshaped(named, to: TensorShape(lengths + [1]))
    let isNamed = try element(.equal, apart, names)
    let ones = try element(.select, isNamed, constant(1), constant(0))
    return try made(.reduce(Reduction(.sum, axes: [1], keepsDimensions: false)), ones)
  }

  private mutating func columns(_ name: String, _ range: Range<Int>) throws(GraphError) -> String {
    let rows = shape(name)[0]
    return try made(
      .stridedSlice(
        StridedSlice(starts: [0, range.lowerBound], counts: [rows, range.count], steps: [1, 1])),
      name, format: format(of: name))
  }
}
