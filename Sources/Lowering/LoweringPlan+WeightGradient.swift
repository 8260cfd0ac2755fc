import KernelLibrary
import ModelGraph
import NumericFormats

extension LoweringPlan {
  /// A convolution whose window is as large as a gradient: the gradient of another one in its
  /// weights, images and channels taken for each other. Its taps are too many to go through one by
  /// one. False for every other convolution.
  mutating func weightGradient(_ operation: Convolution, _ node: Node) throws(LoweringError) -> Bool
  {
    let window = operation.window
    guard window.rank == 2, window.taps > 16, window.kernel[1] <= 128, operation.groups == 1,
      !window.coversEnd, operation.weightLayout == .outputsFirst,
      operation.outputLayout == .imagesFirst, node.inputs.count == 2
    else { return false }
    let x = try tensor(node.inputs[0])
    let slope = try tensor(node.inputs[1])
    let out = try tensor(node.outputs[0])
    guard x.format == slope.format, x.format.sizeBytes == 2, out.format == .float32,
      out.shape[2] * out.shape[3] < window.taps
    else { return false }
    let axes = (0..<2).map { axis in
      let size = x.shape[axis + 2]
      let (stride, dilation) = (window.dilations[axis], window.strides[axis])
      let reach = (window.kernel[axis] - 1) * stride + dilation * (out.shape[axis + 2] - 1) + 1
      return WindowAxis(
        size, kernel: out.shape[axis + 2], stride: stride, before: window.before[axis],
        after: reach - size - window.before[axis], dilation: dilation)
    }
    guard axes.map(\.output) == window.kernel else { return false }
    // What the operator calls images are the channels of X.
    let channels = x.shape[1 - operation.inputLayout.channelAxis]
    try invoke(
      WeightGradientKernel(
        images: slope.shape[1], inputs: channels, outputs: slope.shape[0], rows: axes[0],
        columns: axes[1],
        layout: operation.inputLayout == .imagesFirst ? .channelsFirst : .imagesFirst,
        format: x.format), node.inputs + node.outputs, nodes: [node])
    return true
  }
}
