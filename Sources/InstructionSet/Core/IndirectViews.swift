import CoreState
import Hardware
import NumericFormats

/// The rules for operands that are indirect views: which instructions take them, in which operands,
/// and where their offsets lie.
///
/// Source: NKI instruction reference, SDK 2.31 (tensor indirection of each instruction); that the
/// partitions make up whole groups and that neither the view nor its offsets take an address from a
/// register is how its example kernel uses them, and what no source allows is refused.
struct IndirectViews {
  /// An operand in memory as the rules see it.
  private struct Operand {
    var name: String
    var access: AccessPattern
    var isWrite: Bool
  }

  /// Names of the operands that may be indirect.
  let allowed: [String]
  private var operands: [Operand] = []
  private var isUsed = false

  init(allowed: [String]) { self.allowed = allowed }

  /// Notes an operand in memory.
  mutating func note(_ name: String, _ access: AccessPattern, isWrite: Bool) {
    guard isUsed || access.isIndirect || !allowed.isEmpty else { return }
    isUsed = isUsed || access.isIndirect
    operands.append(Operand(name: name, access: access, isWrite: isWrite))
  }

  /// Refuses what the engine cannot read or write through offsets.
  func check(_ rules: OperandRules) throws(Fault) {
    guard isUsed else { return }
    for operand in operands where operand.access.isIndirect {
      try rules.require(operand.name, generation: 4)
      guard allowed.contains(operand.name) else {
        let names = allowed.joined(separator: ", ")
        throw rules.fault(
          operand.name,
          .value(
            found: "an indirect view",
            allowed: names.isEmpty ? "no indirect views here" : "indirect views as \(names) only"))
      }
      try checkIndex(rules, operand)
      try checkPlace(rules, operand)
    }
  }

  /// The offsets are there, for whole groups of partitions, from a quadrant's first partition on.
  private func checkIndex(_ rules: OperandRules, _ operand: Operand) throws(Fault) {
    let access = operand.access
    guard access.dimensionCount == 1, access.strides[0] == 1 else {
      throw rules.fault(
        operand.name,
        .value(found: "\(access.dimensionCount) dimensions", allowed: "one, dense, through offsets")
      )
    }
    guard access.register == AccessPattern.noRegister else {
      throw rules.fault(
        operand.name,
        .value(found: "an address from a register", allowed: "offsets or a register"))
    }
    let group = rules.engine.indirectionGroup
    guard Int(access.partitionCount) % group == 0 else {
      throw rules.fault(
        operand.name,
        .value(
          found: "\(access.partitionCount) partitions", allowed: "multiples of \(group)"))
    }
    let quadrant = rules.device.memory.startPartitionStep.value
    guard access.indexPartition % quadrant == 0 else {
      throw rules.fault(
        operand.name,
        .value(
          found: "offsets from partition \(access.indexPartition)",
          allowed: "multiples of \(quadrant)"))
    }
    try rules.check(operand.name, access.index(group: group))
  }

  /// What is gathered begins on the partition of its offsets; offsets of what is scattered begin
  /// where the first row that is read does, or where its offsets do when that row lies in PSUM.
  private func checkPlace(_ rules: OperandRules, _ operand: Operand) throws(Fault) {
    let access = operand.access
    guard operand.isWrite else {
      return try require(rules, operand, startsAt: Int(access.startPartition))
    }
    if rules.engine == .scalar, access.space == .psum {
      throw rules.fault(
        operand.name,
        .space(found: "psum", allowed: "sbuf: the scalar engine does not scatter to PSUM"))
    }
    guard let source = operands.first(where: { !$0.isWrite && allowed.contains($0.name) })?.access
    else { return }
    if source.space == .sbuf {
      try require(rules, operand, startsAt: Int(source.startPartition))
    } else if source.isIndirect {
      try require(rules, operand, startsAt: source.indexPartition)
    }
  }

  private func require(_ rules: OperandRules, _ operand: Operand, startsAt partition: Int)
    throws(Fault)
  {
    guard operand.access.indexPartition == partition else {
      throw rules.fault(
        operand.name,
        .value(
          found: "offsets from partition \(operand.access.indexPartition)",
          allowed: "partition \(partition)"))
    }
  }
}
