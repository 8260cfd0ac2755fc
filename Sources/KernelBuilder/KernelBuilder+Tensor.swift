import CoreState
import Hardware
package import NumericFormats

import InstructionSet

extension KernelBuilder {
  /// nc_matmul: destination [M, N] in PSUM (=|+=) stationaryᵀ [K, M] · moving [K, N].
  ///
  /// - Parameters:
  ///   - accumulates: adds to the destination; the first product of a sum overwrites.
  ///   - loadsWeights: false when the stationary tile is the one of the product before.
  ///   - isDoubleRow: fp8 on NeuronCore-v3 and later: both operands have two rows of K per
  ///     partition, [K, 2, M] and [K, 2, N], in the time of one.
  package mutating func matmul(
    _ destination: Tile, stationary: Tile, moving: Tile, accumulates: Bool = false,
    loadsWeights: Bool = true, isDoubleRow: Bool = false, file: String = #fileID,
    line: UInt = #line
  ) {
    var operations: [Operation] = []
    let product = NcMatmul(
      destination.access, stationary: stationary.access, moving: moving.access,
      accumulate: accumulates, loadsWeights: loadsWeights, isDoubleRow: isDoubleRow)
    do { try product.validate() } catch {
      if failure == nil { failure = .illegalOperands(kernel: name, fault: error) }
    }
    product.expand(into: &operations)
    appendTensor(operations, site: site(file, line))
  }

  /// How a transpose leaves elements in PSUM: as they are, before NeuronCore-v3 as fp32.
  package func turnedFormat(_ format: NumberFormat) -> NumberFormat {
    device.tensor.transposeIsExact.value ? format : .float32
  }

  /// nc_transpose on the tensor engine: destination [F, P] in PSUM = dataᵀ [P, F], in
  /// `turnedFormat`.
  ///
  /// - Parameter identity: an identity matrix [P, P] of the data's format in SBUF.
  package mutating func transpose(
    _ destination: Tile, _ data: Tile, identity: Tile, file: String = #fileID,
    line: UInt = #line
  ) {
    var operations: [Operation] = []
    NcTranspose(destination.access, data.access, identity: identity.access)
      .expand(into: &operations)
    appendTensor(operations, site: site(file, line))
  }

  /// An identity matrix in SBUF for transposes, built by GpSimd.
  package mutating func identity(
    _ size: Int = 128, _ format: NumberFormat, file: String = #fileID, line: UInt = #line
  ) throws(BuilderError) -> Tile {
    let tile = try tile("identity", partitions: size, size, format: format)
    memset(tile, 1, on: .gpsimd, file: file, line: line)
    affineSelect(
      tile, tile, .isEqual, channelMultiplier: 1, steps: [-1], onFalse: 0, file: file, line: line)
    return tile
  }

  /// nc_matmul_mx: destination [M, N] in PSUM (=|+=) stationaryᵀ · moving of packed operands [K /
  /// 4, M] and [K / 4, N], each number times its group's scale. NeuronCore-v4 and later.
  ///
  /// - Parameter offset: the first partition of both operands' scales within each quadrant.
  package mutating func matmulMX(
    _ destination: Tile, stationary: Tile, stationaryScales: Tile, moving: Tile,
    movingScales: Tile, offset: Int, accumulates: Bool = false, file: String = #fileID,
    line: UInt = #line
  ) {
    var operations: [Operation] = []
    NcMatmulMX(
      destination.access, stationary: stationary.access,
      scales: MXScales(stationaryScales.access, offset: offset), moving: moving.access,
      scales: MXScales(movingScales.access, offset: offset), accumulate: accumulates
    ).expand(into: &operations)
    appendTensor(operations, site: site(file, line))
  }

  /// quantize_mx: 16-bit numbers [P, 4 · N] to packed fp8 [P, N] and their groups' scales.
  ///
  /// - Parameter offset: the first partition of the scales within each quadrant.
  package mutating func quantizeMX(
    _ destination: Tile, _ source: Tile, scales: Tile, offset: Int,
    file: String = #fileID, line: UInt = #line
  ) {
    append(
      .quantizeMX(
        QuantizeMX(
          destination.access, source.access, scales: scales.access, scaleOffset: offset)),
      on: .vector, site: site(file, line))
  }
}
