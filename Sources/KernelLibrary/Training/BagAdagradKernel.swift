import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// A table of embedding bags in training, and the bags' places that name its rows.
package struct TrainedTable: Hashable, Sendable {
  /// Rows that bags name; as many spare ones as there are partitions lie behind them.
  package var rows: Int
  /// The places of a bag that name rows of this table.
  package var places: Range<Int>
  /// Where the table's sums begin in a row of the gradient.
  package var column: Int

  /// A table.
  package init(rows: Int, places: Range<Int>, column: Int) {
    self.rows = rows
    self.places = places
    self.column = column
  }
}

/// What training steps on embedding bags share.
package struct BagStep: Hashable, Sendable {
  /// Bags.
  package var bags: Int
  /// Places of a bag, those of all tables.
  package var places: Int
  /// Columns of the gradient.
  package var columns: Int
  /// Weights of a row.
  package var width: Int
  /// Parts of a row behind weights and squares, in which gradients are added up.
  package var collectors: Int
  /// The learning rate.
  package var rate: Float
  /// Is added to the root of the squares.
  package var epsilon: Float
  /// Format of the gradient.
  package var gradient: NumberFormat

  /// A step with these lengths.
  package init(
    bags: Int, places: Int, columns: Int, width: Int, collectors: Int, rate: Float,
    epsilon: Float, gradient: NumberFormat
  ) {
    self.bags = bags
    self.places = places
    self.columns = columns
    self.width = width
    self.collectors = collectors
    self.rate = rate
    self.epsilon = epsilon
    self.gradient = gradient
  }

  /// Elements of a row.
  var rowLength: Int { (2 + collectors) * width }

  /// A table as a parameter, its spare rows included.
  func parameter(_ number: Int, rows: Int) -> KernelParameter {
    KernelParameter("table \(number)", [rows + 128, rowLength], .float32, .inOut)
  }

  /// s ← s + g², w ← w − rate · g / (√s + epsilon) for tiles of equal shape.
  func update(
    weights: (old: Tile, new: Tile), squares: (old: Tile, new: Tile), gradient: Tile,
    scratch: Tile, _ builder: inout KernelBuilder
  ) {
    builder.activation(scratch, .square, gradient)
    builder.tensorTensor(squares.new, squares.old, scratch, .add)
    builder.activation(scratch, .sqrt, squares.new)
    builder.scalarTensorTensor(
      scratch, scratch, .add, .immediate(epsilon), .divide, gradient, reverse1: true)
    builder.scalarTensorTensor(
      weights.new, scratch, .multiply, .immediate(-rate), .add, weights.old)
  }
}

/// A step of Adagrad on the rows of large tables that embedding bags name, and on no others.
///
/// A row holds weights, sums of squares, and collectors, in which gradients are added up and which
/// are zero before and after. Three passes over the look-ups, all tables in turn:
///
/// 1. Gradients are added to the collectors by transfers that add. Those take row numbers that
///    differ, so 128 look-ups are combined before: E, one where two of them name the same row,
///    times their gradients gives each its row's sum; the first of equal ones carries it, the
///    others add zero to spare rows. E comes from comparing the row numbers with their own
///    transpose, a product of ones with a diagonal matrix. (Sorting 438,272 look-ups has no
///    instruction; an E over more than 128 of them saves no transfer, for what is combined cannot
///    be left out.)
/// 2. Each look-up reads its row and writes the new one to scratch memory. Look-ups of the same row
///    find the same sums and write the same.
/// 3. The new rows go to the table, collectors zero.
///
/// Transfers to one table wait for each other, as rows may be the same: look-ups of all tables
/// stand in turn so that one waits while others go, and collectors take turns.
/// Bound: the transfers to the table with the most look-ups, one after the other.
///
/// Parameters in order: index [bags, places] uint32, gradient [bags, columns], scratch
/// [look-ups, 2 · width] fp32, tables [rows + 128, row] fp32 each.
package struct BagAdagradKernel: Kernel {
  /// Lengths and rates.
  package var step: BagStep
  /// The tables.
  package var tables: [TrainedTable]

  /// A step on some tables.
  package init(_ step: BagStep, tables: [TrainedTable]) {
    self.step = step
    self.tables = tables
  }

  package var name: String {
    "bag-adagrad \(step.bags)x\(lookups) of \(tables.count) tables x\(step.width)"
      + " \(step.gradient.name)"
  }

  /// Look-ups of a bag in these tables.
  private var lookups: Int { tables.reduce(0) { $0 + $1.places.count } }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("index", [step.bags, step.places], .uint32),
      KernelParameter("gradient", [step.bags, step.columns], step.gradient),
      KernelParameter("scratch", [step.bags * lookups, 2 * step.width], .float32, .output),
    ] + tables.enumerated().map { step.parameter($0, rows: $1.rows) }
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard step.bags > 0, !tables.isEmpty, (1...512).contains(step.width),
      tables.allSatisfy({ !$0.places.isEmpty && $0.rows + 128 < 1 << 24 })
    else {
      throw unsupported(
        "rows of \(step.width)", allowed: "1 to 512 weights in at most 2^24 rows of a table")
    }
    try BagAdagradEmitter(self, tensors, lookups: lookups).emit(&builder)
  }
}
