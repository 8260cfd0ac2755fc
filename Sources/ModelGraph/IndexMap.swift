/// Which element of an input each element of a result is: what operators do that only move values.
package enum IndexMap {
  /// Flat indices of a box of elements in row-major order: element (i, j, …) of `shape` stands at
  /// `offset` + i · strides[0] + j · strides[1] + ….
  package static func strided(_ shape: TensorShape, strides: [Int], offset: Int = 0) -> [Int] {
    var indices: [Int] = []
    indices.reserveCapacity(shape.elementCount)
    if shape.elementCount == 0 { return [] }
    guard let last = strides.last else { return [offset] }
    let inner = shape.dimensions[shape.rank - 1]
    var position = [Int](repeating: 0, count: shape.rank)
    var start = offset
    for _ in 0..<shape.elementCount / inner {
      var index = start
      for _ in 0..<inner {
        indices.append(index)
        index += last
      }
      var axis = shape.rank - 2
      while axis >= 0 {
        position[axis] += 1
        start += strides[axis]
        if position[axis] < shape.dimensions[axis] { break }
        start -= position[axis] * strides[axis]
        position[axis] = 0
        axis -= 1
      }
    }
    return indices
  }

  /// Each element of a tensor repeated to `result`, by ONNX's rule of broadcasting.
  package static func broadcast(_ shape: TensorShape, to result: TensorShape) -> [Int] {
    strided(result, strides: broadcastStrides(shape, to: result))
  }

  /// Elements between neighbours along each axis of `result`; 0 where an axis repeats.
  package static func broadcastStrides(_ shape: TensorShape, to result: TensorShape) -> [Int] {
    let missing = result.rank - shape.rank
    let own = shape.strides
    return (0..<result.rank).map { axis in
      axis < missing || shape[axis - missing] == 1 ? 0 : own[axis - missing]
    }
  }

  /// Axes reordered: axis i of the result is axis `permutation[i]` of the input.
  package static func transposed(_ shape: TensorShape, _ permutation: [Int]) -> [Int] {
    let strides = shape.strides
    return strided(
      TensorShape(permutation.map { shape[$0] }), strides: permutation.map { strides[$0] })
  }
}
