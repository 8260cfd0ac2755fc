import Hardware
package import KernelBuilder
import NumericFormats

/// The experts of a mixture with weights in MXFP4, for a few tokens: what `ExpertLayerKernel` is
/// for weights of 16 bits. NeuronCore-v4 and later.
///
/// Layouts: x [T, D], logits [T, E] fp32; numbers of gate and up [E · D / 4, F], of down [E · F /
/// 4, D], four rows' codes in an element; scales [E · D / 32, F] and [E · F / 32, D]. Packed rows
/// lie on partitions as they come, 128 to a tile, their scales in four partitions of each quadrant,
/// four tiles over each other. Weights are stationary as they were stored. Tokens, quantised to
/// MXFP8 by the vector engine, stream; every fourth column of gate and up makes one of the four
/// rows that a packed element of the hidden activations has. Sums of all experts stay in PSUM.
///
/// With one token only the chosen experts' weights are read, by numbers that the device computes.
/// Bound: the DMA, which reads each expert's weights once per 32 tokens.
///
/// Parameters in order: x, logits, gate, its scales, up, its scales, down, its scales, out.
package struct ScaledExpertKernel: Kernel {
  /// Tokens: T.
  package var tokens: Int
  /// Width of the model: D, a multiple of 32.
  package var width: Int
  /// Width of the hidden layer of an expert: F, a multiple of 32.
  package var hidden: Int
  /// Experts: E, at least 8.
  package var experts: Int
  /// Experts of each token, at most 8.
  package var chosen: Int

  /// The experts for `tokens` tokens.
  package init(tokens: Int, width: Int, hidden: Int, experts: Int, chosen: Int) {
    self.tokens = tokens
    self.width = width
    self.hidden = hidden
    self.experts = experts
    self.chosen = chosen
  }

  package var name: String {
    "experts \(tokens)x\(width)x\(hidden) \(chosen) of \(experts) mxfp4"
  }

  /// Rows of a packed element and of a scale.
  static let packed = MXFormat.packedCount
  static let block = MXFormat.packedCount * MXFormat.groupPartitions
  /// Tokens whose sums PSUM holds.
  private static let tokenLimit = 32

  package var parameters: [KernelParameter] {
    var list = [
      KernelParameter("x", [tokens, width], .bfloat16),
      KernelParameter("logits", [tokens, experts], .float32),
    ]
    for (name, rows, columns) in [
      ("gate", width, hidden), ("up", width, hidden), ("down", hidden, width),
    ] {
      list.append(KernelParameter(name, [experts * rows / Self.packed, columns], .uint16))
      list.append(
        KernelParameter("\(name) scales", [experts * rows / Self.block, columns], .uint8))
    }
    return list + [KernelParameter("out", [tokens, width], .bfloat16, .output)]
  }

  /// True when the weights of the chosen experts alone are read.
  var readsChosen: Bool { shape.readsChosen }

  /// The same experts with weights of 16 bits, which are routed in the same way.
  var shape: ExpertLayerKernel {
    ExpertLayerKernel(
      tokens: tokens, width: width, hidden: hidden, experts: experts, chosen: chosen)
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    try requireMicroscaledProducts(builder.device)
    guard experts >= 8, experts <= 512, (1...8).contains(chosen), width % Self.block == 0,
      hidden % Self.block == 0, width > 0, hidden > 0
    else {
      throw unsupported(
        "\(chosen) of \(experts) experts, \(width) x \(hidden)",
        allowed: "8 to 512 experts, up to 8 chosen, and widths that are multiples of 32")
    }
    for block in pieces(tokens, Self.tokenLimit) {
      try builder.scope { builder throws(BuilderError) in
        var emitter = try ScaledExpertEmitter(self, tensors, tokens: block, &builder)
        try emitter.emit(into: &builder)
      }
    }
  }
}
