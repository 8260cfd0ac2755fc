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
  package mutating func matmul(
    _ destination: Tile, stationary: Tile, moving: Tile, accumulates: Bool = false,
    loadsWeights: Bool = true, file: StaticString = #fileID, line: UInt = #line
  ) {
    var operations: [Operation] = []
    let m = stationary.columns
    if stationary.format == .float32 {
      operations = [
        .loadWeights(LoadWeights(stationary.access, part: .low)),
        .matmul(Matmul(destination.access, moving.access, columns: m, accumulate: accumulates)),
        .loadWeights(LoadWeights(stationary.access, part: .high)),
        .matmul(Matmul(destination.access, moving.access, columns: m, accumulate: true)),
      ]
    } else {
      if loadsWeights { operations.append(.loadWeights(LoadWeights(stationary.access))) }
      operations.append(
        .matmul(Matmul(destination.access, moving.access, columns: m, accumulate: accumulates)))
    }
    appendTensor(operations, site: site(file, line))
  }

  /// nc_transpose on the tensor engine: destination [F, P] in PSUM = dataᵀ [P, F].
  ///
  /// - Parameter identity: an identity matrix [P, P] of the data's format in SBUF.
  package mutating func transpose(
    _ destination: Tile, _ data: Tile, identity: Tile, file: StaticString = #fileID,
    line: UInt = #line
  ) {
    let operations: [Operation] = [
      .loadWeights(LoadWeights(data.access, isTranspose: true)),
      .matmul(
        Matmul(
          destination.access, identity.access, columns: data.columns, accumulate: false,
          isTranspose: true)),
    ]
    appendTensor(operations, site: site(file, line))
  }

  /// An identity matrix in SBUF for transposes, built by GpSimd.
  package mutating func identity(
    _ size: Int = 128, _ format: NumberFormat, file: StaticString = #fileID, line: UInt = #line
  ) throws(BuilderError) -> Tile {
    let tile = try tile("identity", partitions: size, size, format: format)
    memset(tile, 1, on: .gpsimd, file: file, line: line)
    affineSelect(
      tile, tile, .isEqual, channelMultiplier: 1, steps: [-1], onFalse: 0, file: file, line: line)
    return tile
  }
}
