package import KernelBuilder
package import NumericFormats

/// The gated feed-forward layer, fused: out = (silu(x · Wg) ∘ (x · Wu)) · Wd.
///
/// Layouts: x [T, D] row-major or xᵀ [D, T]; Wg and Wu [D, F], Wd [F, D] row-major. For a block of
/// up to 512 tokens the hidden activations are computed transposed, hᵀ [F, T] (stationary = a tile
/// of the weights, moving = xᵀ), and stay in SBUF in the format of x: they are then the stationary
/// operand of the second product as they lie, and nothing is transposed.
///
/// Tiling: eight PSUM banks hold four tiles of F of both products (with few tokens eight tiles of
/// one product after the other); weights stream in chunks of D or F that are loaded ahead.
/// silu runs on the scalar engine out of PSUM, the product on the vector engine.
/// Few tokens of two bytes have a form of their own (`FewTokensGatedLayer`).
/// Bound: the tensor engine, 3 · D · F / 128² products of up to 512 columns per block of tokens;
/// with few tokens the DMA, which reads all weights once per block of tokens.
///
/// Parameters in order: x, gate [D, F], up [D, F], down [F, D], residual [T, D] (if any), of a norm
/// addend [T, D], its bias [D], gamma [D] and the sum of x and addend (if any), out [T, D].
package struct SwiGLUKernel: Kernel {
  /// Tokens: T.
  package var tokens: Int
  /// Width of the model: D, a multiple of 128.
  package var width: Int
  /// Width of the hidden layer: F, a multiple of 128.
  package var hidden: Int
  /// How x lies in HBM: `contractionColumns` is [T, D], `contractionRows` is xᵀ [D, T].
  package var layout: MatmulKernel.Layout
  /// True when residual [T, D] is added to out.
  package var hasResidual: Bool
  /// Format of all tensors but narrower weights.
  package var format: NumberFormat
  /// Format of the weights where it differs: fp8 beside bf16 halves what is read.
  package var narrowWeights: NumberFormat?
  /// The norm of the rows, if it is taken here: of few tokens alone (`takesNorm`).
  package var norm: RowNorm?

  /// The layer for `tokens` tokens.
  package init(
    tokens: Int, width: Int, hidden: Int, layout: MatmulKernel.Layout = .contractionColumns,
    hasResidual: Bool = false, format: NumberFormat = .bfloat16
  ) {
    self.tokens = tokens
    self.width = width
    self.hidden = hidden
    self.layout = layout
    self.hasResidual = hasResidual
    self.format = format
  }

  /// Format of gate, up and down.
  var weightFormat: NumberFormat { narrowWeights ?? format }

  /// True for a layer that can take a norm along.
  package var takesNorm: Bool {
    layout == .contractionColumns && FewTokensGatedLayer.fits(self)
  }

  /// Few tokens meet each weight once.
  package var streamsWeights: Bool { tokens <= 64 }

  package var name: String {
    let formats = narrowWeights.map { "\(format.name)x\($0.name)" } ?? format.name
    return "\(norm?.label ?? "")swiglu \(tokens)x\(width)x\(hidden) \(formats)"
  }

  package var parameters: [KernelParameter] {
    let x = layout == .contractionColumns ? [tokens, width] : [width, tokens]
    var list = [
      KernelParameter("x", x, format), KernelParameter("gate", [width, hidden], weightFormat),
      KernelParameter("up", [width, hidden], weightFormat),
      KernelParameter("down", [hidden, width], weightFormat),
    ]
    if hasResidual { list.append(KernelParameter("residual", [tokens, width], format)) }
    list += norm?.inputs(rows: tokens, depth: width, format) ?? []
    if norm?.hasAddend == true {
      list.append(KernelParameter("sum", [tokens, width], format, .output))
    }
    list.append(KernelParameter("out", [tokens, width], format, .output))
    return list
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard width % 128 == 0, hidden % 128 == 0, format.sizeBytes == 2 || format == .float32 else {
      throw unsupported(
        "\(width) x \(hidden) \(format.name)", allowed: "multiples of 128, bf16, fp16 or fp32")
    }
    guard norm == nil || takesNorm else {
      throw unsupported("a norm of \(tokens) tokens", allowed: "few tokens as rows")
    }
    try builder.scope { builder throws(BuilderError) in
      if FewTokensGatedLayer.fits(self) {
        return try FewTokensGatedLayer(self, tensors).emit(into: &builder)
      }
      var emitter = try SwiGLUEmitter(self, tensors, &builder)
      for block in pieces(tokens, 512) { emitter.emit(block, into: &builder) }
    }
  }
}
