import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Element-wise arithmetic on whole tensors: out = f(a) or f(a, b).
///
/// Layout: the tensor is seen as 128 equal runs, one per partition, in transfers of 4 KiB and more
/// per descriptor; what 128 does not divide is done on one partition at the end. fp32 inside.
/// Bound: the DMA, which moves every operand once.
///
/// Parameters in order: a, b (for operations on two tensors), out.
package struct ElementwiseKernel: Kernel {
  /// What is computed.
  package enum Operation: Hashable, Sendable {
    /// a + b: residual connections.
    case add
    case subtract
    case multiply
    /// max(a, 0).
    case relu
    /// b where a > 0, else 0: the gradient of relu at input a, for the gradient b of its output.
    case reluGradient
    /// a · factor.
    case scale(Float)
    /// a in another format.
    case cast
    /// A function of the scalar engine.
    case silu, gelu
    /// silu(a) · b: the gate of a gated layer.
    case siluMultiply
  }

  /// Elements.
  package var count: Int
  /// What is computed.
  package var operation: Operation
  /// Format of a and b.
  package var input: NumberFormat
  /// Format of out.
  package var output: NumberFormat

  /// out = operation of `count` elements.
  package init(
    count: Int, _ operation: Operation, input: NumberFormat = .bfloat16,
    output: NumberFormat? = nil
  ) {
    self.count = count
    self.operation = operation
    self.input = input
    self.output = output ?? input
  }

  package var name: String { "\(operationName) \(count) \(input.name)" }

  private var operationName: String {
    switch operation {
    case .add: "add"
    case .subtract: "subtract"
    case .multiply: "multiply"
    case .relu: "relu"
    case .reluGradient: "relu-gradient"
    case .scale: "scale"
    case .cast: "cast"
    case .silu: "silu"
    case .gelu: "gelu"
    case .siluMultiply: "silu-multiply"
    }
  }

  /// True when the operation reads two tensors.
  package var isBinary: Bool {
    switch operation {
    case .add, .subtract, .multiply, .reluGradient, .siluMultiply: true
    default: false
    }
  }

  package var parameters: [KernelParameter] {
    let shape = FlatTiles.shape(count)
    var list = [KernelParameter("a", shape, input)]
    if isBinary { list.append(KernelParameter("b", shape, input)) }
    list.append(KernelParameter("out", shape, output, .output))
    return list
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    try builder.scope { builder throws(BuilderError) in
      let columns = FlatTiles.columns
      var lefts = try builder.pool("a", buffers: 3, columns, format: input)
      var rights = try builder.pool("b", buffers: isBinary ? 3 : 1, columns, format: input)
      var outputs = try builder.pool("out", buffers: 3, columns, format: output)
      builder.pipelined(FlatTiles.pieces(count)) { builder, piece in
        let a = piece.view(lefts.next())
        builder.load(a, from: piece.access(tensors[0]))
        var b = a
        if isBinary {
          b = piece.view(rights.next())
          builder.load(b, from: piece.access(tensors[1]))
        }
        return (a: a, b: b)
      } compute: { builder, piece, loaded in
        let out = piece.view(outputs.next())
        compute(out, loaded.a, loaded.b, &builder)
        builder.store(piece.access(tensors[tensors.count - 1]), from: out, on: .scalar)
      }
    }
  }

  private func compute(_ out: Tile, _ a: Tile, _ b: Tile, _ builder: inout KernelBuilder) {
    switch operation {
    case .add: builder.tensorTensor(out, a, b, .add)
    case .subtract: builder.tensorTensor(out, a, b, .subtract)
    case .multiply: builder.tensorTensor(out, a, b, .multiply)
    case .relu: builder.tensorScalar(out, a, .max, .immediate(0))
    case .reluGradient:
      builder.scalarTensorTensor(out, a, .greaterThan, .immediate(0), .multiply, b)
    case .scale(let factor): builder.tensorScalar(out, a, .multiply, .immediate(factor))
    case .cast: builder.copy(out, a)
    case .silu: builder.activation(out, .silu, a)
    case .gelu: builder.activation(out, .gelu, a)
    case .siluMultiply:
      builder.activation(a, .silu, a)
      builder.tensorTensor(out, a, b, .multiply)
    }
  }
}
