import Foundation
import ModelGraph
import ONNXSchema

/// What a name of the model stands for while it is read.
enum ImportedValue {
  /// Known: an initialiser, or folded; and the model's inputs from whose given values it follows.
  case constant(TensorView, from: Set<String> = [])
  /// A tensor of the graph, and the model's inputs that it depends on.
  case tensor(String, TensorType, sources: Set<String>)
  /// Made by a node that cannot be carried over.
  case unknown

  var type: TensorType? {
    switch self {
    case .constant(let view, _): TensorType(view.shape, view.type)
    case .tensor(_, let type, _): type
    case .unknown: nil
    }
  }

  /// True where the value is there.
  var isKnown: Bool { if case .constant = self { true } else { false } }

  /// The model's inputs from whose given values a known one follows.
  var followsFrom: Set<String> { if case .constant(_, let inputs) = self { inputs } else { [] } }
}

/// What becomes of a node.
enum Translation {
  /// An operator, applied to some of the node's inputs by position.
  case apply(Operator, [Int])
  /// An operator applied to some of the node's inputs, and another one to its result followed by
  /// others of the node's inputs.
  case chain(Operator, [Int], then: Operator, [Int])
  /// Known values.
  case values([TensorView])
}

/// One node as its rule reads it.
struct NodeReading {
  let node: Onnx_NodeProto
  let inputs: [ImportedValue?]
  let opset: Int
  let tensors: TensorReader
  /// More elements than this are not made out of nothing.
  let largestElements: Int
  private let attributes: [String: Onnx_AttributeProto]

  init(
    _ node: Onnx_NodeProto, inputs: [ImportedValue?], opset: Int, tensors: TensorReader,
    largestElements: Int, attributes: [String: Onnx_AttributeProto]
  ) {
    self.node = node
    self.inputs = inputs
    self.opset = opset
    self.tensors = tensors
    self.largestElements = largestElements
    self.attributes = attributes
  }

  // MARK: Attributes

  func has(_ name: String) -> Bool { attributes[name] != nil }

  func attribute(_ name: String) -> Onnx_AttributeProto? { attributes[name] }

  func integer(_ name: String, _ standard: Int) -> Int {
    attributes[name].map { Self.clamped($0.i) } ?? standard
  }

  func flag(_ name: String, _ standard: Bool = false) -> Bool {
    attributes[name].map { $0.i != 0 } ?? standard
  }

  func real(_ name: String, _ standard: Double) -> Double {
    attributes[name].map { Double($0.f) } ?? standard
  }

  func text(_ name: String, _ standard: String) -> String {
    attributes[name].map { String(decoding: $0.s, as: UTF8.self) } ?? standard
  }

  func integers(_ name: String) -> [Int]? { attributes[name]?.ints.map(Self.clamped) }

  func reals(_ name: String) -> [Double]? { attributes[name]?.floats.map(Double.init) }

  /// Lengths and places in axes; what lies beyond any axis keeps its sign.
  static func clamped(_ value: Int64) -> Int { Int(min(max(value, -1 << 40), 1 << 40)) }

  // MARK: Inputs

  /// True for an operator whose results follow from its inputs' shapes, whatever they hold.
  var readsShapesAlone: Bool { ["Shape", "Size", "EyeLike"].contains(node.opType) }

  /// True where an input is given.
  func has(_ index: Int) -> Bool { index < inputs.count && inputs[index] != nil }

  /// The type of an input that has to be there.
  func type(_ index: Int) throws(TranslationFailure) -> TensorType {
    guard index < inputs.count, let type = inputs[index]?.type else {
      throw TranslationFailure("input \(index) is missing")
    }
    return type
  }

  func shape(_ index: Int) throws(TranslationFailure) -> TensorShape { try type(index).shape }

  /// The value of an input that has to be known; nil where it is left out.
  func optionalConstant(_ index: Int, _ what: String) throws(TranslationFailure) -> TensorView? {
    guard has(index), let value = inputs[index] else { return nil }
    switch value {
    case .constant(let view, _): return view
    case .tensor(_, _, let sources):
      throw TranslationFailure(
        "\(what) depends on data; give "
          + sources.sorted().map { "--input \($0)=FILE" }.joined(separator: " "),
        neededInputs: sources)
    case .unknown: throw TranslationFailure("\(what) is unknown")
    }
  }

  func constant(_ index: Int, _ what: String) throws(TranslationFailure) -> TensorView {
    guard let view = try optionalConstant(index, what) else {
      throw TranslationFailure("\(what) is missing")
    }
    return view
  }

  /// A known list of lengths or places.
  func list(_ index: Int, _ what: String) throws(TranslationFailure) -> [Int]? {
    try optionalConstant(index, what)?.integerValues.map(Self.clamped)
  }

  /// A list that older opsets keep in an attribute and newer ones in an input.
  func list(_ name: String, orInput index: Int) throws(TranslationFailure) -> [Int]? {
    if let list = integers(name) { return list }
    return try list(index, name)
  }

  /// A known number.
  func number(_ index: Int, _ what: String) throws(TranslationFailure) -> Double? {
    guard let view = try optionalConstant(index, what) else { return nil }
    guard view.count == 1 else { throw TranslationFailure("\(what) is no single number") }
    return view[0]
  }

  /// An axis counted from the front.
  func axis(_ axis: Int, rank: Int) throws(TranslationFailure) -> Int {
    let counted = axis < 0 ? axis + rank : axis
    guard counted >= 0, counted < max(1, rank) else {
      throw TranslationFailure("there is no axis \(axis) of \(rank)")
    }
    return counted
  }

  /// The operator applied to the first `count` inputs, or to all.
  func apply(_ operation: Operator, _ count: Int? = nil) -> Translation {
    .apply(operation, Array(0..<min(count ?? inputs.count, inputs.count)))
  }

  /// A tensor of known values.
  func made(_ values: [Double], _ shape: TensorShape, _ type: ElementType)
    throws(TranslationFailure) -> Translation
  {
    do { return .values([try TensorView(values, shape: shape, type: type)]) } catch {
      throw TranslationFailure("\(error)")
    }
  }

  /// A tensor of known whole numbers.
  func made(_ values: [Int64], _ shape: TensorShape, _ type: ElementType)
    throws(TranslationFailure) -> Translation
  {
    do { return .values([try TensorView(integers: values, shape: shape, type: type)]) } catch {
      throw TranslationFailure("\(error)")
    }
  }

  /// The type that an attribute names by ONNX's code.
  func elementType(_ name: String, _ standard: ElementType?) throws(TranslationFailure)
    -> ElementType?
  {
    guard let attribute = attributes[name] else { return standard }
    guard let type = TensorReader.type(Int32(clamping: attribute.i)) else {
      throw TranslationFailure("\(TensorReader.name(Int32(clamping: attribute.i))) is not kept")
    }
    return type
  }

  /// The tensor in an attribute.
  func tensor(_ name: String) throws(TranslationFailure) -> TensorView? {
    guard let attribute = attributes[name], attribute.hasT else { return nil }
    do { return try tensors.view(attribute.t) } catch { throw TranslationFailure("\(error)") }
  }
}
