extension Elementwise {
  /// A function's own error on a device, and what uncertain inputs can move its value by.
  ///
  /// Whole numbers are exact. The device builds circular and area functions from those of its
  /// tables; their absolute error is that of an argument reduced in fp32.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let views = tolerance.inputs
    let isDivision = function == .divide || function == .modulo
    let isWhole = views.allSatisfy(\.type.isInteger)
    if isWhole, !isDivision { return reference.map { _ in 0 } }
    let columns = views.map { view in
      indices.map { view[view.shape.sourceIndex(of: $0, in: tolerance.shape)] }
    }
    // ONNX leaves open what a whole number divided by zero is: any value of 64 bits will do.
    if isWhole { return columns[1].map { $0 == 0 ? 0x1p65 : 0 } }
    var bounds = reference.indices.map { place in
      movesOnly ? 0 : ownError(columns.map { $0[place] }, reference[place])
    }
    for (input, view) in views.enumerated() where view.uncertainty != 0 {
      let errors = columns[input].map { view.absoluteUncertainty($0) }
      for direction in [-1.0, 1.0] {
        var moved = columns
        for place in moved[input].indices { moved[input][place] += direction * errors[place] }
        let values = realElements(moved.map { Optional($0) }, count: indices.count)
        for place in bounds.indices {
          let difference = Swift.abs(values[place] - reference[place])
          if difference.isFinite { bounds[place] += difference }
        }
      }
    }
    return bounds
  }

  /// The error of the function at exact inputs.
  private func ownError(_ x: [Double], _ value: Double) -> Double {
    let size = Swift.abs(value)
    guard size.isFinite else { return 0 }
    let first = Swift.abs(x[0])
    let unit = Tolerance.sum
    let circular = 4e-7 + (first > 5e4 ? 4 * unit * first : 0)
    switch function {
    case .sin: return circular
    // A quarter turn is added to the argument, which rounds once more.
    case .cos: return circular + unit * (first + Double.pi / 2)
    case .tan: return 2 * circular * (1 + size * size)
    case .asin, .acos: return 6e-7
    case .asinh, .acosh, .atanh: return 2 * Tolerance.function * size
    case .sinh, .cosh: return Tolerance.function * size * (2 + first / 8)
    case .hardSigmoid:
      return 4 * unit * (Swift.abs(alpha) * first + Swift.abs(beta))
    case .hardSwish: return 4 * unit * first * (first / 6 + 0.5)
    case .modulo, .remainder: return 2 * unit * (first + Swift.abs(x[1]))
    case .sum, .mean:
      return 2 * unit * x.reduce(0) { $0 + Swift.abs($1) }
    default:
      return (function.isTranscendental ? Tolerance.function : 4 * unit) * size
    }
  }
}
