import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Emits the gated feed-forward layer for few tokens and weights of one byte.
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
    let tiles = max(kernel.width, kernel.hidden) / 128
    return kernel.tokens <= TurnedSums.mostRows && kernel.width / 128 <= TurnedSums.mostTiles
      && StationaryStream.banks(rows: kernel.tokens, tiles: tiles) != nil
      && kernel.width % 128 == 0 && kernel.hidden % 128 == 0
      && kernel.weightFormat.sizeBytes == 1 && kernel.format.sizeBytes == 2
  }

  func emit(into builder: inout KernelBuilder) throws(BuilderError) {
    let rows = kernel.tokens
    let (dTiles, fTiles) = (kernel.width / 128, kernel.hidden / 128)
    let inputs = ContractionLoader(
      tensor: tensors[0], layout: kernel.layout, contraction: kernel.width,
      isPartitionMajor: true, isStrided: kernel.layout == .contractionColumns)
    let x = try builder.tile("x", dTiles, rows, format: kernel.format)
    inputs.load(x, 0..<dTiles, 0..<rows, on: .scalar, &builder)
    let h = try builder.tile("hidden", fTiles, rows, format: kernel.format)
    let gate = try builder.tile("gate", fTiles * rows, format: .float32)
    var turned = try TurnedSums(rows: rows, tiles: dTiles, format: kernel.format, &builder)
    var banks = try builder.banks(
      "sums", buffers: 4,
      banksPerBuffer: StationaryStream.banks(rows: rows, tiles: max(dTiles, fTiles)) ?? 1)
    var stream = try StationaryStream(
      [(1, dTiles, kernel.hidden), (2, dTiles, kernel.hidden), (3, fTiles, kernel.width)].map {
        tensor, tiles, columns in
        // Wd's rows are F, whose tiles lie in the order in which they were computed.
        StationaryStream.Weights(
          loader: ContractionLoader(
            tensor: tensors[tensor], layout: .contractionRows, contraction: tiles * 128,
            isPartitionMajor: tensor != 3), tiles: tiles, columns: columns)
      }, kernel.weightFormat, &builder)
    let flat = h.viewed(sizes: [fTiles * rows], strides: [1])
    let gateSums = banks.next(columns: fTiles * rows)
    stream.multiply(rows: rows, into: gateSums, &builder) { inputs.tile(x, $0, 0..<rows) }
    builder.activation(gate, .silu, gateSums)
    let upSums = banks.next(columns: fTiles * rows)
    stream.multiply(rows: rows, into: upSums, &builder) { inputs.tile(x, $0, 0..<rows) }
    builder.tensorTensor(flat, upSums, gate, .multiply)
    let sums = banks.next(columns: dTiles * rows)
    stream.multiply(rows: rows, into: sums, &builder) { h.block($0).columns(0..<rows) }
    turned.store(
      sums, tiles: dTiles, rows: rows, to: tensors[tensors.count - 1],
      adding: kernel.hasResidual ? tensors[4] : nil, over: &banks, &builder)
  }
}
