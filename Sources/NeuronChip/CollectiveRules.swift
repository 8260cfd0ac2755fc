import CoreState
import Hardware
import InstructionSet

/// What the collectives of one core's program may name: groups that hold the core, and as many
/// elements as the group needs.
struct CollectiveRules {
  let program: ChipProgram
  let core: Int

  /// Checks every collective of a program.
  func check(_ program: Program) throws(ChipError) {
    for segment in program.segments {
      for (index, instruction) in segment.instructions.enumerated() {
        guard case .collective(let collective) = instruction.operation,
          let (operand, rule) = broken(collective)
        else { continue }
        throw .illegal(
          core: core,
          Fault(
            instruction.operation.opcode.name, operand: operand, rule, index: index,
            engine: segment.engine(of: index)))
      }
    }
  }

  private func broken(_ collective: Collective) -> (operand: String, rule: Fault.Rule)? {
    let groups = program.collectiveGroups
    guard groups.indices.contains(Int(collective.group)) else {
      return (
        "group", .value(found: "\(collective.group)", allowed: "0 to \(groups.count - 1)")
      )
    }
    let ranks = groups[Int(collective.group)]
    guard ranks.contains(core) else {
      return (
        "group",
        .value(
          found: "\(collective.group), which core \(core) is not in",
          allowed: "groups that hold core \(core)")
      )
    }
    return brokenCount(collective, ranks.count)
  }

  /// Elements per rank: what is gathered grows by the ranks, what is scattered shrinks.
  private func brokenCount(_ collective: Collective, _ ranks: Int)
    -> (operand: String, rule: Fault.Rule)?
  {
    let (source, destination) = (collective.source.count, collective.destination.count)
    switch collective.kind {
    case .allReduce, .permute, .permuteImplicit:
      guard destination != source else { return nil }
      return ("dst", .elementCountMismatch(found: destination, expected: source))
    case .allGather:
      guard destination != source * ranks else { return nil }
      return ("dst", .elementCountMismatch(found: destination, expected: source * ranks))
    case .reduceScatter:
      guard source != destination * ranks else { return nil }
      return ("src", .elementCountMismatch(found: source, expected: destination * ranks))
    case .allToAll:
      guard destination != source || source % ranks != 0 else { return nil }
      let expected = (max(source, 1) + ranks - 1) / ranks * ranks
      return ("dst", .elementCountMismatch(found: destination, expected: expected))
    case .allGatherVariable, .allToAllVariable, .permuteImplicitReduce:
      return (
        "kind",
        .value(
          found: "\(collective.kind.text), whose counts lie in memory",
          allowed: "collectives of fixed sizes; this model has no others")
      )
    }
  }
}
