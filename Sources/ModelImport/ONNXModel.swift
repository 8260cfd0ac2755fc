package import Foundation
package import ModelGraph
import ONNXSchema
import SwiftProtobuf

/// A model file, parsed and not yet understood.
package struct ONNXModel: Sendable {
  /// The name in messages.
  package let path: String
  /// Where external data lies.
  let folder: URL?
  let proto: Onnx_ModelProto

  /// Opsets that the translation knows.
  package static let opsets = 11...28

  /// Reads a file. Throws `unreadable` and `damaged`.
  package init(contentsOf url: URL, shownAs path: String) throws(ImportError) {
    let data: Data
    do { data = try Data(contentsOf: url, options: .mappedIfSafe) } catch {
      throw .unreadable(path: path, reason: "there is no such file, or it may not be read")
    }
    try self.init(data, shownAs: path, folder: url.deletingLastPathComponent())
  }

  /// Reads bytes. Throws `damaged`.
  package init(_ data: Data, shownAs path: String, folder: URL? = nil) throws(ImportError) {
    self.path = path
    self.folder = folder
    var options = BinaryDecodingOptions()
    // Subgraphs within subgraphs: enough for any model, little enough for a stack.
    options.messageDepthLimit = 64
    options.discardUnknownFields = true
    do {
      proto = try Onnx_ModelProto(serializedBytes: data, options: options)
    } catch {
      throw .damaged(path: path, reason: "the bytes are no message of the ONNX schema")
    }
    guard proto.hasGraph, !proto.graph.node.isEmpty || !proto.graph.output.isEmpty else {
      throw .damaged(path: path, reason: "it holds no graph")
    }
    let version = opset
    guard Self.opsets.contains(version) else {
      throw .unsupported(
        path: path,
        nodes: [
          UnsupportedNode(
            node: "the model", operation: "opset \(version)",
            reason: "opsets \(Self.opsets.lowerBound) to \(Self.opsets.upperBound) are known; "
              + "export or convert the model again")
        ])
    }
  }

  /// The version of the standard operators.
  package var opset: Int {
    let standard = proto.opsetImport.first { $0.domain.isEmpty || $0.domain == "ai.onnx" }
    return standard.map { Int(clamping: $0.version) } ?? Self.opsets.upperBound
  }

  /// What the model takes, initialisers left out.
  package var inputs: [ModelInput] {
    let constants = Set(proto.graph.initializer.map(\.name))
    return proto.graph.input.filter { !constants.contains($0.name) }.map(ModelInput.init)
  }

  /// The names of what the model makes.
  package var outputs: [String] { proto.graph.output.map(\.name) }
}

/// An input that a model declares.
package struct ModelInput: Sendable {
  /// Its name.
  package let name: String
  /// What kind of numbers it holds; nil for what is not read, such as text.
  package let type: ElementType?
  /// Its axes; nil where the model does not say how many there are.
  package let axes: [Axis]?

  /// The length of an axis.
  package enum Axis: Hashable, Sendable {
    /// Known in the model.
    case fixed(Int)
    /// Left open under a name.
    case named(String)
    /// Given, and a length that no axis can have.
    case impossible(Int64)
  }

  init(_ value: Onnx_ValueInfoProto) {
    name = value.name
    guard case .tensorType(let tensor)? = value.type.value else {
      type = nil
      axes = nil
      return
    }
    type = TensorReader.type(tensor.elemType)
    axes =
      tensor.hasShape
      ? tensor.shape.dim.enumerated().map { index, axis in
        switch axis.value {
        case .dimValue(let length)? where length >= 0 && length <= TensorReader.largestCount:
          .fixed(Int(length))
        case .dimValue(let length)? where length != -1: .impossible(length)
        // Some exporters write a question mark for every length that they do not know.
        case .dimParam(let name)? where !name.isEmpty && name != "?": .named(name)
        default: .named("\(value.name).\(index)")
        }
      } : nil
  }
}
