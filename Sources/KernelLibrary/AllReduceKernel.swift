import Hardware
package import KernelBuilder
package import NumericFormats

/// The sum over the cores that hold parts of a model: out = Σ over the ranks of part, in HBM.
///
/// One collective, started by the sync engine; the cores that run collectives move and add the
/// bytes. Bound: the collective's start for a token's activations, the links for a prompt's.
///
/// Parameters in order: part, out.
package struct AllReduceKernel: Kernel {
  /// Elements that each rank contributes.
  package var count: Int
  /// Cores that take part; which ones, the program of the chip says.
  package var ranks: Int
  /// Format of part and out.
  package var format: NumberFormat

  /// A sum of `count` elements over `ranks` cores.
  package init(count: Int, ranks: Int, format: NumberFormat = .bfloat16) {
    self.count = count
    self.ranks = ranks
    self.format = format
  }

  package var name: String { "all-reduce \(count) over \(ranks) \(format.name)" }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("part", [1, count], format),
      KernelParameter("out", [1, count], format, .output),
    ]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard count > 0, ranks > 1 else {
      throw unsupported(
        "\(count) elements over \(ranks) ranks", allowed: "elements, and ranks to add them over")
    }
    builder.allReduce(tensors[1].rows(0..<1), from: tensors[0].rows(0..<1))
  }
}
