import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Products of many matrices: out [i] = scale · lhs [a(i)] · rhs [b(i)], of any sizes.
///
/// Both operands of one product lie in SBUF whole, K on partitions, two products ahead; an operand
/// that the next product shares stays. lhs [M, K] and rhs [N, K] are transposed by the DMA; of few
/// rows of lhs each partition reads a piece instead, and the same rows of rhs [K, N] beside. Tiles
/// of out [128, 512] accumulate over K in PSUM and are emptied by the vector and scalar engines in
/// turn. Bound: for small matrices the DMA, whose transfers are short; the tensor engine otherwise.
///
/// Parameters in order: lhs, rhs, out.
package struct BatchedMatmulKernel: Kernel {
  /// Rows of each product.
  package var m: Int
  /// Contraction length.
  package var k: Int
  /// Columns of each product.
  package var n: Int
  /// Which matrix of lhs each product takes.
  package var lhsMatrices: [Int]
  /// Which matrix of rhs each product takes.
  package var rhsMatrices: [Int]
  /// How lhs lies in HBM.
  package var lhsLayout = MatmulKernel.Layout.contractionColumns
  /// How rhs lies in HBM.
  package var rhsLayout = MatmulKernel.Layout.contractionRows
  /// Multiplies every product.
  package var scale: Float = 1
  /// Format of lhs and rhs.
  package var input: NumberFormat
  /// Format of out.
  package var output: NumberFormat

  /// One product per pair of matrices.
  package init(
    m: Int, k: Int, n: Int, lhsMatrices: [Int], rhsMatrices: [Int], input: NumberFormat,
    output: NumberFormat
  ) {
    self.m = m
    self.k = k
    self.n = n
    self.lhsMatrices = lhsMatrices
    self.rhsMatrices = rhsMatrices
    self.input = input
    self.output = output
  }

  private var count: Int { lhsMatrices.count }
  /// The most rows of lhs that partitions read in pieces: the DMA transposes sixteen at a time.
  private static let mostPieces = 15

  /// Partitions have consecutive rows of K, in order that transfers have long runs.
  fileprivate var isPartitionMajor: Bool {
    m <= Self.mostPieces && k > 128 && lhsLayout == .contractionColumns
      && rhsLayout == .contractionRows
  }

  package var name: String { "batched-matmul \(count)x\(m)x\(k)x\(n) \(input.name)" }

  package var parameters: [KernelParameter] {
    let lhs = lhsLayout == .contractionRows ? [k, m] : [m, k]
    let rhs = rhsLayout == .contractionRows ? [k, n] : [n, k]
    let sizes = [(lhsMatrices.max() ?? 0) + 1, (rhsMatrices.max() ?? 0) + 1]
    return [
      KernelParameter("lhs", [sizes[0] * lhs[0], lhs[1]], input),
      KernelParameter("rhs", [sizes[1] * rhs[0], rhs[1]], input),
      KernelParameter("out", [count * m, n], output, .output),
    ]
  }

  /// Bytes per partition that one product's operands may take: three of them share SBUF with the
  /// results.
  private static let panelBytes = 48 << 10

  /// True when the operands of one product fit SBUF whole.
  package var fits: Bool {
    let tiles = ceilDivide(k, 128)
    return tiles * (m + n) * input.sizeBytes <= Self.panelBytes && tiles * max(m, n) < 1 << 16
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard fits, count > 0, count == rhsMatrices.count, m > 0, n > 0, k > 0 else {
      throw unsupported(
        "\(count) products of \(m)x\(k)x\(n)",
        allowed: "operands of at most \(Self.panelBytes) bytes per partition")
    }
    try builder.scope { builder throws(BuilderError) in
      var emitter = try BatchedMatmulEmitter(self, tensors, &builder)
      var loaded: [BatchedMatmulEmitter.Panels] = []
      for product in 0..<count {
        while loaded.count < min(count, product + BatchedMatmulEmitter.buffers) {
          loaded.append(emitter.load(loaded.count, &builder))
        }
        emitter.multiply(product, loaded[product], &builder)
      }
    }
  }
}

/// Emits the products one after the other.
private struct BatchedMatmulEmitter {
  /// Both operands of a product.
  struct Panels {
    var lhs: Tile
    var rhs: Tile
  }

  static let buffers = 3
  private static let outColumns = 2048

  private let kernel: BatchedMatmulKernel
  private let tensors: [TensorHandle]
  private var lhsPool: TilePool
  private var rhsPool: TilePool
  private var results: TilePool
  private var banks: BankPool
  private var heldLHS: (matrix: Int, panel: Tile)?
  private var heldRHS: (matrix: Int, panel: Tile)?
  private var turn = 0

  init(
    _ kernel: BatchedMatmulKernel, _ tensors: [TensorHandle], _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.kernel = kernel
    self.tensors = tensors
    let tiles = ceilDivide(kernel.k, 128)
    lhsPool = try builder.pool(
      "lhs", buffers: Self.buffers, tiles, kernel.m, format: kernel.input)
    rhsPool = try builder.pool(
      "rhs", buffers: Self.buffers, tiles, kernel.n, format: kernel.input)
    results = try builder.pool(
      "out", buffers: 3, min(kernel.n, Self.outColumns), format: kernel.output)
    banks = try builder.banks("product", buffers: builder.freeBanks)
  }

  private func loader(isLHS: Bool, matrix: Int) -> ContractionLoader {
    let layout = isLHS ? kernel.lhsLayout : kernel.rhsLayout
    let width = isLHS ? kernel.m : kernel.n
    var loader = ContractionLoader(
      tensor: tensors[isLHS ? 0 : 1], layout: layout, contraction: kernel.k,
      isPartitionMajor: kernel.isPartitionMajor, isStrided: isLHS && kernel.isPartitionMajor)
    if layout == .contractionRows {
      loader.firstRow = matrix * kernel.k
    } else {
      loader.firstColumn = matrix * width
    }
    return loader
  }

  mutating func load(_ product: Int, _ builder: inout KernelBuilder) -> Panels {
    let tiles = 0..<ceilDivide(kernel.k, 128)
    let (left, right) = (kernel.lhsMatrices[product], kernel.rhsMatrices[product])
    if heldLHS?.matrix != left {
      let panel = lhsPool.next()
      loader(isLHS: true, matrix: left).load(panel, tiles, 0..<kernel.m, on: .scalar, &builder)
      heldLHS = (left, panel)
    }
    if heldRHS?.matrix != right {
      let panel = rhsPool.next()
      loader(isLHS: false, matrix: right).load(panel, tiles, 0..<kernel.n, on: .sync, &builder)
      heldRHS = (right, panel)
    }
    return Panels(lhs: heldLHS?.panel ?? Tile(.init()), rhs: heldRHS?.panel ?? Tile(.init()))
  }

  mutating func multiply(_ product: Int, _ panels: Panels, _ builder: inout KernelBuilder) {
    let left = loader(isLHS: true, matrix: 0)
    let right = loader(isLHS: false, matrix: 0)
    for rows in pieces(kernel.m, 128) {
      for wide in pieces(kernel.n, Self.outColumns) {
        let result = results.next()[0..<rows.count, 0..<wide.count]
        for cut in pieces(wide.count, 512) {
          let bank = banks.next(partitions: rows.count, columns: cut.count)
          let columns = wide.lowerBound + cut.lowerBound..<wide.lowerBound + cut.upperBound
          for step in 0..<ceilDivide(kernel.k, 128) {
            builder.matmul(
              bank, stationary: left.tile(panels.lhs, step, rows),
              moving: right.tile(panels.rhs, step, columns), accumulates: step > 0)
          }
          empty(bank, into: result.columns(cut), &builder)
        }
        let first = product * kernel.m + rows.lowerBound
        builder.store(
          tensors[2].block(rows: first..<first + rows.count, columns: wide), from: result)
      }
    }
  }

  private mutating func empty(_ bank: Tile, into result: Tile, _ builder: inout KernelBuilder) {
    turn += 1
    let onScalar = turn % 2 == 0
    if kernel.scale == 1 {
      builder.copy(result, bank, on: onScalar ? .scalar : .vector)
    } else if onScalar {
      builder.activation(result, .identity, bank, scale: .immediate(kernel.scale))
    } else {
      builder.tensorScalar(result, bank, .multiply, .immediate(kernel.scale))
    }
  }
}
