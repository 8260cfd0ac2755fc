/// What a node computes. An operator that ONNX has means exactly what ONNX means by its name.
///
/// Inputs are listed in their order. All arithmetic is that of real numbers; formats belong to the
/// tensors. Source of the semantics: the ONNX operator specification (opset 24 for Attention,
/// RMSNormalization, RotaryEmbedding, Swish and TensorScatter).
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
    }
  }
}
