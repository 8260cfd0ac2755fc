package import Hardware
package import InstructionSet
package import KernelBuilder
package import NumericFormats

/// One HBM tensor of a kernel: what a caller has to bind, in order.
package struct KernelParameter: Hashable, Sendable {
  /// What the kernel does with the tensor.
  package enum Role: Hashable, Sendable { case input, output, inOut }

  /// The name in reports.
  package var name: String
  /// Elements per dimension, row-major. A caller may bind any tensor of as many bytes.
  package var shape: [Int]
  /// How each element is stored.
  package var format: NumberFormat
  /// What the kernel does with it.
  package var role: Role

  /// A parameter.
  package init(_ name: String, _ shape: [Int], _ format: NumberFormat, _ role: Role = .input) {
    self.name = name
    self.shape = shape
    self.format = format
    self.role = role
  }
}

/// A device kernel for given shapes: it names its tensors and emits its instructions.
///
/// A kernel is a value: equal kernels give equal segments, so that a caller builds each only once.
package protocol Kernel: Hashable, Sendable {
  /// The kernel's name with its shape.
  var name: String { get }
  /// Its tensors in the order in which an invocation binds them.
  var parameters: [KernelParameter] { get }
  /// True when its time is that of bringing its weights: then it is worth half of SBUF to bring the
  /// first of them beside the kernel before it.
  var streamsWeights: Bool { get }
  /// Emits the kernel; `tensors` are the handles of `parameters`.
  func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle]) throws(BuilderError)
}

extension Kernel {
  /// Most kernels compute on what the one before left.
  package var streamsWeights: Bool { false }

  /// The kernel as a segment of its own, in all of SBUF or in one half of it.
  ///
  /// - Throws: `BuilderError` when the shape does not fit the device.
  package func segment(on device: Device, layer: String = "", half: MemoryHalf? = nil)
    throws(BuilderError) -> Segment
  {
    var builder = KernelBuilder(name: name, device: device, half: half)
    builder.layer = layer
    let tensors = parameters.map { builder.tensor($0.name, $0.shape, $0.format) }
    try emit(into: &builder, tensors)
    return try builder.finish()
  }

  /// An error of this kernel.
  func unsupported(_ what: String, allowed: String) -> BuilderError {
    .unsupported(kernel: name, what: what, allowed: allowed)
  }

  /// Throws `unsupported` on a core that does not multiply microscaled formats.
  func requireMicroscaledProducts(_ device: Device) throws(BuilderError) {
    guard device.tensor.quadRowRows.value > 0 else {
      throw unsupported(
        "microscaled products on \(device.name)",
        allowed: "NeuronCore-v4 and later (trn3), or weights of 16 bits")
    }
  }
}

/// `total` cut into pieces of at most `size`.
func pieces(_ total: Int, _ size: Int) -> [Range<Int>] {
  stride(from: 0, to: total, by: size).map { $0..<min($0 + size, total) }
}

/// a / b rounded up.
func ceilDivide(_ a: Int, _ b: Int) -> Int { (a + b - 1) / b }
