import KernelLibrary
import ModelGraph
import NumericFormats

extension LoweringPlan {
  /// A convolution along one axis whose weights SBUF does not hold beside each other: the windows
  /// become rows of a matrix that the weights are multiplied with. False when it is none.
  mutating func frames(_ convolution: Convolution, _ node: Node) throws(LoweringError) -> Bool {
    let x = try tensor(node.inputs[0])
    let weights = try tensor(node.inputs[1])
    let out = try tensor(node.outputs[0])
    let window = convolution.window
    guard window.rank == 1, convolution.groups == 1, convolution.inputLayout == .imagesFirst,
      convolution.outputLayout == .imagesFirst, convolution.weightLayout == .outputsFirst,
      (window.before + window.after).allSatisfy({ $0 == 0 }), weights.format == x.format,
      node.inputs.dropFirst(2).allSatisfy(\.isEmpty)
    else { return false }
    let (images, channels, length) = (x.shape[0], x.shape[1], x.shape[2])
    let (outputs, places) = (out.shape[1], out.shape[2])
    let depth = channels * window.taps
    let move = MoveKernel(
      "windows", inputs: [.init(count: channels * length, format: x.format)],
      outputs: [.init(count: places * depth, format: x.format)],
      pieces: [
        .init(
          .input(0), sizes: [places, channels, window.taps],
          from: [window.strides[0], length, window.dilations[0]], to: [depth, window.taps, 1])
      ])
    let product = MatmulKernel(
      m: outputs, k: depth, n: places, input: x.format, output: out.format,
      lhs: .contractionColumns, rhs: .contractionColumns)
    let frames = scratch(
      "\(node.name)/windows", sizeBytes: places * depth * x.format.sizeBytes, format: x.format)
    for image in 0..<images {
      let parts = parts(image, of: images, [x, out])
      try invoke(move, [parts[0], frames], nodes: [])
      try invoke(
        product, [weights.name, frames, parts[1]], nodes: image == images - 1 ? [node] : [])
    }
    return true
  }
}
