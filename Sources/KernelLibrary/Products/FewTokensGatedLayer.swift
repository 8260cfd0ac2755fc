import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Emits the gated feed-forward layer for few tokens.
///
/// All three weights are the stationary operand (`StationaryStream`). hᵀ [F, T] comes out of PSUM
/// in the layout in which the last product wants it: silu and the product with `up` are one
/// instruction each. outᵀ [D, T] is turned at the end (`TurnedSums`).
struct FewTokensGatedLayer {
  private let kernel: SwiGLUKernel
  private let tensors: [TensorHandle]

  init(_ kernel: SwiGLUKernel, _ tensors: [TensorHandle]) {
    self.kernel = kernel
    self.tensors = tensors
  }

  /// True for a layer that gains.
  static func fits(_ kernel: SwiGLUKernel) -> Bool {
    kernel.tokens <= TurnedSums.mostRows && kernel.width / 128 <= TurnedSums.mostTiles
      && StationaryStream.banks(rows: kernel.tokens, tiles: kernel.width / 128) != nil
      && StationaryStream.holds(
        rows: kernel.tokens, tiles: (kernel.width + kernel.hidden) / 128)
      && kernel.width % 128 == 0 && kernel.hidden % 128 == 0 && kernel.format.sizeBytes == 2
      && (kernel.weightFormat.sizeBytes == 1 || kernel.weightFormat == kernel.format)
  }

  func emit(into builder: inout KernelBuilder) throws(BuilderError) {
    let rows = kernel.tokens
    let (dTiles, fTiles) = (kernel.width / 128, kernel.hidden / 128)
    let firstOfNorm = kernel.hasResidual ? 5 : 4
    var norm: RowNormOperands?
    if let taken = kernel.norm {
      let inputs = taken.inputs(rows: rows, depth: kernel.width, kernel.format)
      norm = RowNormOperands(taken, tensors[firstOfNorm..<firstOfNorm + inputs.count])
      if taken.hasAddend { norm?.sum = tensors[firstOfNorm + inputs.count] }
    }
    let x = try FewRows(
      tensors[0], layout: kernel.layout, rows: rows, depth: kernel.width, norm: norm, &builder)
    let h = try builder.tile("hidden", fTiles, rows, format: kernel.format)
    // As many hidden columns at once as have room for their sums.
    let count = ceilDivide(fTiles, StationaryStream.mostTiles(rows: rows))
    let parts = pieces(fTiles, ceilDivide(fTiles, count))
    var gates = try builder.pool(
      "gate", buffers: min(2, parts.count), parts[0].count * rows, format: .float32)
    var turned = try TurnedSums(rows: rows, tiles: dTiles, format: kernel.format, &builder)
    let most = max(dTiles, parts[0].count)
    let each = StationaryStream.banks(rows: rows, tiles: most) ?? 1
    var banks = try builder.banks(
      "sums", buffers: max(1, min(4, builder.freeBanks / each)), banksPerBuffer: each)
    var stream = try StationaryStream(weights(parts), kernel.weightFormat, &builder)
    for part in parts {
      let gate = gates.next().columns(0..<part.count * rows)
      let gateSums = banks.next(columns: part.count * rows)
      stream.multiply(rows: rows, into: gateSums, &builder) { x.tile($0) }
      builder.activation(gate, .silu, gateSums)
      let upSums = banks.next(columns: part.count * rows)
      stream.multiply(rows: rows, into: upSums, &builder) { x.tile($0) }
      let flat = h.viewed(
        offset: part.lowerBound * rows, sizes: [part.count * rows], strides: [1])
      builder.tensorTensor(flat, upSums, gate, .multiply)
    }
    let sums = banks.next(columns: dTiles * rows)
    stream.multiply(rows: rows, into: sums, &builder) { h.block($0).columns(0..<rows) }
    try turned.store(
      sums, EvenCut(kernel.width), to: tensors[tensors.count - 1],
      TurnedSums.Finish(residual: kernel.hasResidual ? tensors[4] : nil), over: &banks, &builder)
  }

  /// The weights in the order in which they are met: gate and up of each part of the hidden
  /// columns, given in tiles, then all of down.
  private func weights(_ parts: [Range<Int>]) -> [StationaryStream.Weights] {
    let (dTiles, fTiles) = (kernel.width / 128, kernel.hidden / 128)
    let halves = parts.flatMap { part in
      [1, 2].map { tensor in
        StationaryStream.Weights(
          loader: ContractionLoader(
            tensor: tensors[tensor], layout: .contractionRows, contraction: kernel.width,
            isPartitionMajor: true, firstColumn: part.lowerBound * 128),
          tiles: dTiles, columns: part.count * 128)
      }
    }
    // The rows of down are hidden columns: tile after tile, as they were computed.
    let down = StationaryStream.Weights(
      loader: ContractionLoader(
        tensor: tensors[3], layout: .contractionRows, contraction: kernel.hidden,
        isPartitionMajor: false), tiles: fTiles, columns: kernel.width)
    return halves + [down]
  }
}
