import CoreState
import KernelBuilder

/// Where rows go that are one token each of as many sequences: into a cache, each at the same place
/// of its sequence.
package struct TokenCache: Hashable, Sendable {
  /// The place.
  package var position: Int
  /// Tokens that the cache holds per sequence.
  package var capacity: Int
  /// True for a cache [sequences · columns, capacity], false for [sequences · capacity, columns].
  package var isTransposed: Bool

  /// A place in a cache.
  package init(position: Int, capacity: Int, isTransposed: Bool) {
    self.position = position
    self.capacity = capacity
    self.isTransposed = isTransposed
  }

  /// The cache of so many sequences of rows of so many columns.
  func shape(rows: Int, columns: Int) -> [Int] {
    isTransposed ? [rows * columns, capacity] : [rows * capacity, columns]
  }

  /// The tokens in a cache by tokens: tiles of columns on partitions, then rows, then columns.
  func rows(_ tensor: TensorHandle, _ rows: Int, _ cut: EvenCut) -> TensorAccess {
    let columns = cut.size * cut.count
    return tensor.access(
      offset: position * columns, sizes: [cut.count, rows, cut.size],
      strides: [cut.size, columns * capacity, 1])
  }

  /// The tokens in a transposed cache: columns of a tile on partitions, then tiles, then rows.
  func columns(_ tensor: TensorHandle, _ rows: Int, _ cut: EvenCut) -> TensorAccess {
    let columns = cut.size * cut.count
    return tensor.access(
      offset: position, sizes: [cut.size, cut.count, rows],
      strides: [capacity, cut.size * capacity, columns * capacity])
  }
}
