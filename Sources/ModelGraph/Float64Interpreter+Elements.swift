import Foundation

extension Float64Interpreter {
  /// Operators whose every element is a formula of a few elements of the inputs.
  static func simpleElements(
    _ operation: Operator, _ inputs: [TensorView], shape: TensorShape, at indices: [Int]
  ) -> [Double] {
    let first = inputs[0]
    switch operation {
    case .add, .multiply:
      let second = inputs[1]
      return indices.map { index in
        let a = first[first.shape.sourceIndex(of: index, in: shape)]
        let b = second[second.shape.sourceIndex(of: index, in: shape)]
        return operation == .add ? a + b : a * b
      }
    case .silu: return indices.map { first[$0] * sigmoid(first[$0]) }
    case .sigmoid: return indices.map { sigmoid(first[$0]) }
    case .relu: return indices.map { max(first[$0], 0) }
    case .reluGradient: return indices.map { inputs[1][$0] > 0 ? first[$0] : 0 }
    case .gradientDescent(let rate): return indices.map { first[$0] - rate * inputs[1][$0] }
    case .slice(let start, _):
      let offset = start * (first.count / first.shape[0])
      return indices.map { first[$0 + offset] }
    case .reduceSum:
      let columns = shape.elementCount
      return indices.map {
        first.vector(start: $0, stride: columns, count: first.shape[0]).reduce(0, +)
      }
    case .transpose(let permutation):
      return indices.map { first[transposed($0, shape, permutation, first.shape.strides)] }
    case .tensorScatter(let scatter):
      return indices.map { scattered($0, scatter, first, inputs[1]) }
    default: return indices.map { first[$0] }
    }
  }

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  /// The flat index in the input of element `index` of a transposed result.
  private static func transposed(
    _ index: Int, _ shape: TensorShape, _ permutation: [Int], _ strides: [Int]
  ) -> Int {
    var remaining = index
    var source = 0
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) {
      source += remaining % shape[axis] * strides[permutation[axis]]
      remaining /= shape[axis]
    }
    return source
  }

  private static func scattered(
    _ index: Int, _ scatter: TensorScatter, _ cache: TensorView, _ update: TensorView
  ) -> Double {
    var at = scatter.layout.position(of: index, in: scatter.cache)
    guard (scatter.position..<scatter.position + scatter.tokens).contains(at.token) else {
      return cache[index]
    }
    at.token -= scatter.position
    return update[HeadLayout.tokensHeads.index(of: at, in: scatter.update)]
  }
}
