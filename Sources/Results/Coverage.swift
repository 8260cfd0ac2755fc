/// How much of a workload ran as device instructions, and what did not.
package struct Coverage: Hashable, Sendable, Codable {
  /// An operator without instructions.
  package struct Exception: Hashable, Sendable, Codable {
    /// The node's name.
    package var node: String
    /// Its operator.
    package var operation: String
    /// Why no instruction ran.
    package var reason: String

    package init(node: String, operation: String, reason: String) {
      self.node = node
      self.operation = operation
      self.reason = reason
    }
  }

  /// Operators, and those that ran as instructions.
  package var operators: Int
  /// Operators that ran as device instructions.
  package var operatorsOnDevice: Int
  /// Share of the floating-point operations that ran as device instructions, in percent.
  package var flopsPercent: Double
  /// Share of the bytes that operators read and make, in percent.
  package var bytesPercent: Double
  /// Operators without instructions, in the order of the graph.
  package var elsewhere: [Exception]
  /// Nodes of a model's file that no input reaches: evaluated while it was read, as a compiler
  /// does. nil for work that is no file.
  package var evaluatedWhenRead: Int?

  package init(
    operators: Int, operatorsOnDevice: Int, flopsPercent: Double, bytesPercent: Double,
    elsewhere: [Exception], evaluatedWhenRead: Int? = nil
  ) {
    self.operators = operators
    self.operatorsOnDevice = operatorsOnDevice
    self.flopsPercent = flopsPercent
    self.bytesPercent = bytesPercent
    self.elsewhere = elsewhere
    self.evaluatedWhenRead = evaluatedWhenRead
  }

  private enum CodingKeys: String, CodingKey {
    case operators, elsewhere
    case operatorsOnDevice = "operators_on_device"
    case flopsPercent = "flops_percent"
    case bytesPercent = "bytes_percent"
    case evaluatedWhenRead = "evaluated_when_read"
  }
}
