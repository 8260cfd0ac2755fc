import InstructionSet
import KernelBuilder
import KernelLibrary
import NumericFormats

/// Every kernel of the library with one small example, by family.
enum KernelShelf {
  /// One kernel.
  struct Entry {
    var name: String
    var family: String
    var purpose: String
    var example: any Kernel
    /// True where it multiplies microscaled formats, which older cores do not.
    var isMicroscaled: Bool {
      example is ScaledMatmulKernel || example is ScaledExpertKernel
    }
  }

  static var entries: [Entry] {
    products + attention + experts + rows + elements + tables + images + training + science
      + movement
  }

  private static func family(_ family: String, _ list: [(String, String, any Kernel)]) -> [Entry] {
    list.map { Entry(name: $0.0, family: family, purpose: $0.1, example: $0.2) }
  }

  private static let products = family(
    "products",
    [
      (
        "matmul", "out = lhs x rhs, with scale, bias, activation and residual",
        MatmulKernel(m: 512, k: 512, n: 512)
      ),
      (
        "matmul-mx", "activations quantised to MXFP8 x weights in MXFP4 (trn3)",
        ScaledMatmulKernel(rows: 128, depth: 512, columns: 512)
      ),
      (
        "batched-matmul", "matrix products side by side",
        BatchedMatmulKernel(
          m: 128, k: 128, n: 128, lhsMatrices: [0, 1, 2, 3], rhsMatrices: [0, 1, 2, 3],
          input: .bfloat16,
          output: .bfloat16)
      ),
      (
        "projections", "several weights against the same few rows, as for Q, K and V",
        ProjectionsKernel(
          rows: 1, depth: 512, widths: [512, 128, 128], format: .bfloat16,
          weightFormat: .bfloat16)
      ),
      (
        "swiglu", "gated feed-forward: (silu(x Wg) x (x Wu)) Wd, fused",
        SwiGLUKernel(tokens: 128, width: 256, hidden: 512)
      ),
      ("all-reduce", "the sum over the cores of a chip", AllReduceKernel(count: 4096, ranks: 8)),
    ])

  private static let attention = family(
    "attention",
    [
      (
        "attention", "softmax(scale x Q x Kt) x V per head: causal, grouped, window",
        AttentionKernel(queries: 128, keys: 512, heads: 1)
      ),
      (
        "attention-decode", "a few new queries over a cache, also one in pages",
        pagedAttention
      ),
      (
        "attention-gradient", "gradients of Q, K and V, scores computed again",
        AttentionGradientKernel(
          queries: 128, keys: 128, heads: 1, kvHeads: 1, size: 64, isCausal: true)
      ),
      (
        "neighbour-attention", "attention of graph nodes over sampled neighbours",
        NeighbourAttentionKernel(nodes: 128, rows: 1024, places: 8, heads: 2, size: 32)
      ),
      (
        "pointwise-attention", "silu(Q x Kt) x V without a softmax (HSTU)",
        PointwiseAttentionKernel(
          batch: 1, tokens: 128, heads: 2, size: 32, width: 32, isCausal: true, scale: 0.01)
      ),
      (
        "rotary", "rotary position embedding, both conventions",
        RotaryKernel(tokens: 128, heads: 2, size: 128, layout: .rowMajor)
      ),
      (
        "cache-update", "new tokens written into a cache",
        CacheUpdateKernel(
          batch: 1, tokens: 1, position: 0, capacity: 256, heads: 2, size: 64,
          isTransposed: true, format: .bfloat16)
      ),
    ])

  private static var pagedAttention: AttentionKernel {
    var kernel = AttentionKernel.decode(keys: 512, heads: 4, kvHeads: 2, size: 64)
    kernel.pages = AttentionPages(tokens: 256, count: 8)
    return kernel
  }

  private static let layer = ExpertLayerKernel(
    tokens: 256, width: 256, hidden: 256, experts: 8, chosen: 2)

  private static let experts = family(
    "experts",
    [
      (
        "experts", "a mixture of experts for few tokens, routed on the device",
        ExpertLayerKernel(tokens: 1, width: 256, hidden: 256, experts: 8, chosen: 2)
      ),
      (
        "experts-mx", "the same with weights in MXFP4 (trn3)",
        ScaledExpertKernel(tokens: 1, width: 256, hidden: 256, experts: 8, chosen: 2)
      ),
      (
        "expert-dispatch", "tokens dealt to blocks of one expert each",
        ExpertDispatchKernel(layer, block: 128, blocks: 12)
      ),
      (
        "expert-block", "one block with the weights of its expert",
        ExpertBlockKernel(layer, tokens: 128)
      ),
      (
        "expert-combine", "each token's results added up by their weights",
        ExpertCombineKernel(layer, slots: 1536)
      ),
    ])

  private static let rows = family(
    "rows",
    [
      ("softmax", "softmax over each row", SoftmaxKernel(rows: 128, columns: 512)),
      (
        "rms-norm", "root-mean-square normalisation of each row, after a sum if there is one",
        RMSNormKernel(rows: 128, columns: 512)
      ),
      (
        "layer-norm", "normalisation of each row to mean and variance",
        LayerNormKernel(rows: 128, columns: 512)
      ),
      (
        "group-norm", "normalisation of groups of channels",
        GroupNormKernel(batch: 1, channels: 128, groups: 32, places: 256)
      ),
      (
        "reduce", "sums, products, extremes and norms over axes",
        ReduceKernel(
          outer: 128, reduced: 512, inner: 1, .sum, input: .bfloat16, output: .bfloat16)
      ),
      (
        "top-rows", "top-k, argmax and argmin of each row",
        TopRowsKernel(
          rows: 128, columns: 512, count: 8, givesValues: true, format: .float32)
      ),
      (
        "box-suppression", "boxes of each class that no better one covers (NMS)",
        BoxSuppressionKernel(batch: 1, classes: 16, boxes: 64, most: 8, overlap: 0.5)
      ),
    ])

  private static let elements = family(
    "elements",
    [
      (
        "elementwise", "arithmetic on whole tensors", ElementwiseKernel(count: 65_536, .add)
      ),
      (
        "element-chain", "any chain of functions of each element, fused; AdamW, LARS and SGD too",
        chain
      ),
      ("ramp", "0, 1, 2 and so on", RampKernel(count: 4096)),
    ])

  private static var chain: ElementChainKernel {
    var chain = ElementChain()
    chain.outputs = [chain.function(.silu, chain.arithmetic(.add, .input(0), .input(1)))]
    let input = ElementChainKernel.Input(
      format: .bfloat16, [128, 512], repeatedTo: [128, 512])
    return ElementChainKernel(
      "add+silu", shape: [128, 512], inputs: [input, input], chain: chain, outputs: [.bfloat16])
  }

  private static let step = BagStep(
    bags: 128, places: 4, columns: 32, width: 32, collectors: 1, rate: 0.01, epsilon: 1e-8,
    gradient: .bfloat16)
  private static let table = TrainedTable(rows: 1024, places: 0..<4, column: 0)

  private static let tables = family(
    "tables",
    [
      (
        "embedding", "rows of a table, picked by index",
        EmbeddingKernel(count: 128, rows: 1024, columns: 512)
      ),
      (
        "embedding-bag", "sums of the rows that ragged bags name",
        EmbeddingBagKernel(
          bags: 128, tables: [EmbeddingBagKernel.Table(rows: 1024, length: 4)], columns: 64)
      ),
      (
        "bag-adagrad", "Adagrad on the rows that bags name, scattered back",
        BagAdagradKernel(step, tables: [table])
      ),
      (
        "dense-bag-adagrad", "the same for a table smaller than its look-ups",
        DenseBagAdagradKernel(step, table: table)
      ),
      (
        "indexed-rows", "rows gathered or scattered by tuples of indices",
        IndexedRowsKernel(count: 128, lengths: [1024], columns: 64, format: .bfloat16)
      ),
      (
        "indexed-elements", "elements gathered or scattered along an axis",
        IndexedElementsKernel(shape: [128, 8], data: [128, 64], axis: 1, format: .float32)
      ),
      (
        "scatter-reduce", "updates that meet rows by a sum, product or extreme",
        ScatterReduceKernel(count: 128, rows: 256, columns: 16, .add)
      ),
    ])

  private static let side = WindowAxis(28, kernel: 3, before: 1, after: 1)

  private static let images = family(
    "images",
    [
      (
        "convolution", "1 to 3 axes, strides, groups, bias and activation, without im2col",
        ConvolutionKernel(batch: 1, inputs: 64, outputs: 64, rows: side, columns: side)
      ),
      (
        "transposed-convolution", "upsampling by learned weights",
        TransposedConvolutionKernel(
          inputs: 64, outputs: 32, planes: 1, rows: 14, columns: 14, window: [1, 2, 2])
      ),
      (
        "pool", "the maximum or average of each window",
        PoolKernel(planes: 64, rows: side, columns: side, mode: .max)
      ),
      (
        "resize", "images at another size",
        ResizeKernel(
          planes: 64, inputRows: 14, inputColumns: 14,
          rows: (0..<28).map { ResizeSource($0 / 2) },
          columns: (0..<28).map { ResizeSource($0 / 2) })
      ),
      (
        "channel-scale", "batch normalisation by given moments, where no convolution takes it",
        ChannelScaleKernel(batch: 1, channels: 64, places: 196)
      ),
    ])

  private static let norm = NormShape(
    rows: 128, columns: 256, epsilon: 1e-5, centres: true, slope: .bfloat16, format: .bfloat16)

  private static let training = family(
    "training",
    [
      (
        "cross-entropy", "mean cross-entropy of logits, and its gradient",
        CrossEntropyKernel(rows: 128, classes: 512)
      ),
      (
        "bias-gradient", "sum over rows, for the gradient of a bias",
        BiasGradientKernel(rows: 128, columns: 512)
      ),
      (
        "weight-gradient", "the gradient of a convolution in its weights",
        WeightGradientKernel(
          images: 1, inputs: 64, outputs: 64, rows: side, columns: side, layout: .channelsFirst,
          format: .bfloat16)
      ),
      (
        "norm-gradient", "the gradient of a layer or RMS norm in its input",
        NormGradientKernel(norm, scale: .bfloat16, output: .bfloat16)
      ),
      ("norm-sums", "the same in its scale and bias", NormSumsKernel(norm)),
      (
        "batch-moments", "mean and variance of each channel",
        BatchMomentsKernel(channels: 64, elements: 784, format: .bfloat16)
      ),
      (
        "batch-sums", "the sums of a batch norm's gradient",
        BatchSumsKernel(
          channels: 64, elements: 784, epsilon: 1e-5, gradient: .bfloat16, format: .bfloat16)
      ),
      (
        "max-pool-gradient", "gradients back to the maxima of windows",
        MaxPoolGradientKernel(
          planes: 64, rows: WindowAxis(28, kernel: 2, stride: 2),
          columns: WindowAxis(28, kernel: 2, stride: 2), format: .bfloat16, gradient: .bfloat16)
      ),
      (
        "sgd", "gradient descent with fp32 master weights and momentum",
        SGDKernel(count: 65_536, rate: 0.01)
      ),
    ])

  private static let science = family(
    "science",
    [
      (
        "fourier", "batched Fourier transforms as products",
        FourierKernel(batch: 2, first: 32, second: 32)
      ),
      (
        "neighbour-force", "Lennard-Jones forces over neighbour lists",
        NeighbourForceKernel(
          particles: 128, places: 32, epsilon: 1, sigma: 1, cutoff: 2.5)
      ),
      (
        "stencil", "a star-shaped stencil over a grid",
        StencilKernel(planes: 4, rows: 64, columns: 64, centre: 0.4, neighbour: 0.1)
      ),
    ])

  private static let movement = family(
    "movement",
    [
      ("move", "transposes, slices, padding and joins", move),
      (
        "spread", "elements apart, zeros between",
        SpreadKernel(
          planes: 64, rows: 14, columns: 14, rowStep: 2, columnStep: 2, format: .bfloat16)
      ),
    ])

  private static var move: MoveKernel {
    let all = MoveKernel.Operand(count: 128 * 256, format: .bfloat16)
    return MoveKernel(
      "transpose", inputs: [all], outputs: [all],
      pieces: [
        MoveKernel.Piece(.input(0), sizes: [128, 256], from: [1, 128], to: [256, 1])
      ])
  }
}
