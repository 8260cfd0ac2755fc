/// Nested loops over several tensors at once: lengths of the axes, outermost first, and for each
/// tensor how many elements one step along each axis moves. Stride 0 repeats.
struct StridedSpace: Hashable {
  /// Iterations per axis.
  var sizes: [Int]
  /// Per tensor, elements per axis.
  var strides: [[Int]]
  /// Per tensor, the element that the loops begin at.
  var offsets: [Int]

  init(sizes: [Int], strides: [[Int]], offsets: [Int]? = nil) {
    self.sizes = sizes
    self.strides = strides
    self.offsets = offsets ?? strides.map { _ in 0 }
  }

  /// Iterations in all.
  var count: Int { sizes.reduce(1, *) }

  /// Strides of a dense row-major tensor.
  static func denseStrides(_ sizes: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: sizes.count)
    for axis in sizes.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * sizes[axis + 1]
    }
    return strides
  }

  /// The same loops with as few axes as possible, at least one: axes of length 1 go away, and
  /// neighbours that every tensor walks as one axis become one.
  func collapsed() -> StridedSpace {
    var result = StridedSpace(sizes: [], strides: strides.map { _ in [] }, offsets: offsets)
    for axis in sizes.indices where sizes[axis] != 1 {
      let last = result.sizes.count - 1
      let joins =
        last >= 0
        && strides.indices.allSatisfy {
          result.strides[$0][last] == strides[$0][axis] * sizes[axis]
        }
      if joins {
        result.sizes[last] *= sizes[axis]
        for tensor in strides.indices { result.strides[tensor][last] = strides[tensor][axis] }
      } else {
        result.sizes.append(sizes[axis])
        for tensor in strides.indices { result.strides[tensor].append(strides[tensor][axis]) }
      }
    }
    if result.sizes.isEmpty {
      result.sizes = [1]
      result.strides = strides.map { _ in [0] }
    }
    return result
  }

  /// One axis seen as `parts` runs of equal length, and what is left of it.
  func split(_ axis: Int, parts: Int) -> (whole: StridedSpace, rest: StridedSpace?) {
    let run = sizes[axis] / parts
    var whole = self
    whole.sizes[axis] = run
    whole.sizes.insert(parts, at: axis)
    for tensor in strides.indices {
      whole.strides[tensor].insert(strides[tensor][axis] * run, at: axis)
    }
    let left = sizes[axis] - run * parts
    guard left > 0 else { return (whole, nil) }
    return (whole, part(axis, run * parts..<sizes[axis]))
  }

  /// Some iterations of one axis.
  func part(_ axis: Int, _ range: Range<Int>) -> StridedSpace {
    var result = self
    result.sizes[axis] = range.count
    for tensor in strides.indices {
      result.offsets[tensor] += range.lowerBound * strides[tensor][axis]
    }
    return result
  }
}
