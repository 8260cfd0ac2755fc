import NumericFormats

/// The same values in another type: rounded to nearest even, or cut to a whole number.
///
/// Numbers beyond the largest of an eight-bit type become the largest one with `saturates`, else
/// infinity or NaN. Whole numbers keep their low bits; anything but 0 is true.
package struct Cast: OperatorFamily {
  /// The type of the result.
  package var type: ElementType
  /// ONNX's attribute of that name; it matters for eight-bit real numbers alone.
  package var saturates: Bool

  /// A cast to that type.
  package init(to type: ElementType, saturates: Bool = true) {
    self.type = type
    self.saturates = saturates
  }

  package var name: String { "Cast" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var movesOnly: Bool { false }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    [TensorType(inputs[0].shape, type)]
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int { 0 }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let view = inputs[0]
    if type.isInteger && view.type.isInteger {
      let values = view.integerValues.map { type.wrapped($0) }
      return [try TensorView(integers: values, shape: view.shape, type: type)]
    }
    if type == .bool {
      let values = view.allValues.map { Int64($0 == 0 ? 0 : 1) }
      return [try TensorView(integers: values, shape: view.shape, type: type)]
    }
    let rounding = TypeRounding(type, saturates: saturates)
    return [
      try TensorView(view.allValues.map { rounding.rounded($0) }, shape: view.shape, type: type)
    ]
  }

  /// The rounding to the result's format is granted anyway.
  package func bounds(_ tolerance: Tolerance, at indices: [Int], reference: [Double])
    throws(GraphError) -> [Double]
  {
    let view = tolerance.inputs[0]
    let unit = Roundoff.unit(of: type.storage)
    return zip(indices, reference).map { index, value in
      view.absoluteUncertainty(view[index]) + unit * abs(value)
        + (type.isInteger ? 0 : Roundoff.floor(of: type.storage))
    }
  }
}
