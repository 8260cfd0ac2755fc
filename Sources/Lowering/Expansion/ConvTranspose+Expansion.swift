import ModelGraph

extension ConvTranspose {
  /// A convolution of X with zeros between its elements, the taps in reverse order.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) {
    let (x, w) = (expansion.node.inputs[0], expansion.node.inputs[1])
    let shape = expansion.shape(x)
    let sizes = Array(shape.dimensions.dropFirst(2))
    var wide = try spread(x, sizes, &expansion)
    for axis in kernel.indices {
      let reach = dilations[axis] * (kernel[axis] - 1)
      wide = try expansion.padded(
        wide, axis: 2 + axis, before: reach - before[axis],
        after: lengths[axis] - sizes[axis] * strides[axis] + before[axis])
    }
    let weights = try turned(w, &expansion)
    var inputs = [wide, weights]
    if let bias = expansion.input(2) {
      inputs.append(try expansion.cast(bias, to: .float32))
    }
    expansion.finish(
      .convolution(
        Convolution(SlidingWindow(kernel, dilations: dilations), groups: groups)), inputs)
  }

  /// X with `strides − 1` zeros behind every element of each axis.
  private func spread(_ x: String, _ sizes: [Int], _ expansion: inout NodeExpansion)
    throws(GraphError) -> String
  {
    if strides.allSatisfy({ $0 == 1 }) { return x }
    let outer = Array(expansion.shape(x).dimensions.prefix(2))
    var split = outer
    for size in sizes { split += [size, 1] }
    var wide = try expansion.reshape(x, TensorShape(split))
    for axis in sizes.indices {
      wide = try expansion.padded(
        wide, axis: 3 + 2 * axis, before: 0, after: strides[axis] - 1)
    }
    return try expansion.reshape(
      wide, TensorShape(outer + zip(sizes, strides).map { $0 * $1 }))
  }

  /// W `[channels, outputs per group, taps …]` as the convolution wants it: outputs first, each
  /// group's own, and taps in reverse order.
  private func turned(_ w: String, _ expansion: inout NodeExpansion) throws(GraphError)
    -> String
  {
    let shape = expansion.shape(w)
    let (channels, perGroup) = (shape[0], shape[1])
    var reversed = w
    if kernel.contains(where: { $0 > 1 }) {
      reversed = try expansion.apply(
        .stridedSlice(
          StridedSlice(
            starts: [0, 0] + kernel.map { $0 - 1 }, counts: shape.dimensions,
            steps: [1, 1] + kernel.map { _ in -1 })), [w])
    }
    let taps = kernel.reduce(1, *)
    let grouped = try expansion.reshape(
      reversed, [groups, channels / groups, perGroup, taps])
    let swapped = try expansion.transpose(grouped, [0, 2, 1, 3])
    return try expansion.reshape(
      swapped, TensorShape([groups * perGroup, channels / groups] + kernel))
  }
}
