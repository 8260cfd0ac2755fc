/// What a check of one node's output found.
package struct NumericsReport: Hashable, Sendable {
  /// The node.
  package let node: String
  /// Elements compared, and elements that the output has.
  package let checkedCount: Int
  /// See `checkedCount`.
  package let outputCount: Int
  /// The largest |found − expected| of all elements compared.
  package let maxAbsoluteError: Double
  /// The flat index of the element whose error is largest against its own tolerance.
  package let worstIndex: Int
  /// The reference's value there.
  package let expected: Double
  /// The device's value there.
  package let found: Double
  /// The formula's value there: the largest error that a correct kernel may make.
  package let absoluteTolerance: Double
  /// What relative errors refer to there: |expected|, or the root mean square of the reference
  /// where that is larger, so that elements near zero do not stand out.
  package let scale: Double
  /// The random projection of the whole output, for matrix products.
  package let projection: Projection?
  /// True when every element compared and the projection are within their tolerances.
  package let passed: Bool

  /// |found − expected| at the worst index, relative to `scale`.
  package var relativeError: Double { abs(found - expected) / scale }
  /// The formula's value at the worst index, relative to `scale`.
  package var relativeTolerance: Double { absoluteTolerance / scale }

  /// One line for people: the verdict, the error and the formula's value.
  package var summary: String {
    let verdict = passed ? "passed" : "failed"
    let amount =
      checkedCount == outputCount ? "all \(outputCount)" : "\(checkedCount) of \(outputCount)"
    var text =
      "\(node) \(verdict): \(amount) elements, worst at \(worstIndex): expected \(expected), "
      + "found \(found), tolerance \(absoluteTolerance)"
    if let projection {
      text += "; projection \(projection.error) of \(projection.tolerance)"
    }
    return text
  }

  /// The same findings of a check that saw only some elements of a larger output.
  package func located(at indices: [Int], outputCount: Int) -> NumericsReport {
    NumericsReport(
      node: node, checkedCount: checkedCount, outputCount: outputCount,
      maxAbsoluteError: maxAbsoluteError,
      worstIndex: indices.isEmpty ? 0 : indices[worstIndex], expected: expected, found: found,
      absoluteTolerance: absoluteTolerance, scale: scale, projection: projection, passed: passed)
  }
}
