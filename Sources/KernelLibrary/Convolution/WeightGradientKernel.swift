import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// The gradient of a convolution in its weights: dW [i, o, tap] = Σ X [i, n, what the tap of place
/// p sees] · dY [o, n, p] over images n and places p.
///
/// The sum runs over places, so places lie on partitions: up to 128 of them are turned at a time,
/// dY as it is and X once for each tap, whose view of X in SBUF is the same with another start. A
/// tap that sees beyond an edge reads something else there, which a mask sets to zero when the
/// turned X leaves PSUM. dW gathers in PSUM as [inputs, outputs] of some taps and inputs at a time;
/// what does not fit takes another pass over X and dY. Bound: the tensor engine, of whose time the
/// turning takes about half.
///
/// Layouts: X [inputs, images, rows, columns] or images first, dY [outputs, images, rows',
/// columns'], dW [inputs, outputs, taps] fp32. Parameters in order: X, dY, dW.
package struct WeightGradientKernel: Kernel {
  /// Images.
  package var images: Int
  /// Channels of X.
  package var inputs: Int
  /// Channels of dY.
  package var outputs: Int
  /// The convolution's window along rows.
  package var rows: WindowAxis
  /// The convolution's window along columns: at most 128 places.
  package var columns: WindowAxis
  /// How X is stored.
  package var layout: ConvolutionKernel.ActivationLayout
  /// Format of X and dY, of two bytes.
  package var format: NumberFormat

  /// A gradient of these lengths.
  package init(
    images: Int, inputs: Int, outputs: Int, rows: WindowAxis, columns: WindowAxis,
    layout: ConvolutionKernel.ActivationLayout, format: NumberFormat
  ) {
    self.images = images
    self.inputs = inputs
    self.outputs = outputs
    self.rows = rows
    self.columns = columns
    self.layout = layout
    self.format = format
  }

  package var name: String {
    "weight-gradient \(images)x\(inputs)->\(outputs) \(rows.text)x\(columns.text) \(format.name)"
  }

  /// Taps of the window.
  var taps: Int { rows.kernel * columns.kernel }

  package var parameters: [KernelParameter] {
    let seen = layout == .channelsFirst ? [inputs, images] : [images, inputs]
    return [
      KernelParameter("x", seen + [rows.size * columns.size], format),
      KernelParameter("dy", [outputs, images, rows.output * columns.output], format),
      KernelParameter("dw", [inputs, outputs * taps], .float32, .output),
    ]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard format.sizeBytes == 2, (1...128).contains(columns.output), rows.output > 0, images > 0
    else {
      throw unsupported(
        "\(columns.output) places a row of \(format.name)",
        allowed: "1 to 128 places of two-byte elements")
    }
    try builder.scope { builder throws(BuilderError) in
      var emitter = try WeightGradientEmitter(self, tensors, &builder)
      try emitter.emit(&builder)
    }
  }
}
