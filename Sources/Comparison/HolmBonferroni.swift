/// Holm's step-down correction for many tests in one table.
///
/// Returns, in the order given, p-values that can be held against the one level for the whole
/// table. Source: Holm, Scandinavian Journal of Statistics 6 (1979), 65-70.
package func holmAdjusted(_ pValues: [Double]) -> [Double] {
  let order = pValues.indices.sorted { (pValues[$0], $0) < (pValues[$1], $1) }
  var adjusted = pValues
  var largest = 0.0
  for (position, index) in order.enumerated() {
    largest = max(largest, min(1, pValues[index] * Double(pValues.count - position)))
    adjusted[index] = largest
  }
  return adjusted
}
