import Results
import TraceFile

extension CommandContext {
  /// Names what is missing from a trace on standard error, a line each; how a verb ends that has
  /// answered from the rest.
  func report(_ damage: [TraceDamage], of path: String) throws(CommandFailure) -> Outcome {
    for damage in damage { try complain("\(path): \(damage)") }
    return damage.isEmpty ? .done : .damagedFile
  }
}
