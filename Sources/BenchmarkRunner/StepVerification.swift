import ModelGraph
import NumericFormats

/// Checks what a kernel left in HBM against the float64 reference, given what it read from HBM.
///
/// A kernel that carries out several nodes leaves only the last one's tensor in memory. The tensors
/// between are then evaluated in float64 at the elements that the check needs, and are granted the
/// rounding of their declared format.
struct StepVerification {
  /// The flattened graph.
  let graph: Graph
  /// The nodes that the kernel carried out.
  let nodes: [Node]
  /// How outputs are sampled and compared.
  let checker: NumericsChecker
  /// The device's tensors by name; nil for tensors that never were in HBM.
  let device: (String) throws(GraphError) -> TensorView?

  /// One report per tensor that the kernel left in HBM.
  func reports() throws(GraphError) -> [NumericsReport] {
    var reports: [NumericsReport] = []
    for node in nodes {
      var inputs: [TensorView] = []
      var isWhole = true
      for (place, input) in node.inputs.enumerated() {
        if let value = try operand(place, of: node) {
          inputs.append(value)
        } else if !input.isEmpty {
          isWhole = false
        }
      }
      for (index, name) in node.outputs.enumerated() {
        guard !name.isEmpty, let output = try device(name), output.count > 0 else { continue }
        if index > 0 {
          reports.append(
            try checker.check(
              result: index, of: node.operation, named: node.name, inputs: inputs, output: output))
        } else if isWhole {
          reports.append(
            try checker.check(
              node.operation, named: node.name, inputs: inputs, output: output,
              operationCount: graph.evaluationCount(of: node)))
        } else {
          reports.append(try fused(node, output))
        }
      }
    }
    return reports
  }

  /// An input from HBM; a bound of Clip that is left out does not bind.
  private func operand(_ place: Int, of node: Node) throws(GraphError) -> TensorView? {
    let name = node.inputs[place]
    guard name.isEmpty, case .elementwise(let elementwise) = node.operation,
      elementwise.function == .clip
    else { return try read(name) }
    let type = try declaration(node.outputs[0]).storedType
    if let bounds = type.integerBounds {
      let bound = place == 1 ? bounds.lowerBound : bounds.upperBound
      return try TensorView(integers: [bound], shape: [], type: type)
    }
    let bound: Double = place == 1 ? -.infinity : .infinity
    return try TensorView([bound], shape: [], type: type)
  }

  /// A tensor as a node of this step may have read it: one that the step itself makes is in HBM
  /// after its rounding, and may have been used on the chip before.
  private func read(_ name: String) throws(GraphError) -> TensorView? {
    guard let value = try device(name), nodes.contains(where: { $0.outputs.contains(name) }) else {
      return try device(name)
    }
    return value.beforeRounding(rounding(to: value.format).outputUnit)
  }

  private func rounding(to format: NumberFormat) -> Rounding {
    var rounding = Rounding(output: format, intermediate: .float32)
    rounding.isStochastic = checker.isStochastic
    return rounding
  }

  /// Checks a node with inputs that stayed on the chip, at sampled elements.
  private func fused(_ node: Node, _ output: TensorView) throws(GraphError) -> NumericsReport {
    let operations = nodes.reduce(0) { $0 + graph.evaluationCount(of: $1) }
    let all =
      operations < checker.wholeBelowOperations
      ? Array(0..<output.count) : fewRows(of: node, shape: output.shape)
    let unspecified = try unspecified(output.count)
    let indices = unspecified.isEmpty ? all : all.filter { !unspecified.contains($0) }
    guard isElementwise(node.operation) else {
      return try fusedProduct(node, output, at: indices)
    }
    let inputs = try operands(of: node, at: indices, shape: output.shape)
    let found = try TensorView(
      indices.map { output[$0] }, shape: [indices.count], type: output.type)
    let report = try checker.check(
      node.operation, named: node.name, inputs: inputs, output: found,
      operationCount: indices.count)
    return report.located(at: indices, outputCount: output.count)
  }

  /// Elements that a node of this step may make in two ways, where it makes one for each of the
  /// output's.
  private func unspecified(_ count: Int) throws(GraphError) -> Set<Int> {
    var found: Set<Int> = []
    for node in nodes {
      guard case .convolution = node.operation,
        try declaration(node.outputs[0]).shape.elementCount == count
      else { continue }
      var inputs: [TensorView] = []
      for name in node.inputs where !name.isEmpty {
        if let value = try read(name) { inputs.append(value) }
      }
      if inputs.count == node.inputs.count {
        found.formUnion(try node.operation.unspecified(inputs))
      }
    }
    return found
  }

  /// Samples that lie in two rows of each tile of rows: a row behind two products costs all of both
  /// weight matrices.
  private func fewRows(of node: Node, shape: TensorShape) -> [Int] {
    let columns = shape.columnCount
    let rows = shape.elementCount / columns
    let tile = checker.outputTile.first ?? rows
    let moved = checker.samples(node.operation, shape: shape).map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: columns)
      let first = row / tile * tile
      let count = min(tile, rows - first)
      let picks = [count / 7, count - 1 - count / 11]
      return (first + picks[(row + column) % 2]) * columns + column
    }
    return Set(moved).sorted()
  }

  /// A product of which only some rows are looked at: its result and the rows of its left operand.
  private func fusedProduct(_ node: Node, _ output: TensorView, at indices: [Int])
    throws(GraphError) -> NumericsReport
  {
    let product = try compact(node, at: indices)
    let found = try TensorView(
      indices.map { output[$0] }, shape: [indices.count], format: output.format)
    let values = try TensorView(
      product.values, shape: [indices.count], format: .float32, uncertainty: product.uncertainty)
    let report = try checker.check(
      .copy, named: node.name, inputs: [values], output: found, operationCount: indices.count)
    return report.located(at: indices, outputCount: output.count)
  }

  /// Evaluated elements, and how far the device's own may be from them, relative to the larger of
  /// an element and their root mean square.
  private struct Evaluated {
    var values: [Double]
    var uncertainty: Double
  }

  /// The inputs of an element-wise node at the elements of its result.
  private func operands(of node: Node, at indices: [Int], shape: TensorShape) throws(GraphError)
    -> [TensorView]
  {
    var operands: [TensorView] = []
    for (place, input) in node.inputs.enumerated() {
      if input.isEmpty, let value = try operand(place, of: node) {
        operands.append(value)
        continue
      }
      let tensor = try declaration(input)
      let own = indices.map { tensor.shape.sourceIndex(of: $0, in: shape) }
      if let value = try read(input) {
        operands.append(try value.picked(own, shape: [own.count]))
        continue
      }
      let evaluated = try values(input, at: own)
      operands.append(
        try TensorView(
          evaluated.values, shape: [indices.count], type: tensor.storedType,
          uncertainty: evaluated.uncertainty))
    }
    return operands
  }

  /// Elements of a tensor, evaluated back to what the kernel read from HBM.
  private func values(_ name: String, at indices: [Int]) throws(GraphError) -> Evaluated {
    if let value = try read(name) {
      return Evaluated(values: indices.map { value[$0] }, uncertainty: value.uncertainty)
    }
    guard let node = nodes.first(where: { $0.outputs.contains(name) }) else {
      throw .badValue(tensor: name, reason: "no kernel of this step makes it")
    }
    let tensor = try declaration(name)
    guard isElementwise(node.operation) else { return try compact(node, at: indices) }
    let inputs = try operands(of: node, at: indices, shape: tensor.shape)
    let values = try Float64Interpreter.evaluate(node.operation, inputs: inputs)
    return try granted(
      node.operation, inputs, values, at: Array(indices.indices), format: tensor.format)
  }

  /// A product at some elements: the rows that they lie in, times all of the right operand.
  private func compact(_ node: Node, at indices: [Int]) throws(GraphError) -> Evaluated {
    guard case .matMul(let transposeA, let transposeB) = node.operation else {
      return try given(node, at: indices)
    }
    let tensor = try declaration(node.outputs[0])
    guard let right = try read(node.inputs[1]) else {
      throw .badValue(tensor: node.inputs[1], reason: "the right operand never was in HBM")
    }
    if transposeA, let left = try read(node.inputs[0]) {
      let values = try Float64Interpreter.evaluate(
        node.operation, inputs: [left, right], at: indices)
      return try granted(
        node.operation, [left, right], values, at: indices, format: tensor.format)
    }
    let columns = tensor.shape.columnCount
    let rows = Set(indices.map { $0 / columns }).sorted()
    let places = Dictionary(uniqueKeysWithValues: rows.enumerated().map { ($1, $0) })
    let left = try leftRows(node.inputs[0], rows)
    let product = Operator.matMul(transposeA: false, transposeB: transposeB)
    let own = indices.map { places[$0 / columns]! * columns + $0 % columns }
    let isDense = own.count * 4 >= rows.count * columns
    let values: [Double]
    if isDense {
      let all = try Float64Interpreter.evaluate(product, inputs: [left, right])
      values = own.map { all[$0] }
    } else {
      values = try Float64Interpreter.evaluate(product, inputs: [left, right], at: own)
    }
    return try granted(product, [left, right], values, at: own, format: tensor.format)
  }

  /// A node whose inputs all were in HBM, at some elements; of one that moves or turns few
  /// elements, those that stayed on the chip are evaluated whole.
  private func given(_ node: Node, at indices: [Int]) throws(GraphError) -> Evaluated {
    var inputs: [TensorView] = []
    for input in node.inputs where !input.isEmpty {
      if let value = try read(input) {
        inputs.append(value)
        continue
      }
      guard readsFew(node.operation) else {
        throw .badValue(
          tensor: node.name,
          reason: "\(node.operation.name) of what stayed on the chip is not checked")
      }
      let tensor = try declaration(input)
      let whole = try values(input, at: Array(0..<tensor.shape.elementCount))
      inputs.append(
        try TensorView(
          whole.values, shape: tensor.shape, type: tensor.storedType,
          uncertainty: whole.uncertainty))
    }
    let values: [Double]
    let shape = try declaration(node.outputs[0]).shape
    if indices.count * 4 >= shape.elementCount {
      let all = try Float64Interpreter.evaluate(node.operation, inputs: inputs)
      values = indices.map { all[$0] }
    } else {
      values = try Float64Interpreter.evaluate(node.operation, inputs: inputs, at: indices)
    }
    return try granted(
      node.operation, inputs, values, at: indices,
      format: try declaration(node.outputs[0]).format)
  }

  /// Some rows of a left operand as a matrix of their own.
  private func leftRows(_ name: String, _ rows: [Int]) throws(GraphError) -> TensorView {
    let tensor = try declaration(name)
    let depth = tensor.shape.columnCount
    let indices = rows.flatMap { row in row * depth..<(row + 1) * depth }
    let evaluated = try values(name, at: indices)
    return try TensorView(
      evaluated.values, shape: [rows.count, depth], format: tensor.format,
      uncertainty: evaluated.uncertainty)
  }

  /// What the tolerance formula grants the device for these elements, as a relative uncertainty;
  /// the kernel may also have rounded them to the tensor's format.
  private func granted(
    _ operation: Operator, _ inputs: [TensorView], _ values: [Double], at indices: [Int],
    format: NumberFormat
  ) throws(GraphError) -> Evaluated {
    // A sample of the elements bounds them all: norms differ little from row to row.
    let some = stride(from: 0, to: indices.count, by: max(1, indices.count / 256)).map { $0 }
    let shape = try ShapeInference.result(of: operation, inputs: inputs, node: operation.name)
    let tolerance = Tolerance(
      operation, inputs: inputs, shape: shape, rounding: rounding(to: format))
    let bounds = try tolerance.bounds(
      at: some.map { indices[$0] }, reference: some.map { values[$0] })
    let squares = values.reduce(0) { $1.isFinite ? $0 + $1 * $1 : $0 }
    let typical = (squares / Double(max(1, values.count))).squareRoot()
    var uncertainty = 0.0
    // What rounding does depends on where an element lies between two powers of two: the sampled
    // elements need not hold the worst place.
    let unit = tolerance.outputRounding
    for (position, bound) in zip(some, bounds) where bound.isFinite {
      let size = max(abs(values[position]), typical)
      let computed = max(0, bound - unit * abs(values[position]))
      if size > 0 { uncertainty = max(uncertainty, computed / size + unit) }
    }
    return Evaluated(values: values, uncertainty: uncertainty)
  }

  private func declaration(_ name: String) throws(GraphError) -> TensorDeclaration {
    guard let tensor = graph.tensor(name) else {
      throw .badValue(tensor: name, reason: "the graph does not declare it")
    }
    return tensor
  }

  /// True for what is done to the few tokens of a decoding step.
  private func readsFew(_ operation: Operator) -> Bool {
    switch operation {
    case .rotaryEmbedding, .tensorScatter: true
    default: false
    }
  }

  private func isElementwise(_ operation: Operator) -> Bool {
    switch operation {
    case .add, .multiply, .silu, .sigmoid, .relu, .reluGradient, .copy, .gradientDescent, .cast,
      .elementwise, .gatedSwish:
      true
    default: false
    }
  }
}
