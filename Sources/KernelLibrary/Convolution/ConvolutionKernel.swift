import Hardware
package import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Convolution over one to three axes, without im2col: out = activation(conv(x, w) + bias +
/// residual).
///
/// Layout: channels lie on partitions, so that the tensor engine contracts over input channels. The
/// stationary tile is the weights of one tap, [input channels, output channels]; the moving tile is
/// up to 512 output places, read from the image in SBUF through an access pattern that is shifted
/// by the tap and steps by the stride. All taps and all tiles of input channels accumulate in one
/// PSUM bank. Padding costs nothing: a tap that would read outside the image is a product over
/// fewer places, added to the part of the bank that it reaches.
///
/// Activations as [channels, images, rows, columns] (`channelsFirst`) give each partition one long
/// run over all images: descriptors of kilobytes even for 7 × 7 images, which as ONNX lays them out
/// (`imagesFirst`) are runs of 98 bytes. Weights as [inputs, taps, outputs] (`inputsFirst`) come
/// ready for the array; ONNX's [outputs, inputs, taps] are turned by the tensor engine first.
///
/// Few input channels: taps along rows are packed into the contraction; partition (tap, channel)
/// holds the image shifted by the tap. Groups: as many as fit share a product whose weights are
/// block-diagonal; depthwise is the case of one channel per group. A residual is added by the
/// tensor engine too, as a product with the identity.
///
/// Bound: the tensor engine, taps · ⌈inputs / 128⌉ · (places + 6 cycles per product); pointwise
/// layers the DMA, which brings every activation once.
///
/// Parameters in order: x, weights, bias fp32 [outputs, 1] (if any), image bias fp32 [outputs,
/// batch] (if any), residual (if any), out.
package struct ConvolutionKernel: Kernel {
  /// How activations lie in HBM.
  package enum ActivationLayout: Hashable, Sendable {
    /// [images, channels, …]: ONNX.
    case imagesFirst
    /// [channels, images, …].
    case channelsFirst
  }

  /// How weights lie in HBM.
  package enum WeightLayout: Hashable, Sendable {
    /// [outputs, inputs per group, taps]: ONNX.
    case outputsFirst
    /// [inputs per group, taps, outputs].
    case inputsFirst
  }

  /// Images.
  package var batch: Int
  /// Channels of x.
  package var inputs: Int
  /// Channels of out.
  package var outputs: Int
  /// Groups of channels that do not see each other.
  package var groups = 1
  /// The window's axis over slices of a volume, or nil for images.
  package var depth: WindowAxis?
  /// The window's axis over rows.
  package var rows: WindowAxis
  /// The window's axis over columns.
  package var columns: WindowAxis
  /// How x lies in HBM.
  package var inputLayout = ActivationLayout.channelsFirst
  /// How residual and out lie in HBM.
  package var outputLayout = ActivationLayout.channelsFirst
  /// How the weights lie in HBM.
  package var weightLayout = WeightLayout.inputsFirst
  /// Adds a value per output channel.
  package var hasBias = false
  /// Adds a value per output channel and image: an embedded time step.
  package var hasImageBias = false
  /// Adds a tensor of the shape of out, before the activation.
  package var hasResidual = false
  /// Is applied last.
  package var activation: ActivationFunction?
  /// Format of x and weights.
  package var input: NumberFormat
  /// Format of residual and out.
  package var output: NumberFormat

  /// A convolution without an epilogue.
  package init(
    batch: Int, inputs: Int, outputs: Int, depth: WindowAxis? = nil, rows: WindowAxis,
    columns: WindowAxis, input: NumberFormat = .bfloat16, output: NumberFormat = .bfloat16
  ) {
    self.batch = batch
    self.inputs = inputs
    self.outputs = outputs
    self.depth = depth
    self.rows = rows
    self.columns = columns
    self.input = input
    self.output = output
  }

  /// Places of the window: taps.
  package var taps: Int { (depth?.kernel ?? 1) * rows.kernel * columns.kernel }

  package var name: String {
    let places = (depth.map { [$0] } ?? []) + [rows, columns]
    let group = groups > 1 ? "g\(groups) " : ""
    return "convolution \(batch)x\(inputs)->\(outputs) \(group)"
      + places.map(\.text).joined(separator: "x") + " \(input.name)"
  }

  /// The shape of activations in HBM.
  private func shape(_ channels: Int, _ places: [Int], _ layout: ActivationLayout) -> [Int] {
    (layout == .imagesFirst ? [batch, channels] : [channels, batch]) + places
  }

  package var parameters: [KernelParameter] {
    let axes = (depth.map { [$0] } ?? []) + [rows, columns]
    let result = shape(outputs, axes.map(\.output), outputLayout)
    let perGroup = inputs / max(1, groups)
    var list = [
      KernelParameter("x", shape(inputs, axes.map(\.size), inputLayout), input),
      KernelParameter(
        "weights",
        weightLayout == .inputsFirst ? [perGroup, taps, outputs] : [outputs, perGroup, taps],
        input),
    ]
    if hasBias { list.append(KernelParameter("bias", [outputs, 1], .float32)) }
    if hasImageBias { list.append(KernelParameter("image bias", [outputs, batch], .float32)) }
    if hasResidual { list.append(KernelParameter("residual", result, output)) }
    list.append(KernelParameter("out", result, output, .output))
    return list
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard batch > 0, groups > 0, inputs > 0, outputs > 0, inputs % groups == 0,
      outputs % groups == 0
    else {
      throw unsupported(
        "\(inputs) inputs and \(outputs) outputs in \(groups) groups",
        allowed: "at least one channel, in equal groups")
    }
    for axis in [depth ?? WindowAxis(1), rows, columns] {
      guard axis.size > 0, axis.output > 0, axis.kernel > 0, axis.stride > 0, axis.dilation > 0,
        axis.before >= 0, axis.after >= 0
      else { throw unsupported("the window \(axis)", allowed: "windows that fit their axis") }
    }
    try builder.scope { builder throws(BuilderError) in
      let plan = try ConvolutionPlan(self, builder)
      var emitter = try ConvolutionEmitter(plan, tensors, &builder)
      try emitter.emit(into: &builder)
    }
  }
}
