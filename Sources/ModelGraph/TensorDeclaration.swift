package import NumericFormats

/// What a tensor is to the graph that declares it.
package enum TensorRole: String, Hashable, Sendable, CaseIterable {
  /// Given anew for each evaluation.
  case input
  /// Given once, the same for every evaluation.
  case weight
  /// Made by a node and read by nodes.
  case intermediate
  /// Made by a node and handed back.
  case output
  /// Given, and replaced by a tensor that `updates` it: a key cache, trained weights.
  case state

  /// True when the value comes from outside the graph.
  package var isGiven: Bool { self == .input || self == .weight || self == .state }
}

/// How the seeded values of a given tensor are drawn.
package enum TensorFill: Hashable, Sendable {
  /// All zero.
  case zeros
  /// Every element the same.
  case constant(Double)
  /// Bell-shaped around zero with this standard deviation (see `SeededGenerator.normal`).
  case normal(standardDeviation: Double)
  /// Rows whose first `columns` elements are bell-shaped with this standard deviation, the others
  /// zero: table rows with an optimiser's state behind them.
  case leading(columns: Int, standardDeviation: Double)
  /// Evenly spread from `low` up to, and without, `high`.
  case uniform(low: Double, high: Double)
  /// Whole numbers from 0 up to, and without, `count`: token or class indices.
  case indices(count: Int)
  /// Whole numbers from `low` up to, and without, `high`.
  case wholeNumbers(low: Int, high: Int)
  /// The cosines that a rotary embedding multiplies by: rows are positions, columns are pairs.
  case rotaryCosine(RotaryAngles)
  /// The sines that a rotary embedding multiplies by: rows are positions, columns are pairs.
  case rotarySine(RotaryAngles)
  /// Positions of particles, one row of four each: a cubic lattice of that spacing, each coordinate
  /// moved by up to a tenth of it, the fourth zero.
  case lattice(spacing: Double)
  /// Row numbers of the particles of such a lattice around each particle, the nearest shells of
  /// cells first; none beyond the lattice: an empty place.
  case latticeNeighbours
  /// Row numbers as recommenders see them: column j of each row is drawn from the rows of a table
  /// of `counts[j]`, the k-th most frequent with a share of about k^(−exponent); frequent rows are
  /// spread over the table.
  case powerLaw(counts: [Int], exponent: Double)
  /// The same in lists of `places` columns that are not full: 1 to all of a list's places name rows
  /// of a table of `rows`, those behind them name row `rows`, which marks an empty place.
  case raggedPowerLaw(rows: Int, places: Int, exponent: Double)
  /// These values.
  case values(TensorConstant)

  /// True for numbers drawn at random, as weights begin.
  package var isDrawn: Bool {
    switch self {
    case .normal, .uniform: true
    default: false
    }
  }
}

/// Values that a graph carries, held once however often the graph is copied.
package final class TensorConstant: Sendable, Hashable {
  /// The values.
  package let view: TensorView

  /// Holds these values.
  package init(_ view: TensorView) { self.view = view }

  /// The same object: comparing weights element by element would cost more than it is worth.
  package static func == (a: TensorConstant, b: TensorConstant) -> Bool { a === b }

  package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// One named tensor of a graph.
package struct TensorDeclaration: Hashable, Sendable {
  /// Unique within its graph.
  package var name: String
  /// Axis lengths, outermost first.
  package var shape: TensorShape
  /// What kind of numbers it holds; follows `format` unless that cannot hold them.
  package var type: ElementType
  /// How its elements are stored on the device.
  package var format: NumberFormat
  /// What it is to the graph.
  package var role: TensorRole
  /// How a given tensor is filled when no data is named.
  package var fill: TensorFill
  /// The state tensor in whose place this one is stored when the evaluation ends.
  package var updates: String?

  /// A declaration; `fill` matters for given tensors alone.
  package init(
    name: String, shape: TensorShape, format: NumberFormat, role: TensorRole,
    fill: TensorFill = .zeros, updates: String? = nil, type: ElementType? = nil
  ) {
    self.name = name
    self.shape = shape
    self.format = format
    self.type = type ?? .format(format)
    self.role = role
    self.fill = fill
    self.updates = updates
  }

  /// Bytes that the tensor takes in device memory.
  package var sizeBytes: Int { shape.elementCount * format.sizeBytes }
}
