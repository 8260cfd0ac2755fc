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
    /// What the host did in the device's place; nil where nobody had to do anything.
    package var host: HostWork?

    package init(node: String, operation: String, reason: String, host: HostWork? = nil) {
      self.node = node
      self.operation = operation
      self.reason = reason
      self.host = host
    }
  }

  /// What an operator cost that the host carried out.
  package struct HostWork: Hashable, Sendable, Codable {
    /// Floating-point operations.
    package var flops: Int64
    /// Bytes that its operands would take on the device.
    package var bytes: Int64

    package init(flops: Int64, bytes: Int64) {
      self.flops = flops
      self.bytes = bytes
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
  /// Nodes of a model's file that no output needs; they count as nothing else here. nil for work
  /// that is no file.
  package var leftOut: [Exception]?

  package init(
    operators: Int, operatorsOnDevice: Int, flopsPercent: Double, bytesPercent: Double,
    elsewhere: [Exception], evaluatedWhenRead: Int? = nil, leftOut: [Exception]? = nil
  ) {
    self.operators = operators
    self.operatorsOnDevice = operatorsOnDevice
    self.flopsPercent = flopsPercent
    self.bytesPercent = bytesPercent
    self.elsewhere = elsewhere
    self.evaluatedWhenRead = evaluatedWhenRead
    self.leftOut = leftOut
  }

  private enum CodingKeys: String, CodingKey {
    case operators, elsewhere
    case operatorsOnDevice = "operators_on_device"
    case flopsPercent = "flops_percent"
    case bytesPercent = "bytes_percent"
    case evaluatedWhenRead = "evaluated_when_read"
    case leftOut = "left_out"
  }
}
