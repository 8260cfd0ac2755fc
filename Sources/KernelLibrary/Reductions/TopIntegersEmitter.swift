import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats

/// Emits the search of tiles of rows of 32-bit integers.
///
/// Engines compare in fp32, which does not tell all 32-bit integers apart, so each is taken as two
/// halves of 16 bits. One element after the other: the largest upper half, the largest lower half
/// among the elements that have it, the first place of that, which is then taken out of the row.
/// Bound: the vector engine, seven passes over a row for every element.
struct TopIntegersEmitter {
  private let kernel: TopRowsKernel
  private let tensors: [TensorHandle]
  private let ramp: Tile
  private let rows: Rows
  private let found: Found

  /// Below any upper half, once taken, and below that where no element stands.
  private static let taken: Float = -1 * Float(1 << 20)
  private static let outside: Float = 4 * taken
  private static let halfBits: Float = 16
  private static let halfMask = Float(UInt16.max)
  private static let halfSign = Float(1 << 15)

  /// A tile's rows while elements are taken from them.
  private struct Rows {
    /// The halves, so that larger ones come first; the lower one counts from 1.
    var upper: Tile
    var lower: Tile
    /// Scratch of a row's length.
    var work: Tile
    var bits: Tile
  }

  init(
    _ kernel: TopRowsKernel, _ tensors: [TensorHandle], _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.kernel = kernel
    self.tensors = tensors
    let (width, count) = (max(8, kernel.columns), kernel.count)
    ramp = try builder.tile("ramp", width, format: .float32)
    builder.iota(ramp, steps: [1])
    rows = Rows(
      upper: try builder.tile("upper", width, format: .float32),
      lower: try builder.tile("lower", width, format: .float32),
      work: try builder.tile("work", width, format: .float32),
      bits: try builder.tile("bits", width, format: .int32))
    found = Found(
      upper: try builder.tile("found upper", count, format: .float32),
      lower: try builder.tile("found lower", count, format: .float32),
      places: try builder.tile("found places", count, format: .float32),
      eight: try builder.tile("eight", 8, format: .float32),
      where8: try builder.tile("where", 8, format: .uint32),
      whole: try builder.tile("whole", count, format: .int32),
      half: try builder.tile("half", count, format: .int32))
  }

  func emit(_ tile: Range<Int>, into builder: inout KernelBuilder) {
    let count = 0..<tile.count
    let part = Rows(
      upper: rows.upper.rows(count), lower: rows.lower.rows(count), work: rows.work.rows(count),
      bits: rows.bits.rows(count))
    load(tile, part, &builder)
    let best = found.rows(count)
    for step in 0..<kernel.count { take(step, part, ramp.rows(count), best, &builder) }
    store(tile, best, &builder)
  }

  /// What was found so far: a column per element.
  private struct Found {
    var upper: Tile
    var lower: Tile
    var places: Tile
    var eight: Tile
    var where8: Tile
    var whole: Tile
    var half: Tile

    func rows(_ range: Range<Int>) -> Found {
      Found(
        upper: upper.rows(range), lower: lower.rows(range), places: places.rows(range),
        eight: eight.rows(range), where8: where8.rows(range), whole: whole.rows(range),
        half: half.rows(range))
    }
  }

  /// Both halves of a tile's rows, read backwards when the last come first.
  private func load(
    _ tile: Range<Int>, _ rows: Rows, _ builder: inout KernelBuilder
  ) {
    let columns = kernel.columns
    let own = 0..<columns
    let whole = rows.work.reinterpreted(as: kernel.format).columns(own)
    builder.load(
      whole,
      from: tensors[0].access(
        offset: tile.lowerBound * columns + (kernel.prefersLast ? columns - 1 : 0),
        sizes: [tile.count, columns], strides: [columns, kernel.prefersLast ? -1 : 1]))
    if rows.upper.columns > columns {
      let rest = columns..<rows.upper.columns
      builder.memset(rows.upper.columns(rest), Self.outside)
      builder.memset(rows.lower.columns(rest), 0)
    }
    let (bits, upper, lower) = (
      rows.bits.reinterpreted(as: kernel.format).columns(own), rows.upper.columns(own),
      rows.lower.columns(own)
    )
    builder.tensorScalar(bits, whole, .bitwiseAnd, .immediate(Self.halfMask))
    // From 1 on, larger ones first.
    if kernel.seeksLargest {
      builder.tensorScalar(lower, bits, .add, .immediate(1))
    } else {
      builder.tensorScalar(
        lower, bits, .subtract, .immediate(Self.halfMask + 1), reverse0: true)
    }
    builder.tensorScalar(bits, whole, .shiftRight, .immediate(Self.halfBits))
    builder.copy(upper, bits)
    if kernel.format == .int32 {
      // Zeros are shifted in: a half with the sign's bit stands for a negative number.
      let sign = rows.work.columns(own)
      builder.tensorScalar(
        sign, upper, .greaterEqual, .immediate(Self.halfSign), .multiply,
        .immediate(-Self.halfMask - 1))
      builder.tensorTensor(upper, upper, sign, .add)
    }
    if !kernel.seeksLargest { builder.tensorScalar(upper, upper, .multiply, .immediate(-1)) }
  }

  /// Takes the next element out of each row.
  private func take(
    _ step: Int, _ rows: Rows, _ ramp: Tile, _ found: Found, _ builder: inout KernelBuilder
  ) {
    let column = step..<step + 1
    let top = found.upper.columns(column)
    builder.tensorReduce(top, rows.upper, .max)
    builder.scalarTensorTensor(
      rows.work, rows.upper, .isEqual, top.pointer, .multiply, rows.lower)
    builder.largestEight(found.eight, rows.work)
    builder.findEight(found.where8, rows.work, values: found.eight)
    builder.copy(found.lower.columns(column), found.eight.columns(0..<1))
    let place = found.places.columns(column)
    builder.copy(place, found.where8.columns(0..<1))
    builder.tensorScalar(
      rows.work, ramp, .isEqual, place.pointer, .multiply, .immediate(Self.taken))
    builder.tensorTensor(rows.upper, rows.upper, rows.work, .add)
  }

  private func store(
    _ tile: Range<Int>, _ found: Found, _ builder: inout KernelBuilder
  ) {
    if kernel.prefersLast {
      builder.tensorScalar(
        found.whole, found.places, .subtract, .immediate(Float(kernel.columns - 1)), reverse0: true)
    } else {
      builder.copy(found.whole, found.places)
    }
    builder.store(tensors[tensors.count - 1].rows(tile), from: found.whole)
    guard kernel.givesValues else { return }
    let sign: Float = kernel.seeksLargest ? 1 : -1
    builder.tensorScalar(found.whole, found.upper, .multiply, .immediate(sign))
    builder.tensorScalar(found.whole, found.whole, .shiftLeft, .immediate(Self.halfBits))
    if kernel.seeksLargest {
      builder.tensorScalar(found.half, found.lower, .subtract, .immediate(1))
    } else {
      builder.tensorScalar(
        found.half, found.lower, .subtract, .immediate(Self.halfMask + 1), reverse0: true)
    }
    builder.tensorTensor(found.whole, found.whole, found.half, .bitwiseOr)
    builder.store(
      tensors[1].rows(tile), from: found.whole.reinterpreted(as: kernel.format), on: .scalar)
  }
}
