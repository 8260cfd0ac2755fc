import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// The largest (or smallest) elements of each row and where they stand: top-k, argmax, argmin.
///
/// Rows on partitions; eight at a time the vector engine finds the largest, looks up their places
/// and takes them out of the row (max8, find_index8, match_replace8). Equal elements come in the
/// order of their places. Rows longer than the instructions take are searched in parts whose
/// winners are searched again. Integers of 32 bits go as `TopIntegersEmitter` says.
/// Bound: the vector engine, three passes over a row for every eight elements.
///
/// Parameters in order: x [rows, columns], values [rows, count] (if wanted), places [rows, count].
package struct TopRowsKernel: Kernel {
  /// Rows.
  package var rows: Int
  /// Elements per row.
  package var columns: Int
  /// Elements wanted of each row.
  package var count: Int
  /// The largest; otherwise the smallest.
  package var seeksLargest: Bool
  /// Of equal elements the last comes first.
  package var prefersLast = false
  /// Writes the elements too.
  package var givesValues: Bool
  /// Format of x and values.
  package var format: NumberFormat

  /// The first `count` of each row in order.
  package init(
    rows: Int, columns: Int, count: Int, seeksLargest: Bool = true, givesValues: Bool,
    format: NumberFormat
  ) {
    self.rows = rows
    self.columns = columns
    self.count = count
    self.seeksLargest = seeksLargest
    self.givesValues = givesValues
    self.format = format
  }

  package var name: String {
    "\(seeksLargest ? "largest" : "smallest")-\(count) \(rows)x\(columns) \(format.name)"
  }

  package var parameters: [KernelParameter] {
    var list = [KernelParameter("x", [rows, columns], format)]
    if givesValues { list.append(KernelParameter("values", [rows, count], format, .output)) }
    list.append(KernelParameter("places", [rows, count], .int32, .output))
    return list
  }

  /// The best of all parts of a long row, for which SBUF has room beside the parts.
  private static let mostWinners = 4096
  /// Places of longer rows are no whole numbers of fp32.
  private static let mostColumns = 1 << 24

  /// How rows are cut: evenly, so that no part has less than is wanted of it. Halves of the longest
  /// row that the instructions take leave room for two buffers in fp32.
  private func parts(longest: Int) -> [Range<Int>] {
    guard columns > longest else { return [0..<columns] }
    return pieces(columns, ceilDivide(columns, ceilDivide(columns, longest / 2)))
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    let longest = builder.device.vector.findElementsMaximum.value
    let isWide = format.isInteger && format.sizeBytes == 4
    let parts = parts(longest: longest)
    let winners = parts.count * 8 * ceilDivide(count, 8)
    let isMerged =
      !isWide && parts.allSatisfy { $0.count >= 8 * ceilDivide(count, 8) }
      && winners <= Self.mostWinners && columns <= Self.mostColumns
    guard rows > 0, (1...columns).contains(count), columns <= longest || isMerged else {
      throw unsupported(
        "\(count) of \(columns) elements",
        allowed: "up to all elements of rows of at most \(longest)"
          + (isWide
            ? ""
            : ", and of longer ones so few that \(longest / 2) of their elements each give as many "
              + "and all of these are at most \(Self.mostWinners)"))
    }
    try builder.scope { builder throws(BuilderError) in
      if isWide {
        let emitter = try TopIntegersEmitter(self, tensors, &builder)
        for tile in pieces(rows, 128) { emitter.emit(tile, into: &builder) }
        return
      }
      var emitter = try TopRowsEmitter(self, tensors, parts, &builder)
      for tile in pieces(rows, 128) { emitter.emit(tile, into: &builder) }
    }
  }
}

/// Emits the search of tiles of rows.
private struct TopRowsEmitter {
  private let kernel: TopRowsKernel
  private let tensors: [TensorHandle]
  private let parts: [Range<Int>]
  private let rounds: Int
  private var inputs: TilePool
  private var works: TilePool
  private var values: TilePool
  private var places: TilePool
  private var amongs: TilePool
  private var wholes: TilePool
  private var results: TilePool
  private var merged: TilePool?
  private var ramp: Tile?

  init(
    _ kernel: TopRowsKernel, _ tensors: [TensorHandle], _ parts: [Range<Int>],
    _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.kernel = kernel
    self.tensors = tensors
    self.parts = parts
    rounds = ceilDivide(kernel.count, 8)
    let width = max(8, parts[0].count)
    inputs = try builder.pool("x", buffers: width > 4096 ? 1 : 2, width, format: kernel.format)
    works = try builder.pool("work", buffers: width > 4096 ? 1 : 2, width, format: .float32)
    let found = 8 * rounds * parts.count
    // Long rows are the work of one part after the other: nothing gains from a second buffer.
    let buffers = parts.count > 1 ? 1 : 2
    values = try builder.pool("values", buffers: buffers, found, format: .float32)
    places = try builder.pool("places", buffers: buffers, found, format: .uint32)
    amongs = try builder.pool("among", buffers: buffers, 8 * rounds, format: .uint32)
    wholes = try builder.pool("whole", buffers: 2, 8 * rounds, format: .int32)
    results = try builder.pool("result", buffers: 2, 8 * rounds, format: kernel.format)
    if parts.count > 1 {
      merged = try builder.pool(
        "merged", buffers: 1, 2 * found + 3 * 8 * rounds, format: .float32)
      let ramp = try builder.tile("ramp", found, format: .float32)
      builder.iota(ramp, steps: [1])
      self.ramp = ramp
    }
  }

  mutating func emit(_ rows: Range<Int>, into builder: inout KernelBuilder) {
    let value = values.next().rows(0..<rows.count)
    let place = places.next().rows(0..<rows.count)
    for (index, part) in parts.enumerated() {
      let work = load(rows, part, &builder)
      let own = 8 * rounds * index..<8 * rounds * (index + 1)
      search(work, value.columns(own), place.columns(own), &builder)
    }
    if parts.count > 1 {
      merge(rows, value, place, &builder)
    } else {
      let first = 0..<kernel.count
      let whole = wholes.next().rows(0..<rows.count).columns(first)
      mirror(whole, place.columns(first), &builder)
      store(rows, value.columns(first), whole, &builder)
    }
  }

  /// The largest of a row, which are taken out of it but for the last eight, and their places. What
  /// is taken out becomes NaN, which is never among the largest: minus infinity may be wanted.
  private func search(
    _ row: Tile, _ values: Tile, _ places: Tile, _ builder: inout KernelBuilder
  ) {
    for round in 0..<rounds {
      let eight = 8 * round..<8 * round + 8
      builder.largestEight(values.columns(eight), row)
      builder.findEight(places.columns(eight), row, values: values.columns(eight))
      if round + 1 < rounds {
        builder.replaceEight(row, row, values: values.columns(eight), by: .nan)
      }
    }
  }

  /// The row in fp32, negated when the smallest are wanted, backwards when the last come first; at
  /// least eight columns.
  private mutating func load(
    _ rows: Range<Int>, _ part: Range<Int>, _ builder: inout KernelBuilder
  ) -> Tile {
    let x = inputs.next().rows(0..<rows.count).columns(0..<part.count)
    let last = kernel.columns - 1
    builder.load(
      x,
      from: tensors[0].access(
        offset: rows.lowerBound * kernel.columns
          + (kernel.prefersLast ? last - part.lowerBound : part.lowerBound),
        sizes: [rows.count, part.count], strides: [kernel.columns, kernel.prefersLast ? -1 : 1]))
    let width = max(8, part.count)
    let work = works.next().rows(0..<rows.count).columns(0..<width)
    if width > part.count {
      builder.memset(work.columns(part.count..<width), -.infinity)
    }
    builder.tensorScalar(
      work.columns(0..<part.count), x, .multiply, .immediate(kernel.seeksLargest ? 1 : -1))
    return work
  }

  /// Places count from the row's end when it was read backwards.
  private func mirror(_ whole: Tile, _ places: Tile, _ builder: inout KernelBuilder) {
    if kernel.prefersLast {
      builder.tensorScalar(
        whole, places, .subtract, .immediate(Float(kernel.columns - 1)), reverse0: true)
    } else {
      builder.copy(whole, places)
    }
  }

  /// The best of the parts' best: the place of each among them picks its place in the row.
  private mutating func merge(
    _ rows: Range<Int>, _ value: Tile, _ place: Tile, _ builder: inout KernelBuilder
  ) {
    guard let scratch = merged?.next().rows(0..<rows.count), let ramp else { return }
    let (found, wanted) = (value.columns, 8 * rounds)
    let global = scratch.columns(0..<found)
    for (index, part) in parts.enumerated() {
      let own = wanted * index..<wanted * (index + 1)
      builder.tensorScalar(
        global.columns(own), place.columns(own), .add, .immediate(Float(part.lowerBound)))
    }
    let picked = scratch.columns(found..<2 * found)
    let third = { (number: Int) in
      scratch.columns(2 * found + number * wanted..<2 * found + (number + 1) * wanted)
    }
    let (best, positions, sums) = (third(0), third(1), third(2))
    let among = amongs.next().rows(0..<rows.count)
    search(value, best, among, &builder)
    builder.copy(positions, among)
    let first = 0..<kernel.count
    for number in first {
      let one = number..<number + 1
      builder.scalarTensorTensor(
        picked, ramp.rows(0..<rows.count), .isEqual, positions.columns(one).pointer, .multiply,
        global)
      builder.tensorReduce(sums.columns(one), picked, .add)
    }
    let whole = wholes.next().rows(0..<rows.count).columns(first)
    mirror(whole, sums.columns(first), &builder)
    store(rows, best.columns(first), whole, &builder)
  }

  private mutating func store(
    _ rows: Range<Int>, _ value: Tile, _ whole: Tile, _ builder: inout KernelBuilder
  ) {
    builder.store(tensors[tensors.count - 1].rows(rows), from: whole)
    guard kernel.givesValues else { return }
    let result = results.next().rows(0..<rows.count).columns(0..<value.columns)
    builder.tensorScalar(
      result, value, .multiply, .immediate(kernel.seeksLargest ? 1 : -1))
    builder.store(tensors[1].rows(rows), from: result, on: .scalar)
  }
}
