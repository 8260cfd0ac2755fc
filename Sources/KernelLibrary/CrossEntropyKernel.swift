import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Mean cross-entropy of logits against target classes, and its gradient:
/// loss = mean over rows of (log Σ exp(x) − x[target]); gradient = (softmax(x) − onehot) / rows.
///
/// Layout: rows on partitions. Classes are walked in chunks that fit SBUF, with a running maximum
/// and a running sum that is rescaled when the maximum grows; with more than one chunk the logits
/// are read a second time for the gradient, which is one pass of the scalar engine:
/// exp(x − log(rows · Σ exp)). The single elements at the targets are fetched and corrected by
/// gathers and scatters. The sum of the losses over partitions is a product with a column of
/// 1 / rows. Targets must be smaller than classes.
/// Bound: the DMA (the logits twice, the gradient once) and the scalar engine (two passes).
///
/// Parameters in order: logits [rows, classes], target [rows, 1] int32, loss [1, 1] fp32,
/// gradient [rows, classes].
package struct CrossEntropyKernel: Kernel {
  /// Rows.
  package var rows: Int
  /// Classes: at most 2¹⁷.
  package var classes: Int
  /// Format of logits.
  package var format: NumberFormat
  /// Format of the gradient.
  package var gradient: NumberFormat
  /// Classes that are handled at a time.
  package var chunk = 4096

  /// The loss of [rows, classes] logits.
  package init(
    rows: Int, classes: Int, format: NumberFormat = .bfloat16, gradient: NumberFormat? = nil
  ) {
    self.rows = rows
    self.classes = classes
    self.format = format
    self.gradient = gradient ?? format
  }

  package var name: String { "cross-entropy \(rows)x\(classes) \(format.name)" }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("logits", [rows, classes], format),
      KernelParameter("target", [rows, 1], .int32),
      KernelParameter("loss", [1, 1], .float32, .output),
      KernelParameter("gradient", [rows, classes], gradient, .output),
    ]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard classes <= 1 << 17 else {
      throw unsupported("\(classes) classes", allowed: "at most 131,072")
    }
    try builder.scope { builder throws(BuilderError) in
      var emitter = try CrossEntropyEmitter(self, tensors, &builder)
      emitter.emit(into: &builder)
    }
  }
}
