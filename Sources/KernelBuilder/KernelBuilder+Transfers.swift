package import CoreState
package import Hardware
import InstructionSet
import NumericFormats

extension KernelBuilder {
  /// dma_copy from HBM into a tile; formats may differ.
  ///
  /// - Parameter queue: the engine that triggers: sync or scalar (hardware descriptors) or GpSimd
  ///   (software). A trigger on the scalar engine hides behind its computing.
  package mutating func load(
    _ tile: Tile, from access: TensorAccess, on queue: Engine = .sync,
    file: String = #fileID, line: UInt = #line
  ) {
    transfer(.onChip(tile.access), from: .hbm(access), on: queue, site: site(file, line))
  }

  /// dma_copy from a tile into HBM.
  package mutating func store(
    _ access: TensorAccess, from tile: Tile, on queue: Engine = .sync,
    file: String = #fileID, line: UInt = #line
  ) {
    transfer(.hbm(access), from: .onChip(tile.access), on: queue, site: site(file, line))
  }

  /// dma_copy between two tiles: the way to other partitions.
  package mutating func move(
    _ destination: Tile, from source: Tile, on queue: Engine = .sync,
    file: String = #fileID, line: UInt = #line
  ) {
    transfer(
      .onChip(destination.access), from: .onChip(source.access), on: queue,
      site: site(file, line))
  }

  /// dma_copy within HBM.
  package mutating func copyTensor(
    _ destination: TensorAccess, from source: TensorAccess, on queue: Engine = .sync,
    file: String = #fileID, line: UInt = #line
  ) {
    transfer(.hbm(destination), from: .hbm(source), on: queue, site: site(file, line))
  }

  /// dma_transpose: a block [rows, columns] in HBM becomes a tile [columns, rows].
  package mutating func loadTransposed(
    _ tile: Tile, from access: TensorAccess, on queue: Engine = .sync,
    file: String = #fileID, line: UInt = #line
  ) {
    let site = site(file, line)
    let probe = DMATranspose(tile.access, from: access, queue: 0)
    let engines = Int(probe.shape(on: device, engine: queue).engines)
    guard let ring = nextRing(queue, engines) else { return }
    appendTransfer(
      .dmaTranspose(DMATranspose(tile.access, from: access, queue: ring)), on: queue,
      ring: RingTable.domain(queue, ring: ring), engines: engines, site: site)
  }

  /// Gathers rows: partition p of the tile receives row `index[p]` of the tensor.
  package mutating func gather(
    _ tile: Tile, rowsOf tensor: TensorHandle, index: Tile, columns: Range<Int>? = nil,
    file: String = #fileID, line: UInt = #line
  ) {
    let row = tensor.block(rows: 0..<1, columns: columns ?? 0..<tensor.columns)
    indirect(
      .onChip(tile.access), from: .hbm(row), index: index, isScatter: false,
      rowBytes: tensor.rowBytes, rowCount: tensor.rows, site: site(file, line))
  }

  /// Scatters rows: partition p of the tile goes to row `index[p]` of the tensor.
  package mutating func scatter(
    rowsOf tensor: TensorHandle, from tile: Tile, index: Tile, file: String = #fileID,
    line: UInt = #line
  ) {
    let row = tensor.block(rows: 0..<1, columns: 0..<tensor.columns)
    indirect(
      .hbm(row), from: .onChip(tile.access), index: index, isScatter: true,
      rowBytes: tensor.rowBytes, rowCount: tensor.rows, site: site(file, line))
  }

  /// Gathers single elements: partition p receives element `index[p]` of the `count` elements that
  /// begin at `first`.
  package mutating func gather(
    _ tile: Tile, elements first: TensorAccess, count: Int, index: Tile,
    file: String = #fileID, line: UInt = #line
  ) {
    indirect(
      .onChip(tile.access), from: .hbm(first), index: index, isScatter: false,
      rowBytes: tile.format.sizeBytes, rowCount: count, site: site(file, line))
  }

  /// Scatters single elements: partition p goes to element `index[p]` of the `count` elements that
  /// begin at `first`.
  package mutating func scatter(
    elements first: TensorAccess, count: Int, from tile: Tile, index: Tile,
    file: String = #fileID, line: UInt = #line
  ) {
    indirect(
      .hbm(first), from: .onChip(tile.access), index: index, isScatter: true,
      rowBytes: tile.format.sizeBytes, rowCount: count, site: site(file, line))
  }

  /// Gathers parts of rows: partition p receives what `first` names in row `index[p]` of the
  /// `count` rows that begin at `first`.
  package mutating func gather(
    _ tile: Tile, rows first: TensorAccess, rowBytes: Int, count: Int, index: Tile,
    file: String = #fileID, line: UInt = #line
  ) {
    indirect(
      .onChip(tile.access), from: .hbm(first), index: index, isScatter: false,
      rowBytes: rowBytes, rowCount: count, site: site(file, line))
  }

  /// Scatters parts of rows: partition p goes to what `first` names in row `index[p]` of the
  /// `count` rows that begin at `first`.
  ///
  /// - Parameter adds: adds to the rows in fp32; the indices must differ and lie in the table.
  package mutating func scatter(
    rows first: TensorAccess, rowBytes: Int, count: Int, from tile: Tile, index: Tile,
    adds: Bool = false, file: String = #fileID, line: UInt = #line
  ) {
    indirect(
      .hbm(first), from: .onChip(tile.access), index: index, isScatter: true,
      rowBytes: rowBytes, rowCount: count, adds: adds, site: site(file, line))
  }

  private mutating func indirect(
    _ destination: DataLocation, from source: DataLocation, index: Tile, isScatter: Bool,
    rowBytes: Int, rowCount: Int, adds: Bool = false, site: UInt32
  ) {
    let make = { (ring: Int) in
      var transfer = DMAIndirect(
        destination, from: source, index: index.access, isScatter: isScatter,
        rowStrideBytes: rowBytes, rowCount: rowCount, queue: ring)
      transfer.accumulate = adds
      transfer.refusesOutOfBounds = adds
      return transfer
    }
    let engines = Int(make(0).shape(on: device, engine: .gpsimd).engines)
    guard let ring = nextRing(.gpsimd, engines) else { return }
    appendTransfer(
      .dmaIndirect(make(ring)), on: .gpsimd, ring: RingTable.domain(.gpsimd, ring: ring),
      engines: engines, site: site)
  }

  /// - Parameter bound: the largest offset that a register may add; beyond it nothing moves.
  mutating func transfer(
    _ destination: DataLocation, from source: DataLocation, on queue: Engine,
    bound: Int32? = nil, site: UInt32
  ) {
    var transfer = DMADirect(destination, from: source, queue: 0)
    if let bound {
      transfer.bound = bound
      transfer.skipsOutOfBounds = true
    }
    let engines = Int(transfer.shape(on: device, engine: queue).engines)
    guard let ring = nextRing(queue, engines) else { return }
    transfer.queue = Int32(ring)
    appendTransfer(
      .dma(transfer), on: queue, ring: RingTable.domain(queue, ring: ring), engines: engines,
      site: site)
  }

  private mutating func nextRing(_ queue: Engine, _ engines: Int) -> Int? {
    let ring = rings.next(
      queue, engines: engines, allEngines: device.dma.enginesPerCore.value,
      ringsWhenAll: ringsPerQueue)
    if ring == nil, failure == nil {
      failure = .outOfRings(queue: queue.name, limit: rings.limit, kernel: name)
    }
    return ring
  }
}
