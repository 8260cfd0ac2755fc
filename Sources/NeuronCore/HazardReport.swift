public import Hardware

/// Two accesses to the same bytes, at least one of them a write, that no semaphore orders.
public struct HazardReport: Hashable, Sendable, CustomStringConvertible {
  /// One of the two accesses.
  public struct Access: Hashable, Sendable {
    /// The queue that holds the instruction.
    public var engine: Engine
    /// True when the DMA engines make the access after the trigger.
    public var isTransfer: Bool
    /// Program counter of the instruction.
    public var programCounter: Int
    /// The opcode's name.
    public var instruction: String
    /// True for a write.
    public var isWrite: Bool
  }

  /// The access that ran first in the model.
  public var earlier: Access
  /// The access that nothing makes wait for it.
  public var later: Access
  /// Where they meet: memory and first byte in common.
  public var place: String

  /// One line that names both instructions.
  public var description: String {
    "\(place): \(text(later)) is not ordered after \(text(earlier))"
  }

  private func text(_ access: Access) -> String {
    "\(access.instruction) #\(access.programCounter) on \(access.engine.name)"
      + "\(access.isTransfer ? " (transfer)" : "") (\(access.isWrite ? "write" : "read"))"
  }
}
