import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// The three passes of `BagAdagradKernel`.
struct BagAdagradEmitter {
  private let step: BagStep
  private let tables: [TrainedTable]
  private let tensors: [TensorHandle]
  private let lookups: Int

  /// Some look-ups of one table by one tile of bags: at most `together` places.
  private struct Group {
    var table: Int
    var places: Range<Int>
    /// Its first look-up among all of a bag.
    var first: Int
  }

  /// Places whose row numbers are compared by one instruction.
  private static let together = 4

  init(_ kernel: BagAdagradKernel, _ tensors: [TensorHandle], lookups: Int) {
    step = kernel.step
    tables = kernel.tables
    self.tensors = tensors
    self.lookups = lookups
  }

  func emit(_ builder: inout KernelBuilder) throws(BuilderError) {
    let together = groups(Self.together)
    try builder.scope { builder throws(BuilderError) in
      try collect(together, &builder)
    }
    try builder.scope { builder throws(BuilderError) in
      try renew(together, &builder)
    }
    try builder.scope { builder throws(BuilderError) in
      try put(groups(1), &builder)
    }
  }

  /// The look-ups of a bag, at most `size` at a time, those of each table evenly spread.
  private func groups(_ size: Int) -> [Group] {
    var list: [(place: Double, group: Group)] = []
    var first = 0
    for (number, table) in tables.enumerated() {
      let cuts = pieces(table.places.count, size)
      for (index, cut) in cuts.enumerated() {
        let start = table.places.lowerBound
        list.append(
          (
            (Double(index) + 0.5) / Double(cuts.count),
            Group(
              table: number, places: start + cut.lowerBound..<start + cut.upperBound,
              first: first + cut.lowerBound)
          ))
      }
      first += table.places.count
    }
    return list.sorted { ($0.place, $0.group.table) < ($1.place, $1.group.table) }.map(\.group)
  }

  private func table(_ group: Group) -> TensorHandle { tensors[3 + group.table] }

  // MARK: Gradients to collectors

  /// What stays in SBUF while gradients are added up.
  private struct Constants {
    var identity: Tile
    var ones: Tile
    /// One where a column stands before its row.
    var before: Tile
    /// A column per table: the spare row of each partition.
    var spares: Tile
  }

  private struct Pools {
    var diagonals: TilePool
    var equal: TilePool
    var earlier: TilePool
    var columns: TilePool
    var targets: TilePool
    var sums: TilePool
    var numbers: BankPool
    var banks: BankPool
  }

  private func constants(_ builder: inout KernelBuilder) throws(BuilderError) -> Constants {
    let identity = try builder.identity(128, .float32)
    let ones = try builder.tile("ones", 128, format: .float32)
    let before = try builder.tile("before", 128, format: .float32)
    let spares = try builder.tile("spare rows", tables.count, format: .float32)
    builder.memset(ones, 1)
    builder.memset(before, 1, on: .gpsimd)
    builder.affineSelect(
      before, before, .greaterThan, channelMultiplier: 1, steps: [-1], onFalse: 0)
    for (number, table) in tables.enumerated() {
      builder.iota(
        spares.columns(number..<number + 1), start: table.rows, channelMultiplier: 1, steps: [0])
    }
    return Constants(identity: identity, ones: ones, before: before, spares: spares)
  }

  private func pools(_ builder: inout KernelBuilder) throws(BuilderError) -> Pools {
    let wide = Self.together * 128
    return Pools(
      diagonals: try builder.pool("diagonal", buffers: 3, wide, format: .float32),
      equal: try builder.pool("equal", buffers: 3, wide, format: step.gradient),
      earlier: try builder.pool("earlier", buffers: 2, wide, format: .float32),
      columns: try builder.pool("columns", buffers: 3, 3 * Self.together, format: .float32),
      targets: try builder.pool("targets", buffers: 4, Self.together, format: .uint32),
      sums: try builder.pool("sums", buffers: 4 * Self.together, step.width, format: .float32),
      numbers: try builder.banks("row numbers", buffers: 3),
      banks: try builder.banks("sums", buffers: 5))
  }

  private func collect(_ groups: [Group], _ builder: inout KernelBuilder) throws(BuilderError) {
    let constants = try constants(&builder)
    var pools = try pools(&builder)
    var indices = try builder.pool("index", buffers: 3, step.places, format: .uint32)
    var rows = try builder.pool("row", buffers: 2, step.places, format: .float32)
    var slopes = try builder.pool("gradient", buffers: 3, step.columns, format: step.gradient)
    var turn = [Int](repeating: 0, count: tables.count)
    builder.pipelined(pieces(step.bags, 128)) { builder, tile in
      let index = indices.next().rows(0..<tile.count)
      let slope = slopes.next().rows(0..<tile.count)
      builder.load(index, from: tensors[0].rows(tile))
      builder.load(slope, from: tensors[1].rows(tile))
      return (index, slope)
    } compute: { builder, tile, loaded in
      let row = rows.next().rows(0..<tile.count)
      builder.copy(row, loaded.0)
      // Two groups, as a rule of two tables, send their sums in turn.
      for range in pieces(groups.count, 2) {
        let sent = groups[range].map {
          collect($0, row, loaded.1, constants, &pools, &builder)
        }
        for place in 0..<Self.together {
          for (group, sums) in zip(groups[range], sent) where place < sums.count {
            send(sums[place], to: group, &turn[group.table], &builder)
          }
        }
      }
    }
  }

  /// What 128 look-ups add to a table, and to which rows.
  private struct Sums {
    var values: Tile
    var rows: Tile
  }

  private func send(
    _ sums: Sums, to group: Group, _ turn: inout Int, _ builder: inout KernelBuilder
  ) {
    let collector = (2 + turn % step.collectors) * step.width
    turn += 1
    let table = table(group)
    builder.scatter(
      rows: table.block(rows: 0..<1, columns: collector..<collector + step.width),
      rowBytes: table.rowBytes, count: table.rows, from: sums.values, index: sums.rows,
      adds: true)
  }

  private func collect(
    _ group: Group, _ row: Tile, _ slope: Tile, _ constants: Constants, _ pools: inout Pools,
    _ builder: inout KernelBuilder
  ) -> [Sums] {
    let (bags, count) = (row.partitions, group.places.count)
    let own = 0..<bags
    /// The row numbers, each as often as there are bags.
    let numbers = row.viewed(
      offset: group.places.lowerBound, sizes: [count, bags], strides: [1, 0])
    let square = { (tile: Tile) in tile[own, 0..<count * bags].shaped(count, bags) }
    let diagonal = square(pools.diagonals.next())
    builder.tensorTensor(
      diagonal, constants.identity[own, own].repeated(count), numbers, .multiply)
    let others = pools.numbers.next(partitions: bags, columns: count * bags)
    builder.matmul(
      others, stationary: constants.ones[own, own], moving: diagonal.shaped(count * bags))
    let equal = square(pools.equal.next())
    builder.tensorTensor(equal, others.shaped(count, bags), numbers, .isEqual)
    let earlier = square(pools.earlier.next())
    builder.tensorTensor(earlier, equal, constants.before[own, own].repeated(count), .multiply)
    let columns = pools.columns.next().rows(own)
    let isFirst = columns.columns(0..<count)
    builder.tensorReduce(isFirst, earlier, .add)
    builder.tensorScalar(isFirst, isFirst, .isEqual, .immediate(0))
    let spare = constants.spares[own, group.table..<group.table + 1]
    let apart = columns.columns(count..<2 * count)
    builder.scalarTensorTensor(
      apart, row.columns(group.places), .subtract, spare.pointer, .multiply, isFirst)
    let target = pools.targets.next()[own, 0..<count]
    builder.tensorScalar(target, apart, .add, spare.pointer)
    return (0..<count).map { place in
      let bank = pools.banks.next(partitions: bags, columns: step.width)
      let start = tables[group.table].column
      builder.matmul(
        bank, stationary: equal.block(place), moving: slope.columns(start..<start + step.width))
      let sum = pools.sums.next().rows(own)
      builder.activation(
        sum, .copy, bank, scale: isFirst.columns(place..<place + 1).pointer)
      return Sums(values: sum, rows: target.columns(place..<place + 1))
    }
  }

  // MARK: New rows

  private func renew(_ groups: [Group], _ builder: inout KernelBuilder) throws(BuilderError) {
    let (width, length) = (step.width, step.rowLength)
    var indices = try builder.pool("index", buffers: 3, step.places, format: .uint32)
    var olds = try builder.pool("old", buffers: 4, Self.together * length, format: .float32)
    var news = try builder.pool("new", buffers: 3, Self.together * 2 * width, format: .float32)
    var slopes = try builder.pool("sum", buffers: 2, Self.together * width, format: .float32)
    var scratches = try builder.pool("root", buffers: 2, Self.together * width, format: .float32)
    builder.pipelined(pieces(step.bags, 128)) { builder, tile in
      let index = indices.next().rows(0..<tile.count)
      builder.load(index, from: tensors[0].rows(tile))
      return index
    } compute: { builder, tile, index in
      // Rows are gathered ahead of what is made of them.
      builder.pipelined(groups, ahead: 2) { builder, group in
        let old = olds.next()[0..<tile.count, 0..<group.places.count * length]
          .shaped(group.places.count, length)
        for (number, place) in group.places.enumerated() {
          builder.gather(
            old.block(number), rowsOf: table(group), index: index.columns(place..<place + 1))
        }
        return old
      } compute: { builder, group, old in
        let count = group.places.count
        let shape = { (buffer: Tile, columns: Int) in
          buffer[0..<tile.count, 0..<count * columns].shaped(count, columns)
        }
        let new = shape(news.next(), 2 * width)
        let slope = shape(slopes.next(), width)
        add(old, into: slope, &builder)
        step.update(
          weights: (old.columns(0..<width), new.columns(0..<width)),
          squares: (old.columns(width..<2 * width), new.columns(width..<2 * width)),
          gradient: slope, scratch: shape(scratches.next(), width), &builder)
        builder.store(scratch(tile, group), from: new)
      }
    }
  }

  /// The sum of a row's collectors.
  private func add(_ old: Tile, into sum: Tile, _ builder: inout KernelBuilder) {
    let width = step.width
    let part = { (index: Int) in old.columns((2 + index) * width..<(3 + index) * width) }
    if step.collectors == 1 { return builder.copy(sum, part(0)) }
    builder.tensorTensor(sum, part(0), part(1), .add)
    for index in 2..<max(2, step.collectors) {
      builder.tensorTensor(sum, sum, part(index), .add)
    }
  }

  /// Where a group's new rows lie: bags behind each other, look-ups within a bag.
  private func scratch(_ bags: Range<Int>, _ group: Group) -> TensorAccess {
    let length = 2 * step.width
    return tensors[2].access(
      offset: (bags.lowerBound * lookups + group.first) * length,
      sizes: [bags.count, group.places.count * length], strides: [lookups * length, 1])
  }

  // MARK: New rows to the tables

  private func put(_ groups: [Group], _ builder: inout KernelBuilder) throws(BuilderError) {
    let length = step.rowLength
    var indices = try builder.pool("index", buffers: 3, step.places, format: .uint32)
    var rows = try builder.pool("row", buffers: 8, length, format: .float32)
    for tile in rows.tiles { builder.memset(tile, 0) }
    builder.pipelined(pieces(step.bags, 128)) { builder, tile in
      let index = indices.next().rows(0..<tile.count)
      builder.load(index, from: tensors[0].rows(tile), on: .scalar)
      return index
    } compute: { builder, tile, index in
      builder.pipelined(groups, ahead: 6) { builder, group in
        let row = rows.next().rows(0..<tile.count)
        builder.load(row.columns(0..<2 * step.width), from: scratch(tile, group))
        return row
      } compute: { builder, group, row in
        builder.scatter(
          rowsOf: table(group), from: row, index: index.columns(group.places))
      }
    }
  }
}
