import InstructionSet
package import KernelBuilder
package import NumericFormats

/// A chain of element-wise operations over tensors that repeat along some axes, fused: every input
/// is read once, every output written once.
///
/// Layout: the axes are joined where all tensors allow it; one lies on partitions and up to three
/// within a partition (`StridedTiling` chooses by estimated time). An input that repeats along an
/// axis within a partition is loaded without it and read with stride 0; one value per partition is
/// a scalar operand; a tile that the next tile needs again stays. fp32 between steps.
/// Engines: functions on the scalar engine, the rest on the vector engine, and those
/// multiplications by constants on the scalar engine that balance the two.
/// Bound: the DMA for short chains, the busier of the two engines for long ones.
///
/// Parameters in order: the inputs, the outputs.
package struct ElementChainKernel: Kernel {
  /// How an input lies in HBM.
  package struct Input: Hashable, Sendable {
    /// Format of its elements.
    package var format: NumberFormat
    /// Elements per axis of the loops; 0 repeats.
    package var strides: [Int]
    /// The element that the loops begin at.
    package var offset: Int
    /// Elements of the whole tensor.
    package var count: Int

    /// An input of any strides.
    package init(format: NumberFormat, strides: [Int], offset: Int = 0, count: Int) {
      self.format = format
      self.strides = strides
      self.offset = offset
      self.count = count
    }

    /// A row-major tensor of `dimensions`, repeated to `shape` by the rule of ONNX: axes aligned
    /// at the end, length 1 repeats.
    package init(format: NumberFormat, _ dimensions: [Int], repeatedTo shape: [Int]) {
      let own = StridedSpace.denseStrides(dimensions)
      var strides = [Int](repeating: 0, count: shape.count)
      for axis in dimensions.indices where dimensions[axis] != 1 {
        strides[shape.count - dimensions.count + axis] = own[axis]
      }
      self.init(format: format, strides: strides, count: dimensions.reduce(1, *))
    }
  }

  /// Lengths of the loops' axes; the outputs' shape.
  package var shape: [Int]
  /// The input tensors.
  package var inputs: [Input]
  /// What is computed.
  package var chain: ElementChain
  /// Format of each output.
  package var outputs: [NumberFormat]
  /// What the chain does, in the kernel's name.
  package var label: String

  /// A chain over `shape`.
  package init(
    _ label: String, shape: [Int], inputs: [Input], chain: ElementChain, outputs: [NumberFormat]
  ) {
    self.label = label
    self.shape = shape
    self.inputs = inputs
    self.chain = chain
    self.outputs = outputs
  }

  package var name: String {
    let format = (outputs.first ?? .float32).name
    return "\(label) \(shape.map(String.init).joined(separator: "x")) \(format)"
  }

  package var parameters: [KernelParameter] {
    let rows = ElementChainPlan(self).outputShape
    return inputs.enumerated().map { KernelParameter("in\($0)", [$1.count], $1.format) }
      + outputs.enumerated().map { KernelParameter("out\($0)", rows, $1, .output) }
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard !outputs.isEmpty, chain.outputs.count == outputs.count,
      shape.allSatisfy({ $0 > 0 }), inputs.allSatisfy({ $0.strides.count == shape.count })
    else {
      throw unsupported("an empty or ill-formed chain", allowed: "at least one element and output")
    }
    for tiling in ElementChainPlan(self).tilings {
      try builder.scope { builder throws(BuilderError) in
        var emitter = try ElementChainEmitter(self, tiling, tensors, &builder)
        emitter.emit(into: &builder)
      }
    }
  }
}

/// How a chain's loops are cut.
struct ElementChainPlan {
  /// One tiling, and one for what its split leaves.
  let tilings: [StridedTiling]
  /// The shape under which outputs are declared: rows as far apart as partitions are, so that the
  /// parts of different tiles are seen to lie apart.
  let outputShape: [Int]

  /// Bytes per partition that a tile's buffers may take.
  private static let budgetBytes = 150 << 10
  private static let mostColumns = 2048

  init(_ kernel: ElementChainKernel) {
    let dense = StridedSpace.denseStrides(kernel.shape)
    let space = StridedSpace(
      sizes: kernel.shape,
      strides: kernel.inputs.map(\.strides) + kernel.outputs.map { _ in dense },
      offsets: kernel.inputs.map(\.offset) + kernel.outputs.map { _ in 0 })
    let sizes = kernel.inputs.map(\.format.sizeBytes) + kernel.outputs.map(\.sizeBytes)
    let schedule = ElementSchedule(kernel.chain, isColumn: kernel.inputs.map { _ in false })
    let perColumn =
      ElementChainEmitter.buffers * sizes.reduce(0, +) + 4 * (schedule.registerCount + 1)
      * ElementChainEmitter.registerSets
    let limit = max(32, min(Self.mostColumns, Self.budgetBytes / perColumn / 32 * 32))
    tilings = StridedTiling.best(
      space, sizesBytes: sizes, passes: max(1, schedule.instructions.count), columnLimit: limit)
    let total = space.count
    let pitch = tilings.first.map { $0.space.strides[kernel.inputs.count][$0.partitionAxis] } ?? 1
    outputShape = pitch > 1 && total % pitch == 0 ? [total / pitch, pitch] : [total]
  }
}
