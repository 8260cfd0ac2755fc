import ModelGraph
import NumericFormats

/// Steps of a heat equation on a grid: each point moves towards the mean of its six neighbours.
///
/// Source: the seven-point stencil that stencil benchmarks take first (Datta et al., Stencil
/// Computation Optimization and Auto-tuning, 2008).
struct StencilGraphs: ReadableNetwork {
  /// Planes, rows and columns of the grid.
  var planes: Int
  var rows: Int
  var columns: Int
  /// Steps, one after the other.
  var steps: Int

  static func read(_ section: inout YAMLSection) throws(WorkloadError) -> StencilGraphs {
    StencilGraphs(
      planes: try section.integer("planes"), rows: try section.integer("rows"),
      columns: try section.integer("columns"), steps: try section.integer("steps"))
  }

  var itemCount: Int { planes * rows * columns * steps }

  func graph(named name: String, format: NumberFormat) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    var x = try builder.given("grid0", [planes, rows, columns])
    for step in 1...steps {
      x = try builder.apply(
        .stencil(Stencil(centre: 0.25, neighbour: 0.125)), to: [x], name: "grid\(step)",
        role: step == steps ? .output : .intermediate)
    }
    return try builder.finish()
  }
}

/// A batch of complex Fourier transforms of one length.
struct FourierGraphs: ReadableNetwork {
  /// Points of a transform.
  var length: Int
  /// Transforms.
  var batch: Int

  static func read(_ section: inout YAMLSection) throws(WorkloadError) -> FourierGraphs {
    FourierGraphs(length: try section.integer("length"), batch: try section.integer("batch"))
  }

  var itemCount: Int { length * batch }

  func graph(named name: String, format: NumberFormat) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    try builder.given("signal", [2, batch, length])
    let tables = try FourierTransform.tables(length)
    var inputs = ["signal"]
    for (index, name) in ["first", "second", "twiddle"].enumerated() {
      inputs.append(
        try builder.given(
          "\(name) factors", tables[index].shape, role: .weight,
          format: name == "twiddle" ? .float32 : nil,
          fill: .values(TensorConstant(tables[index]))))
    }
    try builder.apply(
      .fourierTransform(FourierTransform()), to: inputs, name: "spectrum", role: .output)
    return try builder.finish()
  }
}

/// One evaluation of the forces of a molecular-dynamics step over neighbour lists.
///
/// Source: the Lennard-Jones benchmark of LAMMPS (reduced density 0.8442, cutoff 2.5 σ, about 55
/// neighbours within it); a lattice that is shaken a little stands in for a melt.
struct NeighbourForceGraphs: ReadableNetwork {
  /// Particles, and places of a neighbour list.
  var particles: Int
  var neighbours: Int
  /// Distance of neighbours on the lattice, and the cutoff, in σ.
  var spacing: Double
  var cutoff: Double

  static func read(_ section: inout YAMLSection) throws(WorkloadError)
    -> NeighbourForceGraphs
  {
    NeighbourForceGraphs(
      particles: try section.integer("particles"), neighbours: try section.integer("neighbours"),
      spacing: try section.number("spacing", above: 0),
      cutoff: try section.number("cutoff", above: 0))
  }

  var itemCount: Int { particles }

  func graph(named name: String, format: NumberFormat) throws(GraphError) -> Graph {
    var builder = GraphBuilder(name: name, format: format)
    try builder.given("positions", [particles, 4], fill: .lattice(spacing: spacing))
    try builder.given(
      "neighbours", [particles, neighbours], format: .uint32, fill: .latticeNeighbours)
    try builder.apply(
      .neighbourForce(NeighbourForce(epsilon: 1, sigma: 1, cutoff: cutoff)),
      to: ["positions", "neighbours"], name: "forces", role: .output)
    return try builder.finish()
  }
}
