import Foundation
import ModelGraph
import ModelImport
import ONNXSchema
import SwiftProtobuf

/// Small models, written by hand.
struct ModelWriter {
  var proto = Onnx_ModelProto()

  init(opset: Int64 = 20) {
    var version = Onnx_OperatorSetIdProto()
    version.version = opset
    proto.irVersion = 10
    proto.opsetImport = [version]
    proto.graph.name = "test"
  }

  mutating func input(_ name: String, _ axes: [String], type: Int32 = 1) {
    proto.graph.input.append(Self.value(name, axes, type))
  }

  mutating func output(_ name: String) { proto.graph.output.append(Self.value(name, nil, 1)) }

  static func value(_ name: String, _ axes: [String]?, _ type: Int32) -> Onnx_ValueInfoProto {
    var value = Onnx_ValueInfoProto()
    value.name = name
    var tensor = Onnx_TypeProto.Tensor()
    tensor.elemType = type
    if let axes {
      tensor.shape.dim = axes.map { axis in
        var dimension = Onnx_TensorShapeProto.Dimension()
        if let length = Int64(axis) {
          dimension.dimValue = length
        } else if axis != "?" {
          dimension.dimParam = axis
        }
        return dimension
      }
    }
    value.type.tensorType = tensor
    return value
  }

  mutating func reals(_ name: String, _ values: [Float], _ shape: [Int64]) {
    proto.graph.initializer.append(Self.reals(name, values, shape))
  }

  static func reals(_ name: String, _ values: [Float], _ shape: [Int64]) -> Onnx_TensorProto {
    var tensor = Onnx_TensorProto()
    tensor.name = name
    tensor.dims = shape
    tensor.dataType = 1
    tensor.floatData = values
    return tensor
  }

  mutating func integers(_ name: String, _ values: [Int64]) {
    var tensor = Onnx_TensorProto()
    tensor.name = name
    tensor.dims = [Int64(values.count)]
    tensor.dataType = 7
    tensor.int64Data = values
    proto.graph.initializer.append(tensor)
  }

  mutating func node(
    _ operation: String, _ inputs: [String], _ outputs: [String],
    _ attributes: [Onnx_AttributeProto] = [], domain: String = ""
  ) {
    proto.graph.node.append(Self.node(operation, inputs, outputs, attributes, domain: domain))
  }

  static func node(
    _ operation: String, _ inputs: [String], _ outputs: [String],
    _ attributes: [Onnx_AttributeProto] = [], domain: String = ""
  ) -> Onnx_NodeProto {
    var node = Onnx_NodeProto()
    node.opType = operation
    node.name = "\(operation)-\(outputs.first ?? "")"
    node.input = inputs
    node.output = outputs
    node.attribute = attributes
    node.domain = domain
    return node
  }

  static func integer(_ name: String, _ value: Int64) -> Onnx_AttributeProto {
    var attribute = Onnx_AttributeProto()
    attribute.name = name
    attribute.type = .int
    attribute.i = value
    return attribute
  }

  static func list(_ name: String, _ values: [Int64]) -> Onnx_AttributeProto {
    var attribute = Onnx_AttributeProto()
    attribute.name = name
    attribute.type = .ints
    attribute.ints = values
    return attribute
  }

  func bytes() throws -> Data { try proto.serializedBytes() }

  func model() throws -> ONNXModel { try ONNXModel(bytes(), shownAs: "test.onnx") }
}

/// A two-layer classifier with shape arithmetic, as an exporter writes it.
func classifier() -> ModelWriter {
  var writer = ModelWriter()
  writer.input("x", ["batch", "2", "3"])
  writer.reals("w", [1, 0, 0, 1, 1, 1, 2, 0, 0, 2, 2, 2], [6, 2])
  writer.reals("b", [10, 20], [2])
  writer.integers("zero", [0])
  writer.integers("rest", [-1])
  writer.node("Shape", ["x"], ["shape"])
  writer.node("Gather", ["shape", "zero"], ["rows"])
  writer.node("Concat", ["rows", "rest"], ["flat"], [ModelWriter.integer("axis", 0)])
  writer.node("Reshape", ["x", "flat"], ["vectors"])
  writer.node("MatMul", ["vectors", "w"], ["product"])
  writer.node("Add", ["product", "b"], ["sum"])
  writer.node("Relu", ["sum"], ["y"])
  writer.output("y")
  return writer
}
