package import NumericFormats
package import ProfileImport

extension ProfileReport {
  /// The format that most of the main core's products read; nil without products.
  package var productFormat: NumberFormat? {
    let core = mainCore
    var counts: [String: Int] = [:]
    for row in instructions where row.core == core && row.opcode == "MATMUL" && row.isCompiled {
      if let access = ProfileOperands(row.operands).access("src") {
        counts[access.format, default: 0] += 1
      }
    }
    let most = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }
    return most.flatMap { OperationBuilder.format($0.key) }
  }
}
