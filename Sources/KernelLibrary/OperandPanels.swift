import Hardware
import KernelBuilder
import NumericFormats

/// A block of out and a chunk of K: one step of the blocked product.
struct MatmulStep {
  var rows: Range<Int>
  var columns: Range<Int>
  /// Tiles of K.
  var chunk: Range<Int>
  var isLastOfBlock: Bool
  var isFirstBlock: Bool
  var isLastBlock: Bool
}

/// The tiles of one operand of the blocked product: what is loaded when, and where it lies.
struct OperandPanels {
  /// A tile that holds tiles of K from `firstTile` on.
  private struct Panel {
    var tile: Tile
    var firstTile: Int
  }

  private let isLHS: Bool
  private let loader: ContractionLoader
  private let isWhole: Bool
  private let plan: MatmulPlan
  private var pool: TilePool
  private var panels: [Panel?]
  private var nextStep = 0
  private var loadedKey = -1
  private var loadedTiles = 0
  private var current: Panel?

  /// The panels of lhs (or rhs) for `stepCount` steps.
  init(
    _ kernel: MatmulKernel, _ plan: MatmulPlan, isLHS: Bool, tensor: TensorHandle,
    _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.isLHS = isLHS
    self.plan = plan
    isWhole = isLHS ? plan.lhsIsWhole : plan.rhsIsWhole
    loader = ContractionLoader(
      tensor: tensor, layout: isLHS ? kernel.lhsLayout : kernel.rhsLayout, contraction: kernel.k,
      isPartitionMajor: plan.isPartitionMajor, isStrided: isLHS && plan.lhsIsStrided)
    let width = isLHS ? plan.blockRows : plan.blockColumns
    let blocks = ceilDivide(isLHS ? kernel.m : kernel.n, width)
    let tiles = isWhole ? plan.kTiles : plan.chunkTiles
    pool = try builder.pool(
      isLHS ? "lhs" : "rhs", buffers: isWhole ? min(2, blocks) : plan.chunkBuffers,
      tiles, width, format: isLHS ? kernel.input : kernel.rhsFormat)
    panels = []
  }

  private func key(_ step: MatmulStep) -> Int {
    isLHS ? step.rows.lowerBound : step.columns.lowerBound
  }

  /// The step whose tiles come next, or nil when they must not be loaded yet.
  ///
  /// A whole panel is loaded when the panel before it comes into use; a chunk as many steps ahead
  /// as there are other buffers.
  func candidate(_ steps: [MatmulStep], at index: Int) -> Int? {
    guard nextStep < steps.count else { return nil }
    guard isWhole else { return nextStep < index + plan.chunkBuffers ? nextStep : nil }
    var changes = 0
    var position = nextStep
    while position > index {
      if key(steps[position]) != key(steps[position - 1]) { changes += 1 }
      if changes > 1 { return nil }
      position -= 1
    }
    return nextStep
  }

  /// Loads what the next step needs and is not there yet.
  mutating func loadNext(_ steps: [MatmulStep], _ builder: inout KernelBuilder) {
    let step = steps[nextStep]
    nextStep += 1
    let range = isLHS ? step.rows : step.columns
    if !isWhole || key(step) != loadedKey {
      loadedKey = key(step)
      loadedTiles = isWhole ? 0 : step.chunk.lowerBound
      current = Panel(tile: pool.next(), firstTile: loadedTiles)
    }
    if let current, loadedTiles < step.chunk.upperBound {
      let size = tilesPerTransfer(range.count)
      let missing = loadedTiles..<step.chunk.upperBound
      // The first tiles come over two queues, so that their triggers overlap.
      let queue = isLHS && step.isFirstBlock ? Engine.scalar : .sync
      for piece in pieces(missing.count, size) {
        loader.load(
          current.tile, firstTile: current.firstTile,
          missing.lowerBound + piece.lowerBound..<missing.lowerBound + piece.upperBound,
          range, on: queue, &builder)
      }
      loadedTiles = step.chunk.upperBound
    }
    panels.append(current)
  }

  /// Transfers of about 1 MiB.
  private func tilesPerTransfer(_ width: Int) -> Int {
    max(1, (8 << 10) / (width * loader.tensor.format.sizeBytes))
  }

  /// Tiles of K for a step: [K rows, columns] of the block, or [K rows, 2, columns] of two.
  func tile(step: Int, k: Range<Int>, columns: Range<Int>) -> Tile {
    guard let panel = panels[step] else {
      preconditionFailure("a step is loaded before it is used")
    }
    guard k.count == 1 else {
      return panel.tile.blocks(k.lowerBound - panel.firstTile..<k.upperBound - panel.firstTile)
        .columns(columns)
    }
    return loader.tile(panel.tile, firstTile: panel.firstTile, k.lowerBound, columns)
  }
}
