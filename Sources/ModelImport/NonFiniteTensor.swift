import ModelGraph

/// A tensor of a model's file, or a value given for an input, in which some numbers are not finite.
package struct NonFiniteTensor: Hashable, Sendable {
  /// The tensor's name in the model.
  package var tensor: String
  /// How many of its elements are not a number.
  package var notNumbers: Int
  /// How many are infinite.
  package var infinite: Int
  /// The flat index of the first of either.
  package var firstIndex: Int
  /// How many elements it has.
  package var elements: Int

  /// Nil where every element is finite.
  init?(_ view: TensorView, named tensor: String) {
    guard let found = view.nonFinite else { return nil }
    self.tensor = tensor
    notNumbers = found.notNumbers
    infinite = found.infinite
    firstIndex = found.firstIndex
    elements = view.count
  }
}

extension ImportPass {
  mutating func noteNonFinite(_ view: TensorView, _ name: String) {
    guard let found = NonFiniteTensor(view, named: name), !nonFinite.contains(found) else { return }
    nonFinite.append(found)
  }
}
