import ModelGraph
import ONNXSchema

/// Which operator of `ModelGraph` an ONNX node becomes.
///
/// Source: the ONNX operator specification, opsets 11 to 28. Where several operators could say the
/// same, the one that kernels take is chosen: a product with a matrix becomes `matMul`, a softmax
/// along the last axis `softmax`.
enum OperatorRules {
  typealias Rule = @Sendable (NodeReading) throws -> Translation

  private static let rules: [String: Rule] = elementwise.merging(products) { $1 }
    .merging(rows) { $1 }.merging(shapes) { $1 }.merging(movement) { $1 }
    .merging(choices) { $1 }.merging(quantization) { $1 }.merging(attention) { $1 }
    .merging(images) { $1 }.merging(recurrent) { $1 }.merging(sources) { $1 }

  /// True for an operator that has a rule.
  static func knows(_ operation: String) -> Bool { rules[operation] != nil }

  /// Every operator that has a rule, sorted.
  static var names: [String] { rules.keys.sorted() }

  /// What becomes of a node. Throws `TranslationFailure` and `GraphError`.
  static func translate(_ reading: NodeReading) throws -> Translation {
    guard let rule = rules[reading.node.opType] else {
      throw TranslationFailure("the operator is not known")
    }
    return try rule(reading)
  }
}
