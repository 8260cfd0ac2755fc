/// Elements that are not finite, counted.
package struct NonFiniteCount: Hashable, Sendable {
  /// How many are not a number.
  package var notNumbers = 0
  /// How many are infinite.
  package var infinite = 0
  /// The flat index of the first of either.
  package var firstIndex = 0
}

extension TensorView {
  /// What of the tensor is not finite; nil where everything is.
  package var nonFinite: NonFiniteCount? {
    if type.isInteger { return nil }
    var found: NonFiniteCount?
    for index in 0..<count where !self[index].isFinite {
      var counted = found ?? NonFiniteCount(firstIndex: index)
      if self[index].isNaN { counted.notNumbers += 1 } else { counted.infinite += 1 }
      found = counted
    }
    return found
  }

  /// The same with 0 in place of what is not finite.
  func finite() throws(GraphError) -> TensorView {
    guard nonFinite != nil else { return self }
    return try TensorView(
      allValues.map { $0.isFinite ? $0 : 0 }, shape: shape, type: type, uncertainty: uncertainty)
  }
}
