/// What a node computes. An operator that ONNX has means exactly what ONNX means by its name.
///
/// Inputs are listed in their order. All arithmetic is that of real numbers; formats belong to the
/// tensors. The first cases are those that kernels take as they are; the others are families, each
/// in a file of `Operators` with its attributes, shape rule, meaning and operation count (see
/// `OperatorFamily`). Where both could say the same, such as `add` and `elementwise`, graphs of
/// device tensors use the former. Source of the semantics: the ONNX operator specification (opset
/// 24 for Attention, RMSNormalization, RotaryEmbedding, Swish and TensorScatter).
package enum Operator: Hashable, Sendable {
  /// A · B. `transposeA` says that A is stored as `[K, M]`, `transposeB` that B is stored as
  /// `[N, K]` (ONNX Gemm's transA and transB). Axes of A before its last two count as rows.
  case matMul(transposeA: Bool, transposeB: Bool)
  /// A + B, broadcast.
  case add
  /// A × B elementwise, broadcast.
  case multiply
  /// Softmax over the last axis.
  case softmax
  /// Inputs X, scale: X / sqrt(mean of X² over the last axis + epsilon) × scale.
  case rmsNormalization(epsilon: Double)
  /// Inputs X, scale, bias: zero mean and unit variance over the last axis, then scale and bias.
  case layerNormalization(epsilon: Double)
  /// Inputs X, and optionally cosine and sine tables.
  case rotaryEmbedding(RotaryEmbedding)
  /// Inputs Q, K, V.
  case attention(Attention)
  /// x · sigmoid(x) (ONNX Swish with alpha 1).
  case silu
  /// 1 / (1 + exp(−x)).
  case sigmoid
  /// max(x, 0).
  case relu
  /// Inputs dY, X: dY where X > 0, else 0.
  case reluGradient
  /// Inputs table `[rows, columns]`, indices: one row of the table per index.
  case gather
  /// `count` entries of the first axis from `start` on.
  case slice(start: Int, count: Int)
  /// Inputs logits `[N, C]`, labels `[N]`: mean over N of −log softmax at the label; shape `[1]`.
  case softmaxCrossEntropyLoss
  /// Inputs logits `[N, C]`, labels `[N]`: the gradient of the mean loss in the logits.
  case softmaxCrossEntropyGradient
  /// The sum over the first axis of `[rows, columns]`.
  case reduceSum
  /// Inputs W, dW: W − learningRate · dW (plain stochastic gradient descent).
  case gradientDescent(learningRate: Double)
  /// Axes reordered: axis i of the result is axis `permutation[i]` of the input.
  case transpose(permutation: [Int])
  /// The same values, rounded to the output's format (ONNX Cast, or Identity).
  case copy
  /// Inputs cache, update: the cache with the update's tokens written at a position.
  case tensorScatter(TensorScatter)
  /// A graph of `Graph.functions`, its given tensors bound to the inputs in their order and its
  /// outputs to the outputs (an ONNX model-local function).
  case call(function: String)

  // Families, in the order of the alphabet.

  /// The sum over the ranks that hold parts of a model.
  case allReduce(AllReduce)
  /// Where along an axis the largest or smallest element stands.
  case argExtreme(ArgExtreme)
  /// The gradient of attention.
  case attentionGradient(AttentionGradient)
  /// Slices of an axis, chosen by indices.
  case axisGather(AxisGather)
  /// Layer or root-mean-square normalisation from an axis on.
  case axisNormalization(AxisNormalization)
  /// Softmax and its kin along any axis.
  case axisSoftmax(AxisSoftmax)
  /// A step of Adagrad on a table that bags name rows of.
  case bagAdagrad(BagAdagrad)
  /// Products of matrices side by side.
  case batchMatMul(BatchMatMul)
  /// Mean and variance of each channel of a batch.
  case batchMoments(BatchMoments)
  /// Normalisation by the moments of a batch.
  case batchNorm(BatchNorm)
  /// The sums of a batch normalisation's gradient.
  case batchSums(BatchSums)
  /// Blocks of places moved to channels or back.
  case blockShuffle(BlockShuffle)
  /// Boxes that no better box covers.
  case boxSuppression(BoxSuppression)
  /// New tokens written into a cache at a position of each sequence.
  case cacheScatter(CacheScatter)
  /// Values in another type.
  case cast(Cast)
  /// A convolution along tokens with a state.
  case causalConvolution(CausalConvolution)
  /// Normalisation with one scale and bias per channel.
  case channelNormalization(ChannelNormalization)
  /// Tensors one behind the other.
  case concatenate(Concatenation)
  /// Convolution over images or volumes.
  case convolution(Convolution)
  /// The convolution of a gradient.
  case convTranspose(ConvTranspose)
  /// Running sums or products along an axis.
  case cumulative(Cumulative)
  /// Narrow numbers to real ones.
  case dequantize(Dequantize)
  /// Real numbers to bytes by the tensor's own range.
  case dynamicQuantize(DynamicQuantize)
  /// A sum of products in Einstein's notation.
  case einsum(Einsum)
  /// One element per index along an axis.
  case elementGather(ElementGather)
  /// Each element by itself, inputs broadcast.
  case elementwise(Elementwise)
  /// Sums of table rows that bags name.
  case embeddingBag(EmbeddingBag)
  /// A mixture of experts.
  case expertLayer(ExpertLayer)
  /// Elements repeated along axes of length 1.
  case expand(Expand)
  /// Discrete Fourier transforms of rows.
  case fourierTransform(FourierTransform)
  /// swish(a) · b.
  case gatedSwish(GatedSwish)
  /// alpha · A · B + beta · C.
  case gemm(Gemm)
  /// Images read where a grid says.
  case gridSample(GridSample)
  /// Maxima of a window and where they stand.
  case indexedMaxPool(IndexedMaxPool)
  /// Attention with a state of fixed size.
  case linearAttention(LinearAttention)
  /// Each element over its neighbour channels.
  case localResponse(LocalResponse)
  /// Each element over the norm of its axis.
  case lpNormalization(LpNormalization)
  /// Attention with masks, past and windows.
  case maskedAttention(MaskedAttention)
  /// The gradient of the maximum of each place of a window.
  case maxPoolGradient(MaxPoolGradient)
  /// Attention over sampled neighbours.
  case neighbourAttention(NeighbourAttention)
  /// Forces over neighbour lists.
  case neighbourForce(NeighbourForce)
  /// The gradient of a norm in its input.
  case normGradient(NormGradient)
  /// The sums over rows of a norm's gradient.
  case normSums(NormSums)
  /// Rows of zeros with one other value.
  case oneHot(OneHot)
  /// Elements added around a tensor.
  case pad(Pad)
  /// Attention over a cache in pages.
  case pagedAttention(PagedAttention)
  /// Where ranks begin to compute in parts.
  case parallelRegion(ParallelRegion)
  /// Attention without a softmax.
  case pointwiseAttention(PointwiseAttention)
  /// The maximum or average of each place of a window.
  case pool(Pooling)
  /// Real numbers to narrow ones.
  case quantize(Quantize)
  /// A product of narrow whole numbers.
  case quantizedMatMul(QuantizedMatMul)
  /// A recurrent network.
  case recurrent(Recurrent)
  /// Elements joined over axes.
  case reduce(Reduction)
  /// Axes resized by weighted sums.
  case resample(Resample)
  /// The same elements under another shape.
  case reshape(Reshape)
  /// The last axes at other lengths.
  case resize(Resize)
  /// Sequences in reverse order.
  case reverseSequence(ReverseSequence)
  /// A mixture of experts with weights in MXFP4.
  case scaledExpertLayer(ScaledExpertLayer)
  /// A product with weights in MXFP4.
  case scaledProduct(ScaledProduct)
  /// Elements written into a copy.
  case scatter(Scatter)
  /// One tensor cut into several.
  case split(Split)
  /// A star-shaped stencil over a grid.
  case stencil(Stencil)
  /// Ranges of each axis.
  case stridedSlice(StridedSlice)
  /// Rotary embedding by tables, in general form.
  case tableRotary(TableRotary)
  /// A tensor repeated as a whole.
  case tile(Tile)
  /// The largest or smallest elements along an axis.
  case topK(TopK)
  /// Convolution the other way round: upsampling by learned weights.
  case transposedConvolution(TransposedConvolution)
  /// A triangle of each matrix.
  case triangle(Triangle)
  /// Slices named by tuples of indices.
  case tupleGather(TupleGather)
  /// The norm of each place of a window.
  case windowNorm(WindowNorm)

  /// The family that defines the operator; nil for the cases above the families.
  package var family: (any OperatorFamily)? {
    switch self {
    case .allReduce(let family): family
    case .argExtreme(let family): family
    case .attentionGradient(let family): family
    case .axisGather(let family): family
    case .axisNormalization(let family): family
    case .axisSoftmax(let family): family
    case .bagAdagrad(let family): family
    case .batchMatMul(let family): family
    case .batchMoments(let family): family
    case .batchNorm(let family): family
    case .batchSums(let family): family
    case .blockShuffle(let family): family
    case .boxSuppression(let family): family
    case .cacheScatter(let family): family
    case .cast(let family): family
    case .causalConvolution(let family): family
    case .channelNormalization(let family): family
    case .concatenate(let family): family
    case .convolution(let family): family
    case .convTranspose(let family): family
    case .cumulative(let family): family
    case .dequantize(let family): family
    case .dynamicQuantize(let family): family
    case .einsum(let family): family
    case .elementGather(let family): family
    case .elementwise(let family): family
    case .embeddingBag(let family): family
    case .expand(let family): family
    case .expertLayer(let family): family
    case .fourierTransform(let family): family
    case .gatedSwish(let family): family
    case .gemm(let family): family
    case .gridSample(let family): family
    case .indexedMaxPool(let family): family
    case .linearAttention(let family): family
    case .localResponse(let family): family
    case .lpNormalization(let family): family
    default: laterFamily
    }
  }

  /// The same of the families from M on.
  private var laterFamily: (any OperatorFamily)? {
    switch self {
    case .maskedAttention(let family): family
    case .maxPoolGradient(let family): family
    case .neighbourAttention(let family): family
    case .neighbourForce(let family): family
    case .normGradient(let family): family
    case .normSums(let family): family
    case .oneHot(let family): family
    case .pad(let family): family
    case .pagedAttention(let family): family
    case .parallelRegion(let family): family
    case .pointwiseAttention(let family): family
    case .pool(let family): family
    case .quantize(let family): family
    case .quantizedMatMul(let family): family
    case .recurrent(let family): family
    case .reduce(let family): family
    case .resample(let family): family
    case .reshape(let family): family
    case .resize(let family): family
    case .reverseSequence(let family): family
    case .scaledExpertLayer(let family): family
    case .scaledProduct(let family): family
    case .scatter(let family): family
    case .split(let family): family
    case .stencil(let family): family
    case .stridedSlice(let family): family
    case .tableRotary(let family): family
    case .tile(let family): family
    case .topK(let family): family
    case .transposedConvolution(let family): family
    case .triangle(let family): family
    case .tupleGather(let family): family
    case .windowNorm(let family): family
    default: nil
    }
  }

  /// ONNX's name for it, or the nearest plain name where ONNX has none.
  package var name: String {
    switch self {
    case .matMul: "MatMul"
    case .add: "Add"
    case .multiply: "Mul"
    case .softmax: "Softmax"
    case .rmsNormalization: "RMSNormalization"
    case .layerNormalization: "LayerNormalization"
    case .rotaryEmbedding: "RotaryEmbedding"
    case .attention: "Attention"
    case .silu: "Swish"
    case .sigmoid: "Sigmoid"
    case .relu: "Relu"
    case .reluGradient: "ReluGradient"
    case .gather: "Gather"
    case .slice: "Slice"
    case .softmaxCrossEntropyLoss: "SoftmaxCrossEntropyLoss"
    case .softmaxCrossEntropyGradient: "SoftmaxCrossEntropyGradient"
    case .reduceSum: "ReduceSum"
    case .gradientDescent: "GradientDescent"
    case .transpose: "Transpose"
    case .copy: "Cast"
    case .tensorScatter: "TensorScatter"
    case .call: "Call"
    default: family?.name ?? ""
    }
  }

  /// How many inputs it takes; nil for a call, whose function says so.
  package var inputCount: ClosedRange<Int>? {
    switch self {
    case .softmax, .silu, .sigmoid, .relu, .slice, .reduceSum, .transpose, .copy: 1...1
    case .matMul, .add, .multiply, .rmsNormalization, .reluGradient, .gather: 2...2
    case .softmaxCrossEntropyLoss, .softmaxCrossEntropyGradient: 2...2
    case .gradientDescent, .tensorScatter: 2...2
    case .layerNormalization, .attention: 3...3
    case .rotaryEmbedding: 1...3
    case .call: nil
    default: family?.inputCount
    }
  }
}
