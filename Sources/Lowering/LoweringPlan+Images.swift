import Hardware
import InstructionSet
import KernelLibrary
import ModelGraph
import NumericFormats

extension LoweringPlan {
  /// Lowers a convolution and what its kernel takes along: a residual, an activation.
  /// Returns the nodes that are carried out.
  mutating func convolution(_ operation: Convolution, at position: Int) throws(LoweringError)
    -> [Node]
  {
    let node = graph.nodes[position]
    var kernel = try kernel(operation, node)
    var nodes = [node]
    var tensors = node.inputs
    if let (sum, other) = try imageBias(after: node, kernel) {
      kernel.hasImageBias = true
      nodes.append(sum)
      tensors.append(other)
    }
    if let (sum, other) = try residual(after: nodes[nodes.count - 1]) {
      kernel.hasResidual = true
      nodes.append(sum)
      tensors.append(other)
    }
    if let (next, function) = activation(after: nodes[nodes.count - 1]) {
      kernel.activation = function
      nodes.append(next)
    }
    let output = nodes[nodes.count - 1].outputs
    kernel.output = try tensor(output[0]).format
    try invoke(kernel, tensors + output, nodes: nodes)
    return nodes
  }

  private func kernel(_ operation: Convolution, _ node: Node) throws(LoweringError)
    -> ConvolutionKernel
  {
    let x = try tensor(node.inputs[0])
    let out = try tensor(node.outputs[0])
    let axes = try axes(
      operation.window, Array(x.shape.dimensions.dropFirst(2)), node)
    let channels = x.shape[operation.inputLayout.channelAxis]
    var kernel = ConvolutionKernel(
      batch: x.shape[1 - operation.inputLayout.channelAxis], inputs: channels,
      outputs: out.shape[operation.outputLayout.channelAxis],
      depth: axes.count > 2 ? axes[0] : nil, rows: axes[axes.count - 2],
      columns: axes[axes.count - 1], input: x.format, output: out.format)
    kernel.groups = operation.groups
    kernel.inputLayout = operation.inputLayout.ofKernels
    kernel.outputLayout = operation.outputLayout.ofKernels
    kernel.weightLayout =
      operation.weightLayout == .outputsFirst ? .outputsFirst : .inputsFirst
    if node.inputs.count > 2 {
      guard try tensor(node.inputs[2]).format == .float32 else {
        throw .unsupported(
          node: node.name, operation: node.operation.name, reason: "a bias has to be fp32")
      }
      kernel.hasBias = true
    }
    guard try tensor(node.inputs[1]).format == x.format else {
      throw .unsupported(
        node: node.name, operation: node.operation.name, reason: "x and weights of two formats")
    }
    return kernel
  }

  /// The window's axes, two at least. Throws `unsupported` for more than three.
  private func axes(_ window: SlidingWindow, _ sizes: [Int], _ node: Node) throws(LoweringError)
    -> [WindowAxis]
  {
    guard (1...3).contains(window.rank) else {
      throw .unsupported(
        node: node.name, operation: node.operation.name,
        reason: "a window over \(window.rank) axes; one to three are possible")
    }
    let axes = (0..<window.rank).map { axis in
      let size = sizes[axis]
      let places = window.places(axis, size: size)
      let reach =
        (places - 1) * window.strides[axis] + window.dilations[axis]
        * (window.kernel[axis] - 1) + 1
      // Padding at the end is what the last place needs, whichever way places are counted.
      var result = WindowAxis(
        size, kernel: window.kernel[axis], stride: window.strides[axis],
        before: window.before[axis], after: max(0, reach - size - window.before[axis]),
        dilation: window.dilations[axis])
      if window.after[axis] < result.after { result.countedAfter = window.after[axis] }
      return result
    }
    return axes.count == 1 ? [WindowAxis(1)] + axes : axes
  }

  /// The node that alone reads the result of `node` and adds a tensor of its shape and format.
  private func residual(after node: Node) throws(LoweringError) -> (Node, String)? {
    guard let next = follower(of: node), case .add = next.operation,
      let other = next.inputs.first(where: { $0 != node.outputs[0] })
    else { return nil }
    let output = try tensor(next.outputs[0])
    let operand = try tensor(other)
    guard operand.shape == output.shape, operand.format == output.format, isAvailable(other)
    else { return nil }
    return (next, other)
  }

  /// The node right after `node` that adds a value per channel and image, in fp32.
  private func imageBias(after node: Node, _ kernel: ConvolutionKernel) throws(LoweringError)
    -> (Node, String)?
  {
    guard kernel.outputLayout == .channelsFirst, let next = follower(of: node),
      case .add = next.operation, let other = next.inputs.first(where: { $0 != node.outputs[0] })
    else { return nil }
    let operand = try tensor(other)
    let ones = [Int](repeating: 1, count: kernel.depth == nil ? 2 : 3)
    guard operand.format == .float32, isAvailable(other),
      operand.shape.dimensions == [kernel.outputs, kernel.batch] + ones
    else { return nil }
    return (next, other)
  }

  /// The activation right after `node` that nobody else's reading keeps from being joined.
  func activation(after node: Node) -> (Node, ActivationFunction)? {
    guard let next = follower(of: node), next.inputs.count == 1,
      let function = ProductTail.function(next.operation)
    else { return nil }
    return (next, function)
  }

  /// The one node that reads the result of `node`.
  private func follower(of node: Node) -> Node? { onlyReader(of: node.outputs[0])?.node }

  /// A transposed convolution whose stride is its window.
  mutating func transposedConvolution(_ operation: TransposedConvolution, _ node: Node)
    throws(LoweringError)
  {
    let x = try tensor(node.inputs[0])
    let window = operation.window
    guard (operation.layout == .channelsFirst) == operation.isTapsFirst,
      window.strides == window.kernel, (window.before + window.after).allSatisfy({ $0 == 0 }),
      (2...3).contains(window.rank)
    else {
      throw .unsupported(
        node: node.name, operation: node.operation.name,
        reason: "takes a stride equal to the window and no padding, weights in the images' order")
    }
    let out = try tensor(node.outputs[0])
    let channelAxis = operation.layout.channelAxis
    let sizes = Array(x.shape.dimensions.dropFirst(2))
    let isVolume = window.rank == 3
    let images = x.shape[1 - channelAxis]
    // Images behind each other are upsampled one by one, those within a channel together.
    let isWhole = channelAxis == 0
    var kernel = TransposedConvolutionKernel(
      inputs: x.shape[channelAxis], outputs: out.shape[channelAxis],
      planes: (isWhole ? images : 1) * (isVolume ? sizes[0] : 1), rows: sizes[sizes.count - 2],
      columns: sizes[sizes.count - 1], window: isVolume ? window.kernel : [1] + window.kernel,
      format: x.format)
    kernel.hasBias = node.inputs.count > 2 && !node.inputs[2].isEmpty
    if kernel.hasBias {
      guard try tensor(node.inputs[2]).format == .float32 else {
        throw .unsupported(
          node: node.name, operation: node.operation.name, reason: "a bias has to be fp32")
      }
    }
    guard !isWhole else {
      try invoke(kernel, node.inputs + node.outputs, nodes: [node])
      return
    }
    // Weights lie [inputs, outputs, taps]; the kernel takes the taps first.
    let weights = try tensor(node.inputs[1])
    let tapsFirst = scratch(
      "\(node.name)/weights", sizeBytes: weights.sizeBytes, format: weights.format)
    try turn(
      weights.name,
      AxisRange(outer: kernel.inputs, reduced: kernel.outputs, inner: window.taps), to: tapsFirst,
      format: weights.format, nodes: [])
    let others = [tapsFirst] + node.inputs.dropFirst(2).filter { !$0.isEmpty }
    for image in 0..<images {
      let parts = parts(image, of: images, [x, out])
      try invoke(
        kernel, [parts[0]] + others + [parts[1]], nodes: image == images - 1 ? [node] : [])
    }
  }

  /// Pooling over one or two axes.
  mutating func pool(_ operation: Pooling, _ node: Node) throws(LoweringError) {
    let x = try tensor(node.inputs[0])
    let rank = operation.window.rank
    let axes = try axes(operation.window, Array(x.shape.dimensions.suffix(rank)), node)
    guard axes.count == 2 else {
      throw .unsupported(
        node: node.name, operation: node.operation.name, reason: "pooling over three axes")
    }
    let mode: PoolKernel.Mode =
      switch operation.mode {
      case .max: .max
      case .average(let counts): .average(includesPadding: counts)
      }
    try invoke(
      PoolKernel(
        planes: x.shape.dimensions.dropLast(rank).reduce(1, *), rows: axes[0], columns: axes[1],
        mode: mode, format: x.format), node.inputs + node.outputs, nodes: [node])
  }

  /// The gradient of maxima over two axes.
  mutating func maxPoolGradient(_ operation: MaxPoolGradient, _ node: Node) throws(LoweringError) {
    let x = try tensor(node.inputs[0])
    let rank = operation.window.rank
    let axes = try axes(operation.window, Array(x.shape.dimensions.suffix(rank)), node)
    let (y, slope) = (try tensor(node.inputs[1]), try tensor(node.inputs[2]))
    guard axes.count == 2, y.format == x.format,
      try tensor(node.outputs[0]).format == slope.format
    else {
      throw .unsupported(
        node: node.name, operation: node.operation.name,
        reason: "takes one or two axes, maxima in the format of x and gradients in one format")
    }
    try invoke(
      MaxPoolGradientKernel(
        planes: x.shape.dimensions.dropLast(rank).reduce(1, *), rows: axes[0], columns: axes[1],
        format: x.format, gradient: slope.format), node.inputs + node.outputs, nodes: [node])
  }

  /// A resize of the last two axes.
  mutating func resize(_ operation: Resize, _ node: Node) throws(LoweringError) {
    let x = try tensor(node.inputs[0])
    guard (1...2).contains(operation.sizes.count), operation.mode != .cubic else {
      throw .unsupported(
        node: node.name, operation: node.operation.name,
        reason: "one or two axes, nearest or linear")
    }
    let lengths = Array(x.shape.dimensions.suffix(operation.sizes.count))
    var sources = operation.sizes.indices.map { axis in
      operation.sources(axis, size: lengths[axis]).map { terms in
        terms.count == 1
          ? ResizeSource(terms[0].index)
          : ResizeSource(terms[0].index, terms[1].index, weight: Float(terms[1].weight))
      }
    }
    if sources.count == 1 { sources.insert([ResizeSource(0)], at: 0) }
    try invoke(
      ResizeKernel(
        planes: x.shape.dimensions.dropLast(lengths.count).reduce(1, *),
        inputRows: lengths.count > 1 ? lengths[0] : 1,
        inputColumns: lengths[lengths.count - 1], rows: sources[0], columns: sources[1],
        format: x.format), node.inputs + node.outputs, nodes: [node])
  }

  /// A batch or group norm, with a rectifier or another activation after it.
  /// Returns the nodes that are carried out.
  mutating func channelNormalization(_ operation: ChannelNormalization, at position: Int)
    throws(LoweringError) -> [Node]
  {
    let node = graph.nodes[position]
    let x = try tensor(node.inputs[0])
    let channels = x.shape[operation.layout.channelAxis]
    let batch = x.shape[1 - operation.layout.channelAxis]
    let places = x.shape.dimensions.dropFirst(2).reduce(1, *)
    for parameter in node.inputs.dropFirst() {
      guard try tensor(parameter).format == .float32 else {
        throw .unsupported(
          node: node.name, operation: node.operation.name,
          reason: "scale, bias and moments have to be fp32")
      }
    }
    let next = activation(after: node)
    switch operation.moments {
    case .given:
      var kernel = ChannelScaleKernel(
        batch: batch, channels: channels, places: places, layout: operation.layout.ofKernels,
        epsilon: Float(operation.epsilon), format: x.format)
      kernel.rectifies = next?.1 == .relu
      let nodes = kernel.rectifies ? [node, next?.0 ?? node] : [node]
      try invoke(kernel, node.inputs + nodes[nodes.count - 1].outputs, nodes: nodes)
      return nodes
    case .groups(let groups):
      var kernel = GroupNormKernel(
        batch: batch, channels: channels, groups: groups, places: places,
        layout: operation.layout.ofKernels, epsilon: Float(operation.epsilon), format: x.format)
      kernel.activation = next?.1
      let nodes = next.map { [node, $0.0] } ?? [node]
      try invoke(kernel, node.inputs + nodes[nodes.count - 1].outputs, nodes: nodes)
      return nodes
    }
  }
}

extension ImageLayout {
  /// The layout in the words of kernels.
  fileprivate var ofKernels: ConvolutionKernel.ActivationLayout {
    self == .imagesFirst ? .imagesFirst : .channelsFirst
  }
}
