import Hardware
import InstructionSet
import KernelBuilder
import KernelLibrary
import NumericFormats
import TerminalUI

/// The device kernels, each with one example built for a device.
enum KernelListing {
  /// One kernel of the library.
  private struct Entry {
    var name: String
    var purpose: String
    var example: any Kernel
  }

  private static let entries: [Entry] = [
    Entry(
      name: "matmul", purpose: "out = lhs x rhs, with scale, bias, activation and residual",
      example: MatmulKernel(m: 512, k: 512, n: 512)),
    Entry(
      name: "attention", purpose: "softmax(scale x Q x Kt) x V per head, scores never stored",
      example: AttentionKernel(queries: 128, keys: 512, heads: 1)),
    Entry(
      name: "swiglu", purpose: "gated feed-forward: (silu(x Wg) x (x Wu)) Wd, fused",
      example: SwiGLUKernel(tokens: 128, width: 256, hidden: 512)),
    Entry(
      name: "softmax", purpose: "softmax over each row",
      example: SoftmaxKernel(rows: 128, columns: 512)),
    Entry(
      name: "rms-norm", purpose: "root-mean-square normalisation of each row",
      example: RMSNormKernel(rows: 128, columns: 512)),
    Entry(
      name: "layer-norm", purpose: "normalisation of each row to mean and variance",
      example: LayerNormKernel(rows: 128, columns: 512)),
    Entry(
      name: "rotary", purpose: "rotary position embedding, half-rotation form",
      example: RotaryKernel(tokens: 128, heads: 2, size: 128, layout: .rowMajor)),
    Entry(
      name: "embedding", purpose: "rows of a table, picked by index",
      example: EmbeddingKernel(count: 128, rows: 1_024, columns: 512)),
    Entry(
      name: "elementwise", purpose: "arithmetic on whole tensors",
      example: ElementwiseKernel(count: 65_536, .add)),
    Entry(
      name: "cross-entropy", purpose: "mean cross-entropy of logits, and its gradient",
      example: CrossEntropyKernel(rows: 128, classes: 512)),
    Entry(
      name: "bias-gradient", purpose: "sum over rows, for the gradient of a bias",
      example: BiasGradientKernel(rows: 128, columns: 512)),
    Entry(
      name: "sgd", purpose: "gradient descent with fp32 master weights",
      example: SGDKernel(count: 65_536, rate: 0.01)),
  ]

  /// Every kernel; one that cannot be built for the device is named and the others listed.
  static func kernels(on device: Device) -> Listing {
    var listing = Listing(
      table: Table(columns: [
        .text("name", title: "kernel", minimumWidth: nil), .text("purpose", minimumWidth: 24),
        .text("example", priority: 1, minimumWidth: 16), Column("instructions"),
        .text("tensors", priority: 2, minimumWidth: 24),
      ]))
    for entry in entries {
      do {
        let segment = try entry.example.segment(on: device)
        listing.table.append([
          .text(entry.name), .text(entry.purpose), .text(entry.example.name),
          .integer(Int64(segment.instructions.count)), .text(tensors(entry.example)),
        ])
      } catch {
        listing.failures.append(error)
      }
    }
    listing.table.footnotes = ["instructions of the example on \(device.name)"]
    return listing
  }

  /// `lhs bf16 [512, 512], …, out bf16 [512, 512]`
  private static func tensors(_ kernel: any Kernel) -> String {
    kernel.parameters.map { parameter in
      let shape = parameter.shape.map { "\($0)" }.joined(separator: ", ")
      return "\(parameter.name) \(parameter.format.name) [\(shape)]"
    }.joined(separator: ", ")
  }
}
