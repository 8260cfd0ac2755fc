import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Graph attention over sampled neighbours: a softmax over each node's neighbours weighs their
/// rows.
///
/// Layout: nodes on partitions. GpSimd gathers one neighbour of 128 nodes at a time, its values and
/// scores in one row; once all are there, the vector and scalar engines make the shares of all
/// places and heads at once. The vector engine weighs the rows, and the tensor engine adds them up
/// in PSUM as products with the identity. Bound: GpSimd's descriptors, one per pair.
///
/// Parameters in order: sources [rows, heads · size + heads], targets [nodes, columns], neighbours
/// uint32 [nodes, places] (a number beyond the rows marks an empty place), out [nodes,
/// heads · size].
package struct NeighbourAttentionKernel: Kernel {
  /// Nodes that take their neighbours' values.
  package var nodes: Int
  /// Rows of the sources.
  package var rows: Int
  /// Places of a node's list of neighbours.
  package var places: Int
  /// Heads.
  package var heads: Int
  /// Elements of a head's value.
  package var size: Int
  /// Columns of the targets.
  package var targetColumns: Int
  /// The first of them that counts.
  package var firstScore = 0
  /// What a negative score is multiplied by.
  package var slope: Float = 0.2
  /// True when places may be empty.
  package var isRagged = true
  /// Format of all real numbers.
  package var format: NumberFormat

  /// Attention of these lengths.
  package init(
    nodes: Int, rows: Int, places: Int, heads: Int, size: Int, format: NumberFormat = .bfloat16
  ) {
    self.nodes = nodes
    self.rows = rows
    self.places = places
    self.heads = heads
    self.size = size
    targetColumns = heads
    self.format = format
  }

  /// Elements of a result, and of a source's row.
  private var width: Int { heads * size }
  private var rowLength: Int { width + heads }

  package var name: String {
    "neighbour-attention \(nodes)x\(places) of \(rows) rows h\(heads)x\(size) \(format.name)"
  }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("sources", [rows, rowLength], format),
      KernelParameter("targets", [nodes, targetColumns], format),
      KernelParameter("neighbours", [nodes, places], .uint32),
      KernelParameter("out", [nodes, width], format, .output),
    ]
  }

  /// A score so low that its share is nothing beside any other.
  private static let lowest: Float = -1e30

  /// Tiles that rotate.
  private struct Buffers {
    var indices: TilePool
    var targets: TilePool
    var rows: TilePool
    var scores: TilePool
    var sums: TilePool
    var products: TilePool
    var outputs: TilePool
    var banks: BankPool
    let identity: Tile
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard nodes > 0, rows > 0, places > 0, heads > 0, size > 0 else {
      throw unsupported("an empty graph", allowed: "at least one node, row, place and element")
    }
    let parts = ceilDivide(width, builder.bankColumns)
    guard parts * 2 <= builder.freeBanks else {
      throw unsupported(
        "\(width) elements of a result",
        allowed: "at most \(builder.freeBanks / 2 * builder.bankColumns)")
    }
    try builder.scope { builder throws(BuilderError) in
      var buffers = Buffers(
        indices: try builder.pool("neighbours", buffers: 3, places, format: .uint32),
        targets: try builder.pool("targets", buffers: 3, heads, format: format),
        rows: try builder.pool("rows", buffers: 2, places, rowLength, format: format),
        scores: try builder.pool("scores", buffers: 2, heads, places, format: .float32),
        sums: try builder.pool("sums", buffers: 4, heads, format: .float32),
        products: try builder.pool("products", buffers: 4, width, format: format),
        outputs: try builder.pool("out", buffers: 2, width, format: format),
        banks: try builder.banks("sums", buffers: builder.freeBanks),
        identity: try builder.identity(128, format))
      builder.pipelined(pieces(nodes, 128)) { builder, tile in
        let index = buffers.indices.next().rows(0..<tile.count)
        builder.load(index, from: tensors[2].rows(tile))
        let target = buffers.targets.next().rows(0..<tile.count)
        builder.load(
          target,
          from: tensors[1].block(rows: tile, columns: firstScore..<firstScore + heads),
          on: .scalar)
        return (index: index, target: target)
      } compute: { builder, tile, loaded in
        let gathered = gather(loaded.index, from: tensors[0], &buffers, &builder)
        let shares = shares(gathered, loaded.target, &buffers, &builder)
        let out = buffers.outputs.next().rows(0..<tile.count)
        sum(gathered, shares, into: out, &buffers, &builder)
        builder.store(tensors[3].rows(tile), from: out)
      }
    }
  }

  /// The rows of all places, [nodes, places, row].
  private func gather(
    _ index: Tile, from sources: TensorHandle, _ buffers: inout Buffers,
    _ builder: inout KernelBuilder
  ) -> Tile {
    let gathered = buffers.rows.next().rows(0..<index.partitions)
    if isRagged {
      // A gather leaves what an empty place would have received as it was.
      builder.memset(gathered, 0)
      builder.memset(
        gathered.viewed(offset: width, sizes: [places, heads], strides: [rowLength, 1]),
        Self.lowest)
    }
    for place in 0..<places {
      builder.gather(
        gathered.block(place), rowsOf: sources, index: index.columns(place..<place + 1))
    }
    return gathered
  }

  /// The softmax over the places, [nodes, heads, places].
  private func shares(
    _ gathered: Tile, _ target: Tile, _ buffers: inout Buffers, _ builder: inout KernelBuilder
  ) -> Tile {
    let count = gathered.partitions
    let scores = buffers.scores.next().rows(0..<count)
    func perHead(_ tile: Tile) -> Tile {
      tile.viewed(sizes: [heads, places], strides: [1, 0])
    }
    builder.tensorTensor(
      scores, gathered.viewed(offset: width, sizes: [heads, places], strides: [1, rowLength]),
      perHead(target), .add)
    builder.scalarTensorTensor(scores, scores, .multiply, .immediate(slope), .max, scores)
    let largest = buffers.sums.next().rows(0..<count)
    builder.tensorReduce(largest, scores, .max)
    builder.tensorTensor(scores, scores, perHead(largest), .subtract)
    builder.activation(scores, .exp, scores)
    let total = buffers.sums.next().rows(0..<count)
    builder.tensorReduce(total, scores, .add)
    builder.reciprocal(total, total)
    builder.tensorTensor(scores, scores, perHead(total), .multiply)
    return scores
  }

  /// Σ share · value over the places.
  private func sum(
    _ gathered: Tile, _ shares: Tile, into out: Tile, _ buffers: inout Buffers,
    _ builder: inout KernelBuilder
  ) {
    let count = gathered.partitions
    let cuts = pieces(width, builder.bankColumns)
    let open = cuts.map { buffers.banks.next(partitions: count, columns: $0.count) }
    for place in 0..<places {
      let product = buffers.products.next().rows(0..<count)
      builder.tensorTensor(
        product.shaped(heads, size),
        gathered.block(place).viewed(sizes: [heads, size], strides: [size, 1]),
        shares.viewed(offset: place, sizes: [heads, size], strides: [places, 0]), .multiply)
      for (cut, bank) in zip(cuts, open) {
        builder.matmul(
          bank, stationary: buffers.identity[0..<count, 0..<count], moving: product.columns(cut),
          accumulates: place > 0)
      }
    }
    for (cut, bank) in zip(cuts, open) { builder.copy(out.columns(cut), bank, on: .scalar) }
  }
}
