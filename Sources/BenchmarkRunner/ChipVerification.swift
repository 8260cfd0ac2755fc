import CoreState
import InstructionSet
import Lowering
import ModelGraph
import NeuronChip
import NumericFormats

/// Checks what the cores of a split model left in HBM.
///
/// Three checks meet: each kernel of each core against the float64 meaning of the part's own graph,
/// each sum over the cores against the parts that they held, and the split itself: the parts'
/// graphs, evaluated side by side in float64 with exact sums, must mean what the whole model means.
struct ChipVerification {
  private let model: SplitModel
  private let checker: NumericsChecker
  private let seed: UInt64

  /// What float64 loses when sums are formed in another order, relative to a tensor's root mean
  /// square: thousands of its roundings.
  private static let reordered = 0x1p-40

  init(_ model: SplitModel, checker: NumericsChecker, seed: UInt64) {
    self.model = model
    self.checker = checker
    self.seed = seed
  }

  /// One report per tensor that a kernel left on a core, per sum and per output of the model.
  func reports(_ chip: borrowing ChipModel, _ isCancelled: () -> Bool) throws(GraphError)
    -> [NumericsReport]
  {
    var reports: [NumericsReport] = []
    for rank in 0..<model.ranks where !isCancelled() {
      reports += try kernels(rank, chip)
    }
    for node in model.sums { reports += try sum(node, chip) }
    if isAffordable { reports += try split() }
    return reports
  }

  /// The kernels of one core.
  private func kernels(_ rank: Int, _ chip: borrowing ChipModel) throws(GraphError)
    -> [NumericsReport]
  {
    var alone = model.lowered
    alone.steps.removeAll { step in step.nodes.contains(where: \.isSum) }
    let verification = GraphVerification(alone, checker: checker)
    let found: Result<[NumericsReport], GraphError> = chip.withCore(rank) { core in
      do throws(GraphError) { return .success(try verification.reports(core)) } catch {
        return .failure(error)
      }
    }
    return try found.get().map { $0.named("core \(rank): \($0.node)") }
  }

  /// A sum over the cores: formed in fp32, rounded to the format once.
  private func sum(_ node: Node, _ chip: borrowing ChipModel) throws(GraphError)
    -> [NumericsReport]
  {
    let parts = try (0..<model.ranks).map { rank throws(GraphError) in
      try values(node.inputs[0], on: rank, chip)
    }
    let format = try declaration(node.outputs[0]).format
    let indices = Array(parts[0].indices)
    let reference = indices.map { index in parts.reduce(0) { $0 + $1[index] } }
    let bounds = indices.map { index in
      let sizes = parts.reduce(0) { $0 + abs($1[index]) }
      return Tolerance.rounded(
        Double(model.ranks) * Tolerance.sum * sizes, of: reference[index],
        unit: Roundoff.unit(of: format), floor: Roundoff.floor(of: format))
    }
    var reports: [NumericsReport] = []
    for rank in 0..<model.ranks {
      let found = try values(node.outputs[0], on: rank, chip)
      reports.append(
        NumericsReport(
          node: "core \(rank): \(node.name)", indices: indices, reference: reference,
          bounds: bounds, outputCount: indices.count, found: { found[$0] }))
    }
    return reports
  }

  /// True where all of the model can be evaluated in float64.
  private var isAffordable: Bool {
    model.wholeGraph.operationCount < checker.wholeBelowOperations
  }

  // MARK: The whole

  /// The split model in float64 beside the whole one, output by output.
  private func split() throws(GraphError) -> [NumericsReport] {
    let whole = try wholeValues()
    let parts = try partValues()
    var reports: [NumericsReport] = []
    for output in model.lowered.graph.outputTensors {
      guard let reference = whole[output.name]?.allValues else { continue }
      let found = model.cut(output).joined(parts.map { $0[output.name]?.allValues ?? [] })
      let squares = reference.reduce(0) { $0 + $1 * $1 }
      let typical = (squares / Double(max(1, reference.count))).squareRoot()
      reports.append(
        NumericsReport(
          node: "split: \(output.name)", indices: Array(reference.indices), reference: reference,
          bounds: reference.map { Self.reordered * max(abs($0), typical) },
          outputCount: reference.count, found: { found[$0] }))
    }
    return reports
  }

  private func wholeValues() throws(GraphError) -> [String: TensorView] {
    var given: [String: TensorView] = [:]
    for tensor in model.wholeGraph.givenTensors {
      given[tensor.name] = try DeviceTensor(filling: tensor, seed: seed).view(as: tensor)
    }
    return try Float64Interpreter.evaluate(model.wholeGraph, given: given)
  }

  /// Every tensor of every rank, the ranks side by side.
  private func partValues() throws(GraphError) -> [[String: TensorView]] {
    var ranks = [[String: TensorView]](repeating: [:], count: model.ranks)
    for tensor in model.lowered.graph.givenTensors {
      let values = DeviceTensor(filling: model.whole(tensor), seed: seed)
      for rank in ranks.indices {
        ranks[rank][tensor.name] = try values.part(rank, of: model.cut(tensor)).view(as: tensor)
      }
    }
    for node in model.lowered.graph.nodes {
      if node.isSum {
        try add(node, &ranks)
        continue
      }
      for rank in ranks.indices {
        let inputs = node.inputs.map { ranks[rank][$0] }
        let made = try Float64Interpreter.results(
          node.operation, inputs: inputs, node: node.name)
        for (name, value) in zip(node.outputs, made) { ranks[rank][name] = value }
      }
    }
    return ranks
  }

  private func add(_ node: Node, _ ranks: inout [[String: TensorView]]) throws(GraphError) {
    let parts = ranks.compactMap { $0[node.inputs[0]]?.allValues }
    let shape = try declaration(node.outputs[0]).shape
    let sums = (0..<shape.elementCount).map { index in parts.reduce(0) { $0 + $1[index] } }
    let view = try TensorView(sums, shape: shape, format: .float32)
    for rank in ranks.indices { ranks[rank][node.outputs[0]] = view }
  }

  /// How much the device's outputs resemble those of the whole model in float64.
  func likeness(_ chip: borrowing ChipModel) throws(GraphError) -> [String] {
    guard isAffordable else { return [] }
    let whole = try wholeValues()
    var lines: [String] = []
    for output in model.lowered.graph.outputTensors {
      guard let reference = whole[output.name]?.allValues else { continue }
      let parts = try (0..<model.ranks).map { rank throws(GraphError) in
        try values(output.name, on: rank, chip)
      }
      let likeness = Likeness(model.cut(output).joined(parts), reference)
      lines.append("output '\(output.name)': \(likeness.text) with the whole model in float64")
    }
    return lines
  }

  // MARK: Values on a core

  private func values(_ name: String, on rank: Int, _ chip: borrowing ChipModel)
    throws(GraphError) -> [Double]
  {
    let tensor = try declaration(name)
    guard let index = model.lowered.allocations[name] else {
      throw .badValue(tensor: name, reason: "it does not lie in HBM")
    }
    let address = model.lowered.program.tensors[index].address
    return chip.withCore(rank) { core in
      DeviceTensor(downloading: tensor, as: tensor.format, from: core, at: address)
        .values(tensor.format).map { Double($0) }
    }
  }

  private func declaration(_ name: String) throws(GraphError) -> TensorDeclaration {
    guard let tensor = model.lowered.graph.tensor(name) else {
      throw .badValue(tensor: name, reason: "the graph does not declare it")
    }
    return tensor
  }
}

extension SplitModel {
  /// The sums over the ranks, in order.
  var sums: [Node] { lowered.graph.nodes.filter(\.isSum) }
}

extension Node {
  /// True for a sum over ranks.
  var isSum: Bool {
    if case .allReduce = operation { true } else { false }
  }
}
