package import KernelBuilder
package import NumericFormats

/// Writes the keys or values of new tokens into a cache where it lies.
///
/// Layouts: the update is [batch · tokens, heads · size]; the cache is [batch · capacity, heads ·
/// size], or with `isTransposed` [batch · heads · size, capacity], as attention reads its keys. A
/// transposed cache takes one element per descriptor.
/// Bound: the DMA; for a transposed cache its descriptors.
///
/// Parameters in order: update, cache (in and out); then those of another cache, if there is one.
package struct CacheUpdateKernel: Kernel {
  /// Sequences.
  package var batch: Int
  /// New tokens per sequence.
  package var tokens: Int
  /// The place of the first new token.
  package var position: Int
  /// Tokens that the cache holds per sequence.
  package var capacity: Int
  /// Heads of the cache.
  package var heads: Int
  /// Elements of a head.
  package var size: Int
  /// True for a cache with tokens as its columns.
  package var isTransposed: Bool
  /// Format of all tensors.
  package var format: NumberFormat
  /// How another cache of the same lengths lies that is written too, such as values beside keys;
  /// nil for none.
  package var otherIsTransposed: Bool?

  /// Writes `tokens` tokens of each sequence from `position` on.
  package init(
    batch: Int, tokens: Int, position: Int, capacity: Int, heads: Int, size: Int,
    isTransposed: Bool, format: NumberFormat
  ) {
    self.batch = batch
    self.tokens = tokens
    self.position = position
    self.capacity = capacity
    self.heads = heads
    self.size = size
    self.isTransposed = isTransposed
    self.format = format
  }

  package var name: String {
    let kind = isTransposed ? " transposed" : ""
    let other = otherIsTransposed.map { $0 ? " and transposed" : " and by tokens" } ?? ""
    return "cache-update \(batch)x\(tokens) of \(capacity)\(kind)\(other)"
  }

  package var parameters: [KernelParameter] {
    let width = heads * size
    return ([isTransposed] + [otherIsTransposed].compactMap { $0 }).enumerated().flatMap {
      index, isTransposed in
      [
        KernelParameter("update\(index)", [batch * tokens, width], format),
        KernelParameter(
          "cache\(index)", isTransposed ? [batch * width, capacity] : [batch * capacity, width],
          format, .inOut),
      ]
    }
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard tokens == 1 || batch == 1, position + tokens <= capacity else {
      throw unsupported(
        "\(tokens) tokens of \(batch) sequences from \(position)",
        allowed: "one token of many sequences or many of one, inside the cache")
    }
    try builder.scope { builder throws(BuilderError) in
      try emit(into: &builder, update: tensors[0], cache: tensors[1], isTransposed)
      if let otherIsTransposed {
        try emit(into: &builder, update: tensors[2], cache: tensors[3], otherIsTransposed)
      }
    }
  }

  private func emit(
    into builder: inout KernelBuilder, update: TensorHandle, cache: TensorHandle,
    _ isTransposed: Bool
  ) throws(BuilderError) {
    let width = heads * size
    for rows in pieces(batch * tokens, 128) {
      let tile = try builder.tile("update", width, format: format).rows(0..<rows.count)
      builder.load(tile, from: update.rows(rows))
      let sequence = batch > 1 ? rows.lowerBound : 0
      let token = position + (batch > 1 ? 0 : rows.lowerBound)
      let step = batch > 1 ? (isTransposed ? width * capacity : capacity * width) : nil
      let access =
        isTransposed
        ? cache.access(
          offset: sequence * width * capacity + token, sizes: [rows.count, width],
          strides: [step ?? 1, capacity])
        : cache.access(
          offset: (sequence * capacity + token) * width, sizes: [rows.count, width],
          strides: [step ?? width, 1])
      builder.store(access, from: tile)
    }
  }
}
