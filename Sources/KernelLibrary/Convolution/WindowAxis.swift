/// One axis of a sliding window: which inputs an output sees.
///
/// Output o sees input o · stride + tap · dilation − before through each tap; inputs outside the
/// axis count as zeros (or do not take part in a maximum).
package struct WindowAxis: Hashable, Sendable {
  /// Input elements.
  package var size: Int
  /// Taps.
  package var kernel: Int
  /// Inputs from one output to the next.
  package var stride: Int
  /// Padding before the first input.
  package var before: Int
  /// Padding after the last input.
  package var after: Int
  /// How much of it an average counts as elements; all unless given. The last window may reach
  /// further than the padding that was asked for (`ceil_mode`).
  package var countedAfter: Int?
  /// Inputs from one tap to the next.
  package var dilation: Int

  /// An axis; without further arguments a window of one element.
  package init(
    _ size: Int, kernel: Int = 1, stride: Int = 1, before: Int = 0, after: Int = 0,
    dilation: Int = 1
  ) {
    self.size = size
    self.kernel = kernel
    self.stride = stride
    self.before = before
    self.after = after
    self.dilation = dilation
  }

  /// Output elements.
  package var output: Int {
    let span = size + before + after - dilation * (kernel - 1) - 1
    return span < 0 ? 0 : span / stride + 1
  }

  /// True for a window that looks at each element by itself.
  var isPointwise: Bool { kernel == 1 && stride == 1 && before == 0 && after == 0 }

  /// The input that an output sees through a tap; it may lie outside.
  func input(_ output: Int, tap: Int = 0) -> Int { output * stride + tap * dilation - before }

  /// The outputs that see a real input through a tap.
  func outputs(tap: Int) -> Range<Int> {
    let shift = before - tap * dilation
    let first = shift <= 0 ? 0 : ceilDivide(shift, stride)
    let last = size - 1 + shift < 0 ? -1 : (size - 1 + shift) / stride
    let end = min(output, last + 1)
    return first < end ? first..<end : 0..<0
  }

  /// The real inputs that a range of outputs sees through any tap.
  func inputs(_ outputs: Range<Int>) -> Range<Int> {
    let first = min(size, max(0, input(outputs.lowerBound)))
    let last = input(outputs.upperBound - 1, tap: kernel - 1)
    return first..<max(first, min(size, last + 1))
  }

  /// Any count as a short text: size, and what is not usual.
  var text: String {
    kernel == 1 && stride == 1 ? "\(size)" : "\(size)k\(kernel)s\(stride)"
  }
}

extension Range where Bound == Int {
  /// What two ranges share; empty when nothing.
  func shared(with other: Range<Int>) -> Range<Int> {
    let first = Swift.max(lowerBound, other.lowerBound)
    return first..<Swift.max(first, Swift.min(upperBound, other.upperBound))
  }

  /// The range cut into `count` pieces that differ by one at most.
  func evenly(_ count: Int) -> [Range<Int>] {
    var start = lowerBound
    return (0..<count).map { index in
      let end = start + (upperBound - start) / (count - index)
      defer { start = end }
      return start..<end
    }
  }
}
