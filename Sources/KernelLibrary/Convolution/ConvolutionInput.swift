import Hardware
import InstructionSet
import KernelBuilder

/// The images of a convolution in SBUF: per tile of input channels the box of places that a band
/// needs.
struct ConvolutionInput {
  private struct Key: Hashable {
    var bundle: Int
    var image: Int
    var band: ConvolutionBox
  }

  private let plan: ConvolutionPlan
  private let tensor: TensorHandle
  private var pools: [TilePool]
  private var loaded: [Key: [Tile]] = [:]
  private var last: (key: Key, tiles: [Tile])?

  init(_ plan: ConvolutionPlan, _ tensor: TensorHandle, _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.plan = plan
    self.tensor = tensor
    pools = []
    for index in plan.bundles[0].inputTiles.indices {
      pools.append(
        try builder.pool(
          "x \(index)", buffers: plan.inputBuffers, plan.inputElements,
          format: plan.kernel.input))
    }
  }

  /// Loads what a step reads, unless it is there.
  mutating func load(_ step: ConvolutionStep, _ builder: inout KernelBuilder) -> [Tile] {
    let key = Key(
      bundle: plan.packing == nil ? step.bundle : 0, image: step.image, band: step.band)
    if let last, last.key == key { return last.tiles }
    if plan.keepsInput, let tiles = loaded[key] { return tiles }
    let box = plan.inputBox(step.band)
    let bundle = plan.bundles[step.bundle]
    var tiles: [Tile] = []
    for (index, channels) in bundle.inputTiles.enumerated() {
      let tile = pools[index].next()
      let first = bundle.inputs.lowerBound
      if plan.packing == nil {
        builder.load(
          tile[0..<channels.count, 0..<box.count],
          from: plan.volume.inputAccess(
            tensor, image: step.image,
            channels: first + channels.lowerBound..<first + channels.upperBound, box))
      } else {
        loadPacked(tile, step, box, &builder)
      }
      tiles.append(tile)
    }
    last = (key, tiles)
    if plan.keepsInput { loaded[key] = tiles }
    return tiles
  }

  /// Block j of partitions gets the rows that row tap j sees; rows outside the image are zeros.
  private func loadPacked(
    _ tile: Tile, _ step: ConvolutionStep, _ box: ConvolutionBox, _ builder: inout KernelBuilder
  ) {
    guard let packing = plan.packing else { return }
    let axis = plan.volume.axes[1]
    let count = plan.kernel.inputs
    clearEdges(tile.rows(0..<packing.taps * count), packing, box, &builder)
    for block in 0..<packing.taps {
      let slots = Self.realSlots(axis, tap: block, box.rows)
      guard !slots.isEmpty else { continue }
      var part = box
      part.rows = slots
      var source = box
      let row = axis.input(slots.lowerBound, tap: block)
      source.rows = row..<row + slots.count
      builder.load(
        box.view(tile.rows(block * count..<(block + 1) * count), part),
        from: plan.volume.inputAccess(
          tensor, image: step.image, channels: 0..<count, source, rowStep: axis.stride))
    }
  }

  /// The slots whose row lies in the image. Slots may go on behind the last output row.
  private static func realSlots(_ axis: WindowAxis, tap: Int, _ slots: Range<Int>) -> Range<Int> {
    let real = slots.filter { (0..<axis.size).contains(axis.input($0, tap: tap)) }
    guard let first = real.first, let last = real.last else { return 0..<0 }
    return first..<last + 1
  }

  /// Zeros in the slots that some tap sees outside the image.
  private func clearEdges(
    _ tile: Tile, _ packing: ConvolutionPacking, _ box: ConvolutionBox,
    _ builder: inout KernelBuilder
  ) {
    let axis = plan.volume.axes[1]
    var inside = box.rows
    for block in 0..<packing.taps {
      inside = inside.shared(with: Self.realSlots(axis, tap: block, box.rows))
    }
    if inside.isEmpty { inside = box.rows.lowerBound..<box.rows.lowerBound }
    for rows in [
      box.rows.lowerBound..<inside.lowerBound, inside.upperBound..<box.rows.upperBound,
    ] where !rows.isEmpty {
      var part = box
      part.rows = rows
      builder.memset(box.view(tile, part), 0, on: .gpsimd)
    }
  }
}
