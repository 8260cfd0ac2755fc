/// How a scattered element meets what stands there; the raw value is ONNX's word.
package enum ScatterReduction: String, Hashable, Sendable, CaseIterable {
  case none
  case add
  case multiply = "mul"
  case maximum = "max"
  case minimum = "min"

  func joined(_ old: Double, _ new: Double) -> Double {
    switch self {
    case .none: new
    case .add: old + new
    case .multiply: old * new
    case .maximum: Elementwise.larger(old, new)
    case .minimum: Elementwise.smaller(old, new)
    }
  }

  func joined(_ old: Int64, _ new: Int64) -> Int64 {
    switch self {
    case .none: new
    case .add: old &+ new
    case .multiply: old &* new
    case .maximum: max(old, new)
    case .minimum: min(old, new)
    }
  }
}

/// Elements written into a copy of the data, one per index (ONNX ScatterElements) or slice by slice
/// (ONNX ScatterND). Inputs data, indices, updates.
package struct Scatter: OperatorFamily {
  /// The axis along which an index says where; nil where the last axis of the indices holds tuples
  /// that name slices.
  package var axis: Int?
  /// How an update meets what stands there.
  package var reduction: ScatterReduction

  /// A write along an axis, or of slices.
  package init(axis: Int?, reduction: ScatterReduction = .none) {
    self.axis = axis
    self.reduction = reduction
  }

  package var name: String { axis == nil ? "ScatterND" : "ScatterElements" }
  package var inputCount: ClosedRange<Int> { 3...3 }
  package var movesOnly: Bool { reduction != .add && reduction != .multiply }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    let (data, indices, updates) = (inputs[0].shape, inputs[1].shape, inputs[2].shape)
    try inputs.require(
      inputs[1].type.isInteger && inputs[0].type.isInteger == inputs[2].type.isInteger,
      "indices are whole numbers, updates are what the data is")
    if let axis {
      _ = try inputs.axis(axis, rank: data.rank)
      try inputs.require(
        indices == updates && indices.rank == data.rank, "there is one update for each index")
    } else {
      let tuple = indices.columnCount
      try inputs.require(indices.rank > 0 && tuple <= data.rank, "the tuples do not fit the data")
      let expected = indices.dimensions.dropLast() + data.dimensions.dropFirst(tuple)
      try inputs.require(updates.dimensions == Array(expected), "the updates are not \(expected)")
    }
    return [inputs[0]]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    reduction == .none ? 0 : inputs[2].shape.elementCount
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let (data, updates) = (inputs[0], inputs[2])
    let places = try places(inputs)
    if data.type.isInteger {
      var values = data.integerValues
      for (place, update) in zip(places, updates.integerValues) {
        values[place] = data.type.wrapped(reduction.joined(values[place], update))
      }
      return [try TensorView(integers: values, shape: data.shape, type: data.type)]
    }
    var values = data.allValues
    for (number, place) in places.enumerated() {
      values[place] = reduction.joined(values[place], updates[number])
    }
    return [try TensorView(values, shape: data.shape, type: data.type)]
  }

  private func places(_ inputs: Operands<TensorView>) throws(GraphError) -> [Int] {
    let (data, indices) = (inputs[0], inputs[1])
    if let axis {
      return try inputs.places(
        indices, along: inputs.axis(axis, rank: data.shape.rank), in: data.shape)
    }
    let tuple = indices.shape.columnCount
    let inner = data.shape.dimensions.dropFirst(tuple).reduce(1, *)
    let starts = try inputs.tuples(indices, lengths: Array(data.shape.dimensions.prefix(tuple)))
    return starts.flatMap { $0 * inner..<($0 + 1) * inner }
  }

  /// A sum of K terms is off by 4 · u · √K · ‖terms‖, a product of K factors by 4 · u · √K of
  /// itself.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let inputs = try Operands(
      tolerance.inputs.map { TensorView?.some($0) }, of: self, node: name)
    var terms: [Int: [Double]] = [:]
    for (number, place) in try places(inputs).enumerated() {
      terms[place, default: [inputs[0][place]]].append(inputs[2][number])
    }
    return zip(indices, reference).map { index, value in
      guard let met = terms[index] else { return inputs[0].absoluteUncertainty(value) }
      let walk = Tolerance.factor * Tolerance.sum * Double(met.count).squareRoot()
      let uncertain = met.reduce(0) { $0 + inputs[0].absoluteUncertainty($1) }
      return reduction == .add ? walk * norm(met) + uncertain : walk * abs(value)
    }
  }
}
