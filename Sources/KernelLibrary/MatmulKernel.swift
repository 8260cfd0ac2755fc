package import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Matrix product: out [M, N] = lhs · rhs, with an optional epilogue.
///
/// Layouts: the tensor engine contracts over partitions, so both operands are wanted with the
/// contraction dimension K as rows: lhs as lhsT [K, M], rhs as [K, N]. An operand stored the other
/// way round ([M, K] or [N, K]) is transposed by the DMA while it is loaded. A chain of layers that
/// keeps its activations transposed needs no transposes: yᵀ [N, T] is the product of lhsT = W
/// [K, N] and rhs = xᵀ [K, T]; y [T, N] that of lhsT = xᵀ [K, T] and rhs = W [K, N].
///
/// Tiling (`blocked`): a block of out fills the eight PSUM banks, each [128, 512] fp32, and K is
/// accumulated there without interruption; the stationary tile changes with every product and its
/// load hides behind the one before. Where SBUF holds them, the panels of both operands over all of
/// K stay resident, double-buffered (rhs columns over all blocks of rows); otherwise both stream in
/// chunks of K. Banks are emptied alternately by the vector and scalar engines.
///
/// Bound: the tensor engine, N + 6 cycles per product of [128, 128] by [128, N] (fp32: four times
/// that); with few rows (decode) the DMA, which must bring rhs once. Few rows and narrow weights
/// change places (`ProjectionsKernel`).
///
/// Parameters in order: lhs, rhs, bias (if any), residual (if any), out.
package struct MatmulKernel: Kernel {
  /// How much is reused between loads.
  package enum Variant: Hashable, Sendable {
    /// The optimised kernel.
    case blocked
    /// Both tiles are loaded again for every product, with `reloadBuffers` buffers of each. The
    /// first version of the vendor's blocked-matmul tutorial.
    case reload
    /// lhsT tiles over all of K stay for `rowTiles` rows of tiles; rhs tiles are loaded again for
    /// each of them.
    case rowResident(rowTiles: Int)
  }

  /// How an operand lies in HBM.
  package enum Layout: Hashable, Sendable {
    /// The contraction dimension is the rows: lhsT [K, M], rhs [K, N].
    case contractionRows
    /// The contraction dimension is the columns: lhs [M, K], rhsT [N, K].
    case contractionColumns
  }

  /// What is added before the activation.
  package enum Bias: Hashable, Sendable {
    case none
    /// [N]: one value per column of out.
    case perColumn
    /// [M]: one value per row of out.
    case perRow
  }

  /// Rows of out.
  package var m: Int
  /// The contraction length.
  package var k: Int
  /// Columns of out.
  package var n: Int
  /// Format of lhs and rhs: bf16, fp16, fp8 or fp32.
  package var input: NumberFormat
  /// Format of rhs where it differs, such as weights in fp8 that meet activations in bf16: the
  /// array widens both, at the rate of the wider one.
  package var narrowRHS: NumberFormat?
  /// Format of out and residual.
  package var output: NumberFormat
  /// How lhs lies in HBM.
  package var lhsLayout = Layout.contractionRows
  /// How rhs lies in HBM.
  package var rhsLayout = Layout.contractionRows
  /// How much is reused.
  package var variant = Variant.blocked
  /// Buffers of each operand when everything is loaded again; two overlap a load with a product.
  package var reloadBuffers = 2
  /// Multiplies the product first.
  package var scale: Float = 1
  /// Is added next.
  package var bias = Bias.none
  /// Format of the bias in HBM; fp32 on the chip.
  package var biasFormat = NumberFormat.float32
  /// Is applied next.
  package var activation: ActivationFunction?
  /// True when residual [M, N] is added last.
  package var hasResidual = false

  /// out [m, n] = lhs · rhs without an epilogue.
  package init(
    m: Int, k: Int, n: Int, input: NumberFormat = .bfloat16, output: NumberFormat = .bfloat16,
    lhs: Layout = .contractionRows, rhs: Layout = .contractionRows, variant: Variant = .blocked
  ) {
    self.m = m
    self.k = k
    self.n = n
    self.input = input
    self.output = output
    lhsLayout = lhs
    rhsLayout = rhs
    self.variant = variant
  }

  /// The gradient of a weight: dW [K, N] = xᵀ · dy of x [T, K] and dy [T, N]; no transposes.
  package static func weightGradient(
    rows: Int, inputs: Int, outputs: Int, format: NumberFormat = .bfloat16,
    gradient: NumberFormat = .float32
  ) -> MatmulKernel {
    MatmulKernel(m: inputs, k: rows, n: outputs, input: format, output: gradient)
  }

  /// The gradient of an input: dx [T, K] = dy · Wᵀ of dy [T, N] and W [K, N]; both are transposed
  /// while they are loaded.
  package static func inputGradient(
    rows: Int, inputs: Int, outputs: Int, format: NumberFormat = .bfloat16
  ) -> MatmulKernel {
    MatmulKernel(
      m: rows, k: outputs, n: inputs, input: format, output: format, lhs: .contractionColumns,
      rhs: .contractionColumns)
  }

  /// Format of rhs.
  var rhsFormat: NumberFormat { narrowRHS ?? input }

  /// Few rows meet each weight once.
  package var streamsWeights: Bool { m <= 64 && variant == .blocked }

  package var name: String {
    let kind =
      switch variant {
      case .blocked: "matmul"
      case .reload: "matmul-reload"
      case .rowResident: "matmul-row-resident"
      }
    let formats = narrowRHS.map { "\(input.name)x\($0.name)" } ?? input.name
    return "\(kind) \(m)x\(k)x\(n) \(formats)"
  }

  package var parameters: [KernelParameter] {
    let lhs = lhsLayout == .contractionRows ? [k, m] : [m, k]
    let rhs = rhsLayout == .contractionRows ? [k, n] : [n, k]
    var list = [KernelParameter("lhs", lhs, input), KernelParameter("rhs", rhs, rhsFormat)]
    switch bias {
    case .none: break
    case .perColumn: list.append(KernelParameter("bias", [n], biasFormat))
    case .perRow: list.append(KernelParameter("bias", [m, 1], biasFormat))
    }
    if hasResidual { list.append(KernelParameter("residual", [m, n], output)) }
    list.append(KernelParameter("out", [m, n], output, .output))
    return list
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard m > 0, k > 0, n > 0 else {
      throw unsupported("an empty product", allowed: "m, k and n of at least 1")
    }
    switch variant {
    case .blocked:
      try builder.scope { builder throws(BuilderError) in
        if let few = ProjectionsKernel(self) { return try few.emit(into: &builder, tensors) }
        var emitter = try BlockedMatmul(self, tensors, &builder)
        emitter.emit(into: &builder)
      }
    case .reload, .rowResident:
      guard m % 128 == 0, k % 128 == 0, n % 512 == 0, parameters.count == 3, narrowRHS == nil,
        lhsLayout == .contractionRows, rhsLayout == .contractionRows
      else {
        throw unsupported(
          "this shape", allowed: "lhsT [K, M] and rhs [K, N] of whole tiles, no epilogue")
      }
      try builder.scope { builder throws(BuilderError) in
        switch variant {
        case .blocked: break
        case .reload: try emitReload(into: &builder, tensors)
        case .rowResident(let rowTiles):
          try emitRowResident(into: &builder, tensors, rowTiles: rowTiles)
        }
      }
    }
  }
}
