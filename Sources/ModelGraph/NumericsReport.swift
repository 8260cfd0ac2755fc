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
  /// Elements compared that are not finite, in the reference and on the device alike.
  package var nonFiniteCount = 0

  /// Equal, or both not a number.
  private var isSame: Bool { found == expected || found.isNaN && expected.isNaN }

  /// |found − expected| at the worst index, relative to `scale`; the largest number where one of
  /// them is infinite or none.
  package var relativeError: Double {
    let error = isSame ? 0 : abs(found - expected) / scale
    return error.isFinite ? error : .greatestFiniteMagnitude
  }
  /// The formula's value at the worst index, relative to `scale`; 0 where it knows none.
  package var relativeTolerance: Double {
    absoluteTolerance.isFinite ? absoluteTolerance / scale : 0
  }

  /// The worst element's error over its own tolerance: at most 1 where the check passed.
  package var errorRatio: Double {
    let error = abs(found - expected)
    return isSame ? 0 : error.isFinite ? error / absoluteTolerance : .infinity
  }

  /// One line for people: the verdict, the error and the formula's value.
  package var summary: String {
    let verdict = passed ? "passed" : "failed"
    let amount =
      checkedCount == outputCount ? "all \(outputCount)" : "\(checkedCount) of \(outputCount)"
    var text = "\(node) \(verdict): \(amount) elements"
    if !isSame, !found.isFinite || !expected.isFinite {
      text += ", at \(worstIndex) the device has \(found) where \(expected) is right"
    } else if expected.isFinite {
      text +=
        ", worst at \(worstIndex): expected \(expected), found \(found), "
        + "tolerance \(absoluteTolerance)"
    }
    if nonFiniteCount > 0 { text += "; \(nonFiniteCount) are not finite, as they should be" }
    if let projection {
      text +=
        projection.error.isFinite
        ? "; projection \(projection.error) of \(projection.tolerance)"
        : "; row \(projection.worstRow) holds values that should be finite and are not"
    }
    return text
  }

  /// The same findings under another name.
  package func named(_ node: String) -> NumericsReport {
    NumericsReport(
      node: node, checkedCount: checkedCount, outputCount: outputCount,
      maxAbsoluteError: maxAbsoluteError, worstIndex: worstIndex, expected: expected,
      found: found, absoluteTolerance: absoluteTolerance, scale: scale, projection: projection,
      passed: passed, nonFiniteCount: nonFiniteCount)
  }

  /// The same findings of a check that saw only some elements of a larger output.
  package func located(at indices: [Int], outputCount: Int) -> NumericsReport {
    NumericsReport(
      node: node, checkedCount: checkedCount, outputCount: outputCount,
      maxAbsoluteError: maxAbsoluteError,
      worstIndex: indices.isEmpty ? 0 : indices[worstIndex], expected: expected, found: found,
      absoluteTolerance: absoluteTolerance, scale: scale, projection: projection, passed: passed,
      nonFiniteCount: nonFiniteCount)
  }
}

extension NumericsReport {
  /// Compares the elements of an output at `indices` with their reference values, each against its
  /// own bound.
  package init(
    node: String, indices: [Int], reference: [Double], bounds: [Double], outputCount: Int,
    projection: Projection? = nil, found: (Int) -> Double
  ) {
    var worst = (position: 0, ratio: -1.0)
    var largest = 0.0
    var squares = 0.0
    var alike = 0
    for position in indices.indices {
      let expected = reference[position]
      let value = found(indices[position])
      if expected.isFinite { squares += expected * expected }
      // Not a number is right where the reference is not one.
      let isSame = value == expected || (value.isNaN && expected.isNaN)
      if isSame, !expected.isFinite {
        alike += 1
        continue
      }
      let error = isSame ? 0 : abs(value - expected)
      largest = error.isFinite ? max(largest, error) : .infinity
      // A bound that is no number allows nothing.
      let isJudged = error.isFinite && !bounds[position].isNaN
      let ratio = error == 0 ? 0 : isJudged ? error / bounds[position] : .infinity
      if ratio > worst.ratio { worst = (position, ratio) }
    }
    let expected = reference.isEmpty ? 0 : reference[worst.position]
    let typical = (squares / Double(max(1, indices.count))).squareRoot()
    let scale = max(expected.isFinite ? abs(expected) : 0, typical)
    self.init(
      node: node, checkedCount: indices.count, outputCount: outputCount,
      maxAbsoluteError: largest, worstIndex: indices.isEmpty ? 0 : indices[worst.position],
      expected: expected, found: indices.isEmpty ? 0 : found(indices[worst.position]),
      absoluteTolerance: bounds.isEmpty ? 0 : bounds[worst.position],
      scale: scale > 0 ? scale : 1, projection: projection,
      passed: worst.ratio <= 1 && projection?.passed != false, nonFiniteCount: alike)
  }
}
