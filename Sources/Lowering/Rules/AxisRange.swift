import KernelLibrary
import ModelGraph
import NumericFormats

/// One axis between others: what a reduction over neighbours comes down to.
struct AxisRange: Hashable {
  var outer: Int
  var reduced: Int
  var inner: Int

  /// Elements that are left.
  var results: Int { outer * inner }
}

extension AxisRange {
  /// One axis of a shape.
  init(_ shape: TensorShape, axis: Int) {
    let axis = shape.axis(axis)
    self.init(
      outer: shape.dimensions.prefix(axis).reduce(1, *), reduced: shape[axis],
      inner: shape.dimensions.dropFirst(axis + 1).reduce(1, *))
  }

  /// An axis of a shape and all that follow, as one.
  init(_ shape: TensorShape, from axis: Int) {
    let axis = shape.axis(axis)
    self.init(
      outer: shape.dimensions.prefix(axis).reduce(1, *),
      reduced: shape.dimensions.dropFirst(axis).reduce(1, *), inner: 1)
  }
}

extension TensorShape {
  /// An axis counted from the front; the graph was checked, so that it is one.
  func axis(_ axis: Int) -> Int { axis < 0 ? axis + rank : axis }
}

extension LoweringPlan {
  /// [outer, reduced, inner] becomes [outer, inner, reduced].
  mutating func turn(
    _ source: String, _ range: AxisRange, to target: String, format: NumberFormat, nodes: [Node]
  ) throws(LoweringError) {
    let count = range.outer * range.reduced * range.inner
    let block = range.reduced * range.inner
    let operand = MoveKernel.Operand(count: count, format: format)
    try invoke(
      MoveKernel(
        "turn", inputs: [operand], outputs: [operand],
        pieces: [
          .init(
            .input(0), sizes: [range.outer, range.inner, range.reduced],
            from: [block, 1, range.inner], to: [block, range.reduced, 1])
        ]), [source, target], nodes: nodes)
  }

  /// The same stretch of each tensor: part `index` of `count` equal ones.
  mutating func parts(_ index: Int, of count: Int, _ tensors: [TensorDeclaration]) -> [String] {
    tensors.map { tensor in
      let size = tensor.sizeBytes / count
      return part(of: tensor.name, byteOffset: index * size, sizeBytes: size)
    }
  }
}
