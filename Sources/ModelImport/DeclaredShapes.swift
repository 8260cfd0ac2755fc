import ModelGraph
import ONNXSchema

extension ImportPass {
  /// Compares what the file says of its tensors with what follows from its nodes. Axes of a fixed
  /// length count alone: a name, nothing, 0 or −1 leave them open.
  ///
  /// Throws `declaredShape`.
  func compareDeclared(_ scope: Scope) throws(ImportError) {
    for value in model.proto.graph.output + model.proto.graph.valueInfo {
      guard let inferred = scope[value.name]?.type?.shape,
        case .tensorType(let tensor)? = value.type.value, !tensor.shape.dim.isEmpty
      else { continue }
      let axes = tensor.shape.dim
      let agrees =
        axes.count == inferred.rank
        && zip(axes, inferred.dimensions).allSatisfy { axis, length in
          guard case .dimValue(let declared)? = axis.value, declared > 0 else { return true }
          return declared == Int64(length)
        }
      guard agrees else {
        let lengths = axes.map { axis in
          switch axis.value {
          case .dimValue(let length)?: "\(length)"
          case .dimParam(let name)? where !name.isEmpty: name
          default: "?"
          }
        }
        throw .declaredShape(
          path: model.path, tensor: value.name, declared: "[\(lengths.joined(separator: ", "))]",
          inferred: inferred)
      }
    }
  }
}
