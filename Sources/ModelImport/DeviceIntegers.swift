import ModelGraph
import NumericFormats

/// Whole numbers of models on a device whose widest ones have 32 bits.
enum DeviceIntegers {
  /// Bounds of Clip beyond the device's numbers as the nearest of these, which bind as little; nil
  /// where a value stays as it is.
  static func bound(_ view: TensorView, at position: Int, of operation: Operator)
    throws(GraphError) -> TensorView?
  {
    guard case .elementwise(let elementwise) = operation, elementwise.function == .clip,
      position > 0, view.type == .int64, let known = ElementType.int32.integerBounds
    else { return nil }
    let values = view.integerValues.map {
      position == 1 ? max($0, known.lowerBound) : min($0, known.upperBound)
    }
    guard values != view.integerValues else { return nil }
    return try TensorView(integers: values, shape: view.shape, type: view.type)
  }

  /// Throws `wideInteger` for a tensor that the device would have to cut.
  static func refuseWide(_ graph: Graph, path: String) throws(ImportError) {
    for tensor in graph.givenTensors {
      guard case .values(let constant) = tensor.fill, tensor.type != .bool,
        let bounds = ElementType.format(tensor.format).integerBounds
      else { continue }
      let view = constant.view
      guard let index = view.integerValues.firstIndex(where: { !bounds.contains($0) }) else {
        continue
      }
      let value = view.integerValues[index]
      let reader = graph.nodes.first { $0.inputs.contains(tensor.name) }
      throw .wideInteger(
        path: path, node: reader?.name ?? tensor.name, tensor: tensor.name,
        value: view.type == .uint64 ? "\(UInt64(bitPattern: value))" : "\(value)", index: index,
        bounds: bounds)
    }
  }
}
