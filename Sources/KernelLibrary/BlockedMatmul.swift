import KernelBuilder

/// Emits the blocked product.
struct BlockedMatmul {
  private let kernel: MatmulKernel
  private let plan: MatmulPlan
  private var lhs: OperandPanels
  private var rhs: OperandPanels
  private var banks: BankPool
  private var epilogue: MatmulEpilogue
  private let steps: [MatmulStep]

  init(_ kernel: MatmulKernel, _ tensors: [TensorHandle], _ builder: inout KernelBuilder)
    throws(BuilderError)
  {
    self.kernel = kernel
    // Room for the epilogue's tiles, as a function of the widest block of columns.
    let reserve = MatmulEpilogue.bytes(kernel, columns: min(kernel.n, 4096))
    plan = MatmulPlan(
      kernel, freeBytes: builder.freeSBUFBytes - reserve - (2 << 10), device: builder.device)
    epilogue = try MatmulEpilogue(kernel, tensors, columns: plan.blockColumns, &builder)
    lhs = try OperandPanels(kernel, plan, isLHS: true, tensor: tensors[0], &builder)
    rhs = try OperandPanels(kernel, plan, isLHS: false, tensor: tensors[1], &builder)
    banks = try builder.banks("product", buffers: builder.freeBanks)
    steps = Self.steps(kernel, plan)
  }

  /// Columns of blocks outside, rows inside, chunks of K innermost.
  private static func steps(_ kernel: MatmulKernel, _ plan: MatmulPlan) -> [MatmulStep] {
    let rowBlocks = pieces(kernel.m, plan.blockRows)
    let columnBlocks = pieces(kernel.n, plan.blockColumns)
    let last = rowBlocks.count * columnBlocks.count - 1
    var steps: [MatmulStep] = []
    var block = 0
    for columns in columnBlocks {
      for rows in rowBlocks {
        for chunk in plan.chunks(isFirstBlock: block == 0) {
          steps.append(
            MatmulStep(
              rows: rows, columns: columns, chunk: chunk,
              isLastOfBlock: chunk.upperBound == plan.kTiles, isFirstBlock: block == 0,
              isLastBlock: block == last))
        }
        block += 1
      }
    }
    return steps
  }

  /// Loads run ahead as far as buffers allow; each block then multiplies chunk by chunk.
  mutating func emit(into builder: inout KernelBuilder) {
    var open: [Tile] = []
    for (index, step) in steps.enumerated() {
      prefetch(at: index, &builder)
      if step.chunk.lowerBound == 0 {
        open = openBanks(step)
        epilogue.begin(step, &builder)
      }
      multiply(index, step, open, &builder)
    }
  }

  /// Both operands advance side by side, so that the first tiles of both come first.
  private mutating func prefetch(at index: Int, _ builder: inout KernelBuilder) {
    while true {
      let left = lhs.candidate(steps, at: index)
      let right = rhs.candidate(steps, at: index)
      if let left, left <= right ?? left {
        lhs.loadNext(steps, &builder)
      } else if right != nil {
        rhs.loadNext(steps, &builder)
      } else {
        return
      }
    }
  }

  /// One bank per tile of the block: rows of tiles outside, columns inside.
  private mutating func openBanks(_ step: MatmulStep) -> [Tile] {
    var tiles: [Tile] = []
    for rows in pieces(step.rows.count, 128) {
      for columns in pieces(step.columns.count, 512) {
        tiles.append(banks.next(partitions: rows.count, columns: columns.count))
      }
    }
    return tiles
  }

  /// Tile after tile of the block; the chunk of K is innermost. A finished tile is emptied while
  /// the tensor engine goes on with the next.
  private mutating func multiply(
    _ index: Int, _ step: MatmulStep, _ open: [Tile], _ builder: inout KernelBuilder
  ) {
    let columnTiles = pieces(step.columns.count, 512)
    var bank = 0
    for rows in pieces(step.rows.count, 128) {
      for columns in columnTiles {
        let each = plan.isDoubleRow ? 2 : 1
        for k in stride(from: step.chunk.lowerBound, to: step.chunk.upperBound, by: each) {
          builder.matmul(
            open[bank],
            stationary: lhs.tile(step: index, k: k..<k + each, columns: rows),
            moving: rhs.tile(step: index, k: k..<k + each, columns: columns),
            accumulates: k > 0, isDoubleRow: plan.isDoubleRow)
        }
        if step.isLastOfBlock { epilogue.finish(step, rows, columns, open[bank], &builder) }
        bank += 1
      }
    }
  }
}
