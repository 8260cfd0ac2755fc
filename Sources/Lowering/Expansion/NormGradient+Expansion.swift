import ModelGraph
import NumericFormats

extension NormGradient {
  /// Rows that are too long for the kernel, step by step through HBM.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) -> Bool {
    let (slope, x, scale) = (
      expansion.node.inputs[0], expansion.node.inputs[1], expansion.node.inputs[2]
    )
    guard expansion.isWide([slope, x, scale]) else { return false }
    let (normal, deviation) = try expansion.normalized(x, centres: centres, epsilon)
    let columns = try expansion.reshape(scale, [expansion.shape(x).columnCount])
    let weighted = try expansion.elements(.multiply, slope, columns, type: .float32)
    let products = try expansion.elements(.multiply, weighted, normal)
    let along = try expansion.reduced(.mean, products, axes: [-1])
    var rest = try expansion.elements(
      .subtract, weighted, try expansion.elements(.multiply, normal, along))
    if centres {
      rest = try expansion.elements(
        .subtract, rest, try expansion.reduced(.mean, weighted, axes: [-1]))
    }
    expansion.finish(.elementwise(Elementwise(.divide)), [rest, deviation])
    return true
  }
}

extension NormSums {
  /// The same for the sums over rows.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) -> Bool {
    let (slope, x) = (expansion.node.inputs[0], expansion.node.inputs[1])
    guard expansion.isWide([slope, x]) else { return false }
    let shape = expansion.shape(x)
    let flat: TensorShape = [shape.rowCount, shape.columnCount]
    let (normal, _) = try expansion.normalized(x, centres: centres, epsilon)
    let products = try expansion.elements(.multiply, slope, normal, type: .float32)
    var sums = [
      try expansion.reduced(.sum, try expansion.reshape(products, flat), axes: [0])
    ]
    if centres {
      let rows = try expansion.cast(try expansion.reshape(slope, flat), to: .float32)
      sums.append(try expansion.reduced(.sum, rows, axes: [0]))
    }
    expansion.finish(try expansion.joined(sums, axis: 0))
    return true
  }
}

extension NodeExpansion {
  /// Columns that SBUF holds as rows of 16 and of 32 bits with all that is made of them.
  private static var mostColumns: (narrow: Int, wide: Int) { (8192, 2048) }

  /// True for rows that the kernels of a norm's gradient do not take.
  fileprivate func isWide(_ names: [String]) -> Bool {
    let all = (names + node.outputs.prefix(1)).compactMap { graph.tensor($0) }
    let columns = all.map(\.shape.columnCount).max() ?? 0
    let isNarrow = names.allSatisfy { graph.tensor($0)?.format.sizeBytes == 2 }
    return columns > (isNarrow ? Self.mostColumns.narrow : Self.mostColumns.wide)
  }

  /// x̂ and what it was divided by.
  fileprivate mutating func normalized(_ x: String, centres: Bool, _ epsilon: Double)
    throws(GraphError) -> (values: String, deviation: String)
  {
    var centred = x
    if centres {
      centred = try elements(.subtract, x, try reduced(.mean, x, axes: [-1]), type: .float32)
    }
    let squares = try reduced(
      .mean, try elements(.multiply, centred, centred, type: .float32), axes: [-1])
    let deviation = try elements(
      .sqrt, try elements(.add, squares, try number(epsilon)))
    return (try elements(.divide, centred, deviation, type: .float32), deviation)
  }
}
