import NumericFormats

/// Walks over the elements of one end of a transfer, run by run: up to five nested dimensions over
/// a host memory, the last one innermost.
@safe struct ElementCursor {
  private let base: UnsafeMutableRawPointer
  /// Elements of each dimension that is in use, outermost first.
  private var sizes: [Int] = []
  /// Bytes from one index to the next.
  private var steps: [Int] = []
  private var indices: [Int]
  private var position = 0
  private var byte = 0
  /// Elements that are left.
  private(set) var remaining: Int
  private let elementBytes: Int

  /// A cursor before the first element.
  init(_ base: UnsafeMutableRawPointer, _ format: NumberFormat, _ dimensions: [(Int, Int)]) {
    unsafe self.base = base
    elementBytes = format.sizeBytes
    for (size, step) in dimensions where size != 1 {
      if let outer = steps.last, outer == step * size {
        // The outer dimension goes on where the inner one ends: one longer run.
        sizes[sizes.count - 1] *= size
        steps[steps.count - 1] = step
      } else {
        sizes.append(size)
        steps.append(step)
      }
    }
    if sizes.isEmpty || steps[steps.count - 1] % format.sizeBytes != 0 {
      sizes.append(1)
      steps.append(format.sizeBytes)
    }
    indices = Array(repeating: 0, count: sizes.count)
    remaining = sizes.reduce(1, *)
  }

  /// Elements from here to the end of the innermost run.
  var run: Int { sizes[sizes.count - 1] - position }

  /// Elements, of the transfer's own size, from one element of the run to the next.
  var stride: Int { steps[steps.count - 1] / elementBytes }

  /// The address of the next element.
  var address: UnsafeMutableRawPointer {
    unsafe base + (byte + position * steps[steps.count - 1])
  }

  /// Where a run begins that comes soon, if the dimension around the innermost goes on so far: for
  /// hints to the host's caches alone. Nil where there is one run.
  var soon: UnsafeRawPointer? {
    guard sizes.count > 1 else { return nil }
    return unsafe UnsafeRawPointer(base + (byte + Self.runsAhead * steps[sizes.count - 2]))
  }

  /// Copying a run of a kilobyte takes about as long as memory takes to answer.
  private static let runsAhead = 2

  /// Goes on by `count` elements, at most to the end of the run.
  mutating func advance(_ count: Int) {
    position += count
    remaining -= count
    guard position == sizes[sizes.count - 1], remaining > 0 else { return }
    position = 0
    for dimension in (0..<(sizes.count - 1)).reversed() {
      indices[dimension] += 1
      byte += steps[dimension]
      if indices[dimension] < sizes[dimension] { return }
      byte -= steps[dimension] * sizes[dimension]
      indices[dimension] = 0
    }
  }
}
