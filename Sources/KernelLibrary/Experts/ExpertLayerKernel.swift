package import KernelBuilder
package import NumericFormats

/// The experts of a mixture for a few tokens: for each token the `chosen` experts with the largest
/// logits, weighted by the softmax of these logits; out = Σ weight · (silu(x · Wg) ∘ (x · Wu)) ·
/// Wd.
///
/// Layouts: x [T, D], logits [T, E] fp32, gate and up [E, D, F], down [E, F, D]. D and F are cut
/// into equal parts over partitions, partition p holding consecutive rows of a weight, so that
/// descriptors are long whatever D and F are. Weights are stationary and tokens stream: xᵀ, hᵀ and
/// outᵀ have one column per token, the sums of all experts stay in PSUM, and a token that did not
/// choose an expert meets it with weight zero.
///
/// With one token only the chosen experts' weights are read: plain transfers begin where registers
/// say, which queues load with the numbers that the device computes from the logits. With more, all
/// experts are read, in order; with two of eight chosen, twelve tokens leave few experts out. Many
/// tokens are dealt to their experts first (`ExpertGroups`).
/// The norm of up to 64 tokens and the router's product may be taken along; both results are stored
/// as well, off the way, so that they can be looked at.
/// Bound: the DMA, which reads each expert's weights once per 64 tokens.
///
/// Parameters in order: x, logits, gate, up, down, out. With a norm: x, addend [T, D], its bias [D]
/// and gamma [D] (as it has them), router [D, E], gate, up, down, the sum of x and addend (if any),
/// normal [T, D], logits, out.
package struct ExpertLayerKernel: Kernel {
  /// Tokens: T.
  package var tokens: Int
  /// Width of the model: D.
  package var width: Int
  /// Width of the hidden layer of an expert: F.
  package var hidden: Int
  /// Experts: E, at least 8.
  package var experts: Int
  /// Experts of each token, at most 8.
  package var chosen: Int
  /// Format of x, the weights and out: bf16 or fp16.
  package var format: NumberFormat
  /// The norm of the tokens, if it and the router's product are taken here.
  package var norm: RowNorm?

  /// The experts for `tokens` tokens.
  package init(
    tokens: Int, width: Int, hidden: Int, experts: Int, chosen: Int,
    format: NumberFormat = .bfloat16
  ) {
    self.tokens = tokens
    self.width = width
    self.hidden = hidden
    self.experts = experts
    self.chosen = chosen
    self.format = format
  }

  package var name: String {
    let before = norm.map { "\($0.label)router+" } ?? ""
    return
      "\(before)experts \(tokens)x\(width)x\(hidden) \(chosen) of \(experts) \(format.name)"
  }

  package var parameters: [KernelParameter] {
    let x = KernelParameter("x", [tokens, width], format)
    let out = KernelParameter("out", [tokens, width], format, .output)
    let weights = [
      // A row is what one partition holds of an expert.
      KernelParameter("gate", [experts * rows.width, width / rows.width * hidden], format),
      KernelParameter("up", [experts * rows.width, width / rows.width * hidden], format),
      KernelParameter("down", [experts * rows.hidden, hidden / rows.hidden * width], format),
    ]
    guard let norm else {
      return [x, KernelParameter("logits", [tokens, experts], .float32)] + weights + [out]
    }
    let sum = norm.hasAddend ? [KernelParameter("sum", [tokens, width], format, .output)] : []
    return [x] + norm.inputs(rows: tokens, depth: width, format)
      + [KernelParameter("router", [width, experts], format)] + weights + sum
      + [
        KernelParameter("normal", [tokens, width], format, .output),
        KernelParameter("logits", [tokens, experts], .float32, .output), out,
      ]
  }

  /// Tokens whose norm and router can be taken along.
  package static let mostNormedTokens = 64

  /// Partitions that D and F are cut over.
  var rows: (width: Int, hidden: Int) { (EvenCut(width).size, EvenCut(hidden).size) }
  /// True when the weights of the chosen experts alone are read: with one token, if a register,
  /// which holds 32 bits, reaches the last expert of a table.
  var readsChosen: Bool {
    tokens == 1 && chosen < experts
      && experts * width * hidden * format.sizeBytes <= Int(Int32.max)
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard experts >= 8, experts <= 512, (1...8).contains(chosen), format.sizeBytes == 2,
      rows.width >= 32, rows.hidden >= 32
    else {
      throw unsupported(
        "\(chosen) of \(experts) experts, \(width) x \(hidden) \(format.name)",
        allowed: "8 to 512 experts, up to 8 chosen, bf16 or fp16, and widths with a divisor of 32 "
          + "to 128")
    }
    guard norm == nil || tokens <= Self.mostNormedTokens else {
      throw unsupported(
        "the norm of \(tokens) tokens", allowed: "up to \(Self.mostNormedTokens) tokens")
    }
    let operands = ExpertOperands(self, tensors)
    for block in pieces(tokens, 64) {
      try builder.scope { builder throws(BuilderError) in
        var emitter = try ExpertLayerEmitter(self, operands, tokens: block, &builder)
        try emitter.emit(into: &builder)
      }
    }
  }
}

/// The tensors of a layer of experts by what they are.
struct ExpertOperands {
  let x: TensorHandle
  private(set) var norm: RowNormOperands?
  private(set) var router: TensorHandle?
  /// gate, up, down.
  let weights: [TensorHandle]
  let logits: TensorHandle
  let out: TensorHandle

  init(_ kernel: ExpertLayerKernel, _ tensors: [TensorHandle]) {
    let last = tensors.count - 1
    (x, out) = (tensors[0], tensors[last])
    guard let norm = kernel.norm else {
      logits = tensors[1]
      weights = Array(tensors[2..<5])
      return
    }
    let first =
      1 + norm.inputs(rows: kernel.tokens, depth: kernel.width, kernel.format).count
    var operands = RowNormOperands(norm, tensors[1..<first])
    router = tensors[first]
    weights = Array(tensors[first + 1..<first + 4])
    if norm.hasAddend { operands.sum = tensors[last - 3] }
    operands.result = tensors[last - 2]
    self.norm = operands
    logits = tensors[last - 1]
  }
}
