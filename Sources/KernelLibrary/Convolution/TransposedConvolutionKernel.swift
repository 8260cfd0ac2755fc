import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Transposed convolution whose stride is its window: every input place becomes a block of output
/// places of its own (an upsampling by learned weights).
///
/// Layout: activations [channels, planes, rows, columns], channels on partitions; each tap is a
/// product of the weights of that tap with the input as it lies, and leaves PSUM through an access
/// pattern that steps by the stride, so that a block of the result is whole in SBUF before it is
/// stored. Planes of a batch and of a volume follow each other alike.
/// Bound: the DMA, which writes taps times as much as it reads.
///
/// Parameters in order: x [inputs, planes, rows, columns], weights [inputs, taps, outputs], bias
/// fp32 [outputs, 1] (if any), out [outputs, planes · s, rows · s, columns · s].
package struct TransposedConvolutionKernel: Kernel {
  /// Channels of x.
  package var inputs: Int
  /// Channels of out.
  package var outputs: Int
  /// Planes of x: images × slices.
  package var planes: Int
  /// Rows of a plane of x.
  package var rows: Int
  /// Columns of a row of x.
  package var columns: Int
  /// The window, and stride, along each axis.
  package var window: [Int]
  /// Adds a value per output channel.
  package var hasBias = false
  /// Format of x, weights and out.
  package var format: NumberFormat

  /// An upsampling with a window of three entries: planes, rows, columns.
  package init(
    inputs: Int, outputs: Int, planes: Int, rows: Int, columns: Int, window: [Int],
    format: NumberFormat = .bfloat16
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.planes = planes
    self.rows = rows
    self.columns = columns
    self.window = window
    self.format = format
  }

  package var name: String {
    "transposed-convolution \(inputs)->\(outputs) \(planes)x\(rows)x\(columns) by "
      + window.map(String.init).joined(separator: "x") + " \(format.name)"
  }

  private var taps: Int { window.reduce(1, *) }

  package var parameters: [KernelParameter] {
    var list = [
      KernelParameter("x", [inputs, planes, rows, columns], format),
      KernelParameter("weights", [inputs, taps, outputs], format),
    ]
    if hasBias { list.append(KernelParameter("bias", [outputs, 1], .float32)) }
    list.append(
      KernelParameter(
        "out", [outputs, planes * window[0], rows * window[1], columns * window[2]], format,
        .output))
    return list
  }

  /// Rows of one plane: what one product takes.
  private struct Item: Hashable {
    var plane: Int
    var rows: Range<Int>
  }

  /// Operands in SBUF, a tile per tile of input channels.
  private struct Operands {
    var weights: [Tile]
    var bias: Tile?
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard window.count == 3, taps > 0, inputs > 0, outputs > 0, planes > 0, rows > 0,
      (1...512).contains(columns)
    else {
      throw unsupported(
        "rows of \(columns)", allowed: "rows of 1 to 512 places and a window of three axes")
    }
    try builder.scope { builder throws(BuilderError) in
      let inputTiles = pieces(inputs, 128)
      let perItem = 512 / columns
      let items = (0..<planes).flatMap { plane in
        pieces(rows, perItem).map { Item(plane: plane, rows: $0) }
      }
      let places = min(rows, perItem) * columns
      var inputPool = try builder.pool(
        "x", buffers: 3, inputTiles.count, places, format: format)
      var outputs = try builder.pool("out", buffers: 3, places * taps, format: format)
      var banks = try builder.banks("product", buffers: builder.freeBanks)
      for channels in pieces(self.outputs, 128) {
        try builder.scope { builder throws(BuilderError) in
          let operands = try load(channels, tensors, &builder)
          builder.pipelined(items) { builder, item in
            load(item, inputPool.next(), tensors[0], &builder)
          } compute: { builder, item, x in
            let out = outputs.next()[
              0..<channels.count, 0..<item.rows.count * columns * taps]
            upsample(item, x, operands, channels.count, out, &banks, &builder)
            builder.store(access(tensors[tensors.count - 1], channels, item), from: out)
          }
        }
      }
    }
  }

  private func load(
    _ channels: Range<Int>, _ tensors: [TensorHandle], _ builder: inout KernelBuilder
  ) throws(BuilderError) -> Operands {
    var weights: [Tile] = []
    for (index, inputs) in pieces(inputs, 128).enumerated() {
      let tile = try builder.tile(
        "weights \(index)", partitions: inputs.count, taps, channels.count, format: format)
      builder.load(
        tile,
        from: tensors[1].access(
          offset: inputs.lowerBound * taps * outputs + channels.lowerBound,
          sizes: [inputs.count, taps, channels.count], strides: [taps * outputs, outputs, 1]),
        on: .scalar)
      weights.append(tile)
    }
    guard hasBias else { return Operands(weights: weights, bias: nil) }
    let bias = try builder.tile("bias", partitions: channels.count, 1, format: .float32)
    builder.load(bias, from: tensors[2].rows(channels), on: .scalar)
    return Operands(weights: weights, bias: bias)
  }

  private func load(
    _ item: Item, _ tile: Tile, _ tensor: TensorHandle, _ builder: inout KernelBuilder
  ) -> [Tile] {
    let count = item.rows.count * columns
    return pieces(inputs, 128).enumerated().map { index, channels in
      let part = tile.block(index)[0..<channels.count, 0..<count]
      builder.load(
        part,
        from: tensor.access(
          offset: ((channels.lowerBound * planes + item.plane) * rows + item.rows.lowerBound)
            * columns, sizes: [channels.count, count], strides: [planes * rows * columns, 1]))
      return part
    }
  }

  /// Rows of the planes that an item becomes.
  private func access(_ tensor: TensorHandle, _ channels: Range<Int>, _ item: Item) -> TensorAccess
  {
    let (height, width) = (rows * window[1], columns * window[2])
    let plane = height * width
    return tensor.access(
      offset: (channels.lowerBound * planes + item.plane) * window[0] * plane
        + item.rows.lowerBound * window[1] * width,
      sizes: [channels.count, window[0], item.rows.count * window[1] * width],
      strides: [planes * window[0] * plane, plane, 1])
  }

  private func upsample(
    _ item: Item, _ x: [Tile], _ operands: Operands, _ channels: Int, _ out: Tile,
    _ banks: inout BankPool, _ builder: inout KernelBuilder
  ) {
    let width = columns * window[2]
    let height = item.rows.count * window[1]
    for tap in 0..<taps {
      let bank = banks.next(partitions: channels, columns: item.rows.count * columns)
      for (index, input) in x.enumerated() {
        builder.matmul(
          bank, stationary: operands.weights[index].block(tap), moving: input,
          accumulates: index > 0)
      }
      let (a, b, c) = (
        tap / (window[1] * window[2]), tap / window[2] % window[1], tap % window[2]
      )
      let target = out.viewed(
        offset: (a * height + b) * width + c, sizes: [item.rows.count, columns],
        strides: [item.rows.count > 1 ? window[1] * width : 0, window[2]])
      if let bias = operands.bias {
        tap % 2 == 0
          ? builder.activation(target, .identity, bank, bias: bias.pointer)
          : builder.tensorScalar(target, bank, .add, bias.pointer)
      } else {
        builder.copy(target, bank, on: tap % 2 == 0 ? .scalar : .vector)
      }
    }
  }
}
