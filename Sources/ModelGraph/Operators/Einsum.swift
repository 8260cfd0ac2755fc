/// A sum of products in Einstein's notation (ONNX Einsum), as NumPy reads it: `bij,bjk->bik`, an
/// ellipsis for axes that are broadcast, and without an arrow the labels that stand once, sorted.
package struct Einsum: OperatorFamily {
  /// The equation.
  package var equation: String

  /// An equation.
  package init(_ equation: String) { self.equation = equation }

  package var name: String { "Einsum" }
  package var inputCount: ClosedRange<Int> { 1...Int.max }

  /// The axes that a result and a sum run over, and how far apart each operand's elements are.
  private struct Plan {
    var result: TensorShape
    var summed: TensorShape
    var outer: [[Int]]
    var inner: [[Int]]
  }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    [TensorType(try plan(inputs).result, inputs[0].type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    guard let plan = try? plan(inputs) else { return 0 }
    return plan.result.elementCount * plan.summed.elementCount * max(1, inputs.count)
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let plan = try plan(inputs)
    let outer = plan.outer.map { IndexMap.strided(plan.result, strides: $0) }
    let inner = plan.inner.map { IndexMap.strided(plan.summed, strides: $0) }
    let views = inputs.present.map(\.allValues)
    var sums: [Double] = []
    sums.reserveCapacity(plan.result.elementCount)
    for element in 0..<plan.result.elementCount {
      var sum = 0.0
      for term in 0..<plan.summed.elementCount {
        var factor = 1.0
        for operand in views.indices {
          factor *= views[operand][outer[operand][element] + inner[operand][term]]
        }
        sum += factor
      }
      sums.append(sum)
    }
    return [try TensorView(sums, shape: plan.result, type: inputs[0].type)]
  }

  /// The labels of each operand's axes and of the result's; those of an ellipsis have a dot.
  /// Throws `shapes` for an equation that does not fit the operands.
  package func labels<Operand>(_ inputs: Operands<Operand>) throws(GraphError)
    -> (operands: [[String]], result: [String])
  {
    let text = equation.filter { $0 != " " }
    let sides = text.components(separatedByArrow: "->")
    let terms = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    try inputs.require(terms.count == inputs.count, "'\(equation)' names \(terms.count) operands")
    var operands: [[String]] = []
    var repeated = 0
    for (term, input) in zip(terms, inputs.present) {
      operands.append(try labels(term, rank: input.shape.rank, inputs))
      repeated = max(repeated, operands[operands.count - 1].count { $0.count > 1 })
    }
    return (operands, try resultLabels(sides, repeated: repeated, inputs))
  }

  private func plan<Operand>(_ inputs: Operands<Operand>) throws(GraphError) -> Plan {
    let (operands, result) = try labels(inputs)
    var lengths: [String: Int] = [:]
    var strides: [[String: Int]] = []
    for (labels, input) in zip(operands, inputs.present) {
      var own: [String: Int] = [:]
      for (axis, label) in labels.enumerated() {
        let length = input.shape[axis]
        let known = lengths[label] ?? 1
        try inputs.require(
          known == length || known == 1 || length == 1, "label '\(label)' has two lengths")
        lengths[label] = max(known, length)
        if length > 1 { own[label, default: 0] += input.shape.strides[axis] }
      }
      strides.append(own)
    }
    for label in result {
      try inputs.require(lengths[label] != nil, "no operand has label '\(label)'")
    }
    let summed = lengths.keys.filter { !result.contains($0) }.sorted()
    return Plan(
      result: TensorShape(result.map { lengths[$0] ?? 1 }),
      summed: TensorShape(summed.map { lengths[$0] ?? 1 }),
      outer: strides.map { own in result.map { own[$0] ?? 0 } },
      inner: strides.map { own in summed.map { own[$0] ?? 0 } })
  }

  /// One label per axis; those of an ellipsis are numbered from the last one, `.0`.
  private func labels<Operand>(_ term: String, rank: Int, _ inputs: Operands<Operand>)
    throws(GraphError) -> [String]
  {
    let parts = term.components(separatedByArrow: "...")
    let named = parts.joined()
    guard parts.count == 2 else {
      try inputs.require(named.count == rank, "'\(term)' does not name \(rank) axes")
      return named.map(String.init)
    }
    try inputs.require(named.count <= rank, "'\(term)' names more than \(rank) axes")
    let hidden = (0..<rank - named.count).reversed().map { ".\($0)" }
    return parts[0].map(String.init) + hidden + parts[1].map(String.init)
  }

  private func resultLabels<Operand>(
    _ sides: [String], repeated: Int, _ inputs: Operands<Operand>
  ) throws(GraphError) -> [String] {
    let hidden = (0..<repeated).reversed().map { ".\($0)" }
    if sides.count == 2 {
      let parts = sides[1].components(separatedByArrow: "...")
      let middle = parts.count == 2 ? hidden : []
      return parts[0].map(String.init) + middle
        + (parts.count == 2 ? parts[1] : "").map(String.init)
    }
    let letters = sides[0].filter { $0.isLetter }
    let once = Set(letters).filter { letter in letters.count { $0 == letter } == 1 }
    return hidden + once.sorted().map(String.init)
  }

  /// 4 · u · √K times the sum of the products' sizes.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let views = try tolerance.inputs.map { view throws(GraphError) in
      TensorView?.some(
        try TensorView(view.allValues.map { abs($0) }, shape: view.shape, type: view.type))
    }
    let operands = try Operands(views, of: self, node: name)
    let sizes = try evaluate(operands)[0]
    let depth = Double(max(1, try plan(operands).summed.elementCount)).squareRoot()
    let uncertain = tolerance.inputs.reduce(0) { $0 + $1.uncertainty }
    return indices.map { sizes[$0] * Tolerance.factor * (Tolerance.sum * depth + uncertain) }
  }
}

extension String {
  /// The parts before and after the first `separator`; the whole where it does not stand.
  fileprivate func components(separatedByArrow separator: String) -> [String] {
    guard let range = firstRange(of: separator) else { return [self] }
    return [String(self[..<range.lowerBound]), String(self[range.upperBound...])]
  }
}
