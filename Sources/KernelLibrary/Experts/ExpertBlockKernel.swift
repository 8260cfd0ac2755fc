package import KernelBuilder
package import NumericFormats

/// The gated feed-forward part of one expert for a block of tokens (see `SwiGLUKernel`), the expert
/// being a number that the device computed: its weights come from where a register says.
///
/// Parameters in order: x [B, D], gate [E · D, F], up [E · D, F], down [E · F, D], owner [1, 1]
/// int32: the expert; out [B, D].
package struct ExpertBlockKernel: Kernel {
  /// Tokens: B, 128 to 512.
  package var tokens: Int
  /// Width of the model: D, a multiple of 128.
  package var width: Int
  /// Width of the hidden layer of an expert: F, a multiple of 128.
  package var hidden: Int
  /// Experts: E.
  package var experts: Int
  /// Format of all tensors: bf16 or fp16.
  package var format: NumberFormat

  /// A block of a layer's tokens.
  package init(_ layer: ExpertLayerKernel, tokens: Int) {
    self.tokens = tokens
    width = layer.width
    hidden = layer.hidden
    experts = layer.experts
    format = layer.format
  }

  package var name: String {
    "expert-block \(tokens)x\(width)x\(hidden) 1 of \(experts) \(format.name)"
  }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("x", [tokens, width], format),
      KernelParameter("gate", [experts * width, hidden], format),
      KernelParameter("up", [experts * width, hidden], format),
      KernelParameter("down", [experts * hidden, width], format),
      KernelParameter("owner", [1, 1], .int32),
      KernelParameter("out", [tokens, width], format, .output),
    ]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard width % 128 == 0, hidden % 128 == 0, format.sizeBytes == 2,
      (128...512).contains(tokens)
    else {
      throw unsupported(
        "\(tokens) tokens of \(width) x \(hidden) \(format.name)",
        allowed: "128 to 512 tokens, multiples of 128, bf16 or fp16")
    }
    try builder.scope { builder throws(BuilderError) in
      let owner = try builder.tile("owner", partitions: 1, 1, format: .int32)
      builder.load(owner, from: tensors[4].rows(0..<1))
      var emitter = try SwiGLUEmitter(
        SwiGLUKernel(tokens: tokens, width: width, hidden: hidden, format: format), tensors,
        &builder)
      emitter.offset = builder.offsetRegister(
        owner, stepBytes: width * hidden * format.sizeBytes, count: experts)
      emitter.emit(0..<tokens, into: &builder)
    }
  }
}
