import Hardware
package import InstructionSet
package import KernelBuilder
package import NumericFormats

/// A reduction over the middle of three axes: out [outer, inner] = join over r of x [outer, r,
/// inner].
///
/// Layouts, by what there is most of: outer rows on partitions, several per partition when they are
/// short; or parts of inner on partitions; or, where little is left over, parts of the reduced
/// axis, whose results the tensor engine turns onto one partition each to be joined. fp32 inside.
/// Engines: the vector engine reduces, the scalar engine squares or takes magnitudes before it.
/// Bound: the DMA or the vector engine, which both see every element once.
///
/// Parameters in order: x [outer, reduced, inner], out [outer, inner].
package struct ReduceKernel: Kernel {
  /// How elements are joined.
  package enum Join: Hashable, Sendable {
    case sum, product, maximum, minimum

    var operation: ALUOperation {
      switch self {
      case .sum: .add
      case .product: .multiply
      case .maximum: .max
      case .minimum: .min
      }
    }

    var text: String {
      switch self {
      case .sum: "sum"
      case .product: "product"
      case .maximum: "max"
      case .minimum: "min"
      }
    }
  }

  /// Rows before the reduced axis.
  package var outer: Int
  /// Elements that are joined.
  package var reduced: Int
  /// Elements behind the reduced axis.
  package var inner: Int
  /// How they are joined.
  package var join: Join
  /// Is applied to each element first: square, abs, or nothing.
  package var first: ActivationFunction?
  /// Multiplies the result.
  package var scale: Float = 1
  /// Is applied to the scaled result: sqrt, log, rsqrt, or nothing.
  package var last: ActivationFunction?
  /// Format of x.
  package var input: NumberFormat
  /// Format of out.
  package var output: NumberFormat

  /// The reduction of a [outer, reduced, inner] tensor.
  package init(
    outer: Int, reduced: Int, inner: Int, _ join: Join, input: NumberFormat,
    output: NumberFormat
  ) {
    self.outer = outer
    self.reduced = reduced
    self.inner = inner
    self.join = join
    self.input = input
    self.output = output
  }

  package var name: String {
    let before = first.map { "\($0.text)-" } ?? ""
    let after = last.map { "-\($0.text)" } ?? ""
    return "reduce-\(before)\(join.text)\(after) \(outer)x\(reduced)x\(inner) \(input.name)"
  }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("x", [outer * reduced, inner], input),
      KernelParameter("out", [outer, inner], output, .output),
    ]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard outer > 0, reduced > 0, inner > 0 else {
      throw unsupported("an empty reduction", allowed: "axes of at least 1")
    }
    try builder.scope { builder throws(BuilderError) in
      var emitter = try ReduceEmitter(self, tensors, &builder)
      try emitter.emit(into: &builder)
    }
  }
}
