/// The lengths of a tensor's axes, outermost first; elements lie in row-major order.
package struct TensorShape: Hashable, Sendable, CustomStringConvertible, ExpressibleByArrayLiteral {
  /// One length per axis; empty for a scalar.
  package var dimensions: [Int]

  /// A shape of these axis lengths.
  package init(_ dimensions: [Int]) { self.dimensions = dimensions }

  /// A shape of these axis lengths.
  package init(arrayLiteral elements: Int...) { self.dimensions = elements }

  /// The number of axes.
  package var rank: Int { dimensions.count }

  /// The number of elements; 1 for a scalar, and `Int.max` for more than there can be.
  package var elementCount: Int {
    var count = 1
    for length in dimensions {
      let (product, overflows) = count.multipliedReportingOverflow(by: length)
      if overflows { return .max }
      count = product
    }
    return count
  }

  /// The length of the last axis; 1 for a scalar.
  package var columnCount: Int { dimensions.last ?? 1 }

  /// The number of rows when all axes but the last are merged.
  package var rowCount: Int { dimensions.dropLast().reduce(1, *) }

  /// The length of one axis.
  package subscript(axis: Int) -> Int { dimensions[axis] }

  /// Elements between neighbours along each axis.
  package var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * dimensions[axis + 1]
    }
    return strides
  }

  /// The shape as it stands in messages: `[512, 4096]`.
  package var description: String {
    "[" + dimensions.map(String.init).joined(separator: ", ") + "]"
  }

  /// The shape that both operands of an elementwise operator are repeated to, by the rule of ONNX
  /// (axes aligned at the end, length 1 repeats); nil when they do not fit.
  package func broadcast(with other: TensorShape) -> TensorShape? {
    let count = max(rank, other.rank)
    var result = [Int](repeating: 1, count: count)
    for axis in 0..<count {
      let mine = axis < rank ? dimensions[rank - 1 - axis] : 1
      let theirs = axis < other.rank ? other.dimensions[other.rank - 1 - axis] : 1
      guard mine == theirs || mine == 1 || theirs == 1 else { return nil }
      result[count - 1 - axis] = mine == 1 ? theirs : mine
    }
    return TensorShape(result)
  }

  /// The flat index here of the element that meets flat index `index` of a broadcast result.
  package func sourceIndex(of index: Int, in result: TensorShape) -> Int {
    if result == self { return index }
    var remaining = index
    var source = 0
    var stride = 1
    for axis in 0..<result.rank {
      let length = result.dimensions[result.rank - 1 - axis]
      let position = remaining % length
      remaining /= length
      guard axis < rank else { continue }
      let mine = dimensions[rank - 1 - axis]
      if mine != 1 { source += position * stride }
      stride *= mine
    }
    return source
  }
}
