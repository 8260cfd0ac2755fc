import CoreState
import Hardware
package import KernelBuilder
package import NumericFormats

/// Moves elements between tensors without changing them: transposes, slices, joins, cuts, padding,
/// repetition. Every piece is a box of elements with strides on both sides.
///
/// A piece whose runs are contiguous on both sides is one transfer within HBM for up to four axes.
/// Where another axis is contiguous on either side, blocks of [128, 2048] elements are transposed
/// by the DMA on the way into SBUF (elements of two and four bytes). A constant comes from a column
/// in SBUF that is read again and again.
/// Bound: the DMA, which reads and writes every element once; short runs cost a descriptor each.
///
/// Parameters in order: the inputs, the outputs.
package struct MoveKernel: Kernel {
  /// A tensor by its size.
  package struct Operand: Hashable, Sendable {
    /// Elements in all.
    package var count: Int
    /// How each element is stored.
    package var format: NumberFormat

    /// A tensor of so many elements.
    package init(count: Int, format: NumberFormat) {
      self.count = count
      self.format = format
    }
  }

  /// Where a piece's elements come from.
  package enum Source: Hashable, Sendable {
    /// An input by its number.
    case input(Int)
    /// The same number for all.
    case constant(Float)
  }

  /// A box of elements.
  package struct Piece: Hashable, Sendable {
    /// Where they come from.
    package var source: Source
    /// The output that they go to, by its number.
    package var output: Int
    /// Elements per axis.
    package var sizes: [Int]
    /// Elements of the source from one index of each axis to the next.
    package var sourceStrides: [Int]
    /// The first element of the source.
    package var sourceOffset: Int
    /// Elements of the output from one index of each axis to the next.
    package var outputStrides: [Int]
    /// The first element of the output.
    package var outputOffset: Int

    /// A box of elements.
    package init(
      _ source: Source, sizes: [Int], from sourceStrides: [Int], at sourceOffset: Int = 0,
      output: Int = 0, to outputStrides: [Int], atOutput outputOffset: Int = 0
    ) {
      self.source = source
      self.output = output
      self.sizes = sizes
      self.sourceStrides = sourceStrides
      self.sourceOffset = sourceOffset
      self.outputStrides = outputStrides
      self.outputOffset = outputOffset
    }
  }

  /// What moves, in the kernel's name.
  package var label: String
  /// The tensors that are read.
  package var inputs: [Operand]
  /// The tensors that are written; of the format of what they receive.
  package var outputs: [Operand]
  /// What moves, in order; later pieces may write over earlier ones.
  package var pieces: [Piece]

  /// A list of moves.
  package init(_ label: String, inputs: [Operand], outputs: [Operand], pieces: [Piece]) {
    self.label = label
    self.inputs = inputs
    self.outputs = outputs
    self.pieces = pieces
  }

  package var name: String {
    let count = outputs.reduce(0) { $0 + $1.count }
    return "\(label) \(count) \((outputs.first?.format ?? .float32).name)"
  }

  package var parameters: [KernelParameter] {
    inputs.enumerated().map { KernelParameter("in\($0)", [$1.count], $1.format) }
      + outputs.enumerated().map {
        KernelParameter("out\($0)", outputShape($0), $1.format, .output)
      }
  }

  /// Rows as long as the longest stride that all pieces agree on, so that pieces beside each other
  /// are seen to lie apart.
  private func outputShape(_ index: Int) -> [Int] {
    let count = outputs[index].count
    let strides = pieces.filter { $0.output == index }.flatMap { piece in
      zip(piece.sizes, piece.outputStrides).filter { $0.0 > 1 }.map { abs($0.1) }
    }
    guard let row = strides.max(), row > 1, count % row == 0 else { return [count] }
    return [count / row, row]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard outputs.allSatisfy({ $0.count > 0 }) else {
      throw unsupported("an empty tensor", allowed: "at least one element")
    }
    try builder.scope { builder throws(BuilderError) in
      var emitter = MoveEmitter(self, tensors)
      for piece in pieces where piece.sizes.allSatisfy({ $0 > 0 }) {
        try emitter.emit(piece, into: &builder)
      }
    }
  }
}
