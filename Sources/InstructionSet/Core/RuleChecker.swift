import CoreState
import Hardware
import NumericFormats

/// Applies the pattern rules to every operand of an instruction.
struct RuleChecker: OperandVisitor {
  let rules: OperandRules
  /// What the operands showed of microscaled formats.
  var microscaled = MicroscaledOperands()
  /// What they showed of views through offsets.
  var indirect: IndirectViews

  mutating func write(_ name: String, _ value: inout AccessPattern) throws(Fault) {
    try rules.check(name, value)
    microscaled.note(name, value.format)
    indirect.note(name, value, isWrite: true)
  }
  mutating func read(_ name: String, _ value: inout AccessPattern) throws(Fault) {
    try rules.check(name, value)
    microscaled.note(name, value.format)
    indirect.note(name, value, isWrite: false)
  }
  mutating func scalar(_ name: String, _ value: inout ScalarOperand) throws(Fault) {
    guard case .pointer(let access) = value else { return }
    try rules.check(name, access)
    indirect.note(name, access, isWrite: false)
    try rules.require(name, access, columns: 1)
    if access.format.isInteger {
      throw rules.fault(
        name, .format(found: access.format.name, allowed: "floating-point formats"))
    }
  }
  mutating func transfer(_ name: String, _ value: inout DataLocation, isWrite: Bool)
    throws(Fault)
  {
    try rules.check(name, value)
    microscaled.noteTransfer(name, value.format)
    if case .onChip(let access) = value { indirect.note(name, access, isWrite: isWrite) }
  }
  mutating func register(_ name: String, _ value: inout UInt8) throws(Fault) {
    try rules.checkRegister(name, value)
  }
  mutating func registerOrInteger(_ name: String, _ value: inout RegisterOperand) throws(Fault) {
    if case .register(let index) = value { try rules.checkRegister(name, index) }
  }
}
