/// How a window slides over the last axes of a tensor: the attributes that ONNX's Conv, MaxPool and
/// AveragePool share. One entry per axis.
package struct SlidingWindow: Hashable, Sendable {
  /// Taps.
  package var kernel: [Int]
  /// Elements from one place of the window to the next.
  package var strides: [Int]
  /// Elements from one tap to the next.
  package var dilations: [Int]
  /// Padding before each axis.
  package var before: [Int]
  /// Padding after each axis.
  package var after: [Int]
  /// True when a last place that the window covers in part counts (ONNX ceil_mode).
  package var coversEnd = false

  /// A window; strides and dilations are 1 and padding 0 unless given.
  package init(
    _ kernel: [Int], strides: [Int]? = nil, dilations: [Int]? = nil, before: [Int]? = nil,
    after: [Int]? = nil
  ) {
    let ones = kernel.map { _ in 1 }
    let zeros = kernel.map { _ in 0 }
    self.kernel = kernel
    self.strides = strides ?? ones
    self.dilations = dilations ?? ones
    self.before = before ?? zeros
    self.after = after ?? before ?? zeros
  }

  /// Axes that it slides over.
  package var rank: Int { kernel.count }
  /// Taps in all.
  package var taps: Int { kernel.reduce(1, *) }

  /// True when the window has one entry per axis in each list and only sensible numbers.
  var isValid: Bool {
    [strides, dilations, before, after].allSatisfy { $0.count == rank } && rank > 0
      && (kernel + strides + dilations).allSatisfy { $0 > 0 }
      && (before + after).allSatisfy { $0 >= 0 }
  }

  /// Places along an axis of `size` elements.
  package func places(_ axis: Int, size: Int) -> Int {
    let free =
      size + before[axis] + after[axis] - dilations[axis] * (kernel[axis] - 1) - 1
    if free < 0 { return 0 }
    guard coversEnd else { return free / strides[axis] + 1 }
    let count = (free + strides[axis] - 1) / strides[axis] + 1
    // A place that begins in the padding at the end does not count.
    return (count - 1) * strides[axis] >= size + before[axis] ? count - 1 : count
  }

  /// Lengths of the result along all axes.
  package func places(_ sizes: [Int]) -> [Int] {
    sizes.indices.map { places($0, size: sizes[$0]) }
  }

  /// The element that a place sees through a tap; it may lie outside the axis.
  func source(_ axis: Int, place: Int, tap: Int) -> Int {
    place * strides[axis] + tap * dilations[axis] - before[axis]
  }

  /// The real elements, as flat indices, that a place sees, with the flat tap of each.
  func sources(_ place: Int, sizes: [Int], places: [Int]) -> [(tap: Int, index: Int)] {
    var list = [(tap: 0, index: 0)]
    var rest = place
    var position = [Int](repeating: 0, count: rank)
    for axis in stride(from: rank - 1, through: 0, by: -1) {
      position[axis] = rest % places[axis]
      rest /= places[axis]
    }
    for axis in 0..<rank {
      var next: [(tap: Int, index: Int)] = []
      for entry in list {
        for tap in 0..<kernel[axis] {
          let element = source(axis, place: position[axis], tap: tap)
          if element >= 0 && element < sizes[axis] {
            next.append((entry.tap * kernel[axis] + tap, entry.index * sizes[axis] + element))
          }
        }
      }
      list = next
    }
    return list
  }
}

/// How a tensor of images is stored; the axes of places come last either way.
package enum ImageLayout: String, Hashable, Sendable, CaseIterable {
  /// [images, channels, …]: ONNX.
  case imagesFirst
  /// [channels, images, …]: each channel of all images is one run, which suits a machine whose
  /// partitions are channels.
  case channelsFirst

  /// The axis of channels.
  package var channelAxis: Int { self == .imagesFirst ? 1 : 0 }

  /// The shape of a tensor of images.
  package func shape(images: Int, channels: Int, _ places: [Int]) -> TensorShape {
    TensorShape((self == .imagesFirst ? [images, channels] : [channels, images]) + places)
  }

  /// The number of a channel's plane of an image.
  func plane(image: Int, channel: Int, images: Int, channels: Int) -> Int {
    self == .imagesFirst ? image * channels + channel : channel * images + image
  }
}
