import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Gathers single elements along an axis, or scatters them (ONNX GatherElements, ScatterElements):
/// out [i, j, k] = data [i, index[i, j, k], k] for the middle axis.
///
/// Addresses are computed in SBUF: GpSimd writes the part that follows from the place, the vector
/// engine adds the index times the axis' stride. One transfer moves an element per partition.
/// Bound: GpSimd's descriptors, one per element. Addresses are computed in fp32 and must stay below
/// 2^24.
///
/// Parameters in order: indices (shape), data (gathering) or updates (scattering), out. Scattering
/// writes over what out holds.
package struct IndexedElementsKernel: Kernel {
  /// Axis lengths of the indices.
  package var shape: [Int]
  /// Axis lengths of the tensor that is looked up.
  package var data: [Int]
  /// The axis that indices choose from.
  package var axis: Int
  /// Format of the elements.
  package var format: NumberFormat
  /// Writes to the tensor instead of reading from it.
  package var isScatter: Bool

  /// A look-up along `axis`.
  package init(
    shape: [Int], data: [Int], axis: Int, format: NumberFormat, isScatter: Bool = false
  ) {
    self.shape = shape
    self.data = data
    self.axis = axis
    self.format = format
    self.isScatter = isScatter
  }

  private var dataCount: Int { data.reduce(1, *) }

  package var name: String {
    let size = shape.map(String.init).joined(separator: "x")
    return "\(isScatter ? "scatter" : "gather")-elements \(size) \(format.name)"
  }

  package var parameters: [KernelParameter] {
    let count = shape.reduce(1, *)
    return [
      KernelParameter("indices", [count], .int32),
      KernelParameter(
        isScatter ? "updates" : "data", [isScatter ? count : dataCount], format),
      KernelParameter(
        "out", [isScatter ? dataCount : count], format, isScatter ? .inOut : .output),
    ]
  }

  private static let addressLimit = 1 << 24
  private static let columnLimit = 512

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard dataCount < Self.addressLimit, shape.count == data.count, !shape.contains(0) else {
      throw unsupported(
        "\(dataCount) elements", allowed: "1 to \(Self.addressLimit - 1) elements")
    }
    let own = StridedSpace.denseStrides(shape)
    var places = StridedSpace.denseStrides(data)
    places[axis] = 0
    // Tensors: what lies like the indices, and the addresses without the index.
    let space = StridedSpace(sizes: shape, strides: [own, places])
    let tilings = StridedTiling.best(
      space, sizesBytes: [4, 0], passes: 4, columnLimit: Self.columnLimit)
    try builder.scope { builder throws(BuilderError) in
      let columns = tilings.map(\.columns).max() ?? 1
      var numbers = try builder.pool("numbers", buffers: 2, columns, format: .int32)
      var parts = try builder.pool("place", buffers: 2, columns, format: .float32)
      var addresses = try builder.pool("address", buffers: 2, columns, format: .uint32)
      var values = try builder.pool("values", buffers: 2, columns, format: format)
      for tile in tilings.flatMap(\.tiles) {
        let number = numbers.next()
        builder.load(tile.filled(0, number), from: tile.access(0, of: tensors[0]))
        let address = tile.flat(addresses.next())
        place(address, tile.flat(number), tile, parts.next(), &builder)
        move(tile, address, values.next(), tensors, &builder)
      }
    }
  }

  /// address = place + (index, or index + length where it is negative) · stride.
  private func place(
    _ address: Tile, _ number: Tile, _ tile: StridedTile, _ buffer: Tile,
    _ builder: inout KernelBuilder
  ) {
    let stride = Float(StridedSpace.denseStrides(data)[axis])
    let wrap = tile.flat(buffer)
    builder.tensorScalar(
      wrap, number, .lessThan, .immediate(0), .multiply, .immediate(Float(data[axis])))
    builder.tensorTensor(wrap, number, wrap, .add)
    let space = tile.tiling.space
    var start = space.offsets[1]
    for axis in tile.starts.indices { start += tile.starts[axis] * space.strides[1][axis] }
    let free = tile.tiling.freeAxes
    let sizes = tile.freeSizes
    builder.iota(
      address.viewed(sizes: sizes, strides: StridedSpace.denseStrides(sizes)), start: start,
      channelMultiplier: space.strides[1][tile.tiling.partitionAxis],
      steps: free.isEmpty ? [0] : free.map { space.strides[1][$0] })
    builder.scalarTensorTensor(address, wrap, .multiply, .immediate(stride), .add, address)
  }

  private func move(
    _ tile: StridedTile, _ address: Tile, _ buffer: Tile, _ tensors: [TensorHandle],
    _ builder: inout KernelBuilder
  ) {
    let row = tile.flat(buffer)
    let table = isScatter ? tensors[2] : tensors[1]
    let first = table.access(offset: 0, sizes: [1, 1], strides: [1, 1])
    if isScatter { builder.load(tile.filled(0, buffer), from: tile.access(0, of: tensors[1])) }
    for column in 0..<tile.columns {
      let (value, index) = (row.columns(column..<column + 1), address.columns(column..<column + 1))
      if isScatter {
        builder.scatter(elements: first, count: dataCount, from: value, index: index)
      } else {
        builder.gather(value, elements: first, count: dataCount, index: index)
      }
    }
    if !isScatter { builder.store(tile.access(0, of: tensors[2]), from: tile.filled(0, buffer)) }
  }
}
