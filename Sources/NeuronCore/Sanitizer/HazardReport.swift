public import Hardware

/// Something that the sanitizer found: a program that this model happens to run and that a chip, or
/// the same chip on another day, runs otherwise.
public struct HazardReport: Hashable, Sendable, CustomStringConvertible {
  /// What is wrong.
  public enum Kind: String, CaseIterable, Sendable {
    /// Two accesses to the same bytes, one of them a write, that no semaphore orders.
    case unordered
    /// Bytes are read that nothing wrote.
    case uninitialized
    /// A product is added to PSUM words that do not hold a sum of products.
    case accumulation
    /// Two allocations in use at the same time share bytes.
    case overlap
  }

  /// One of the accesses.
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
    /// The kernel that emitted it, or empty.
    public var kernel = ""
    /// `File.swift:line` of the statement that emitted it, or empty.
    public var source = ""
  }

  /// What is wrong.
  public var kind: Kind
  /// The access that ran first in the model; nil when there is none, as for bytes never written.
  public var earlier: Access?
  /// The access that is wrong; nil for allocations, which no instruction makes.
  public var later: Access?
  /// Where: memory and first byte.
  public var place: String

  /// One line that names both instructions.
  public var description: String {
    let first = later.map(text) ?? ""
    switch kind {
    case .unordered:
      return "\(place): \(first) is not ordered after \(earlier.map(text) ?? "another access")"
    case .uninitialized:
      return "\(place): \(first) reads what nothing wrote"
    case .accumulation:
      let before =
        earlier.map { "what \(text($0)) left there is no sum of products" }
        ?? "no product was written there"
      return "\(place): \(first) accumulates, but \(before); start the group without 'acc'"
    case .overlap: return place
    }
  }

  private func text(_ access: Access) -> String {
    var text = "\(access.instruction) #\(access.programCounter) on \(access.engine.name)"
    if access.isTransfer { text += " (transfer)" }
    text += access.isWrite ? " (write" : " (read"
    if !access.kernel.isEmpty { text += ", \(access.kernel)" }
    if !access.source.isEmpty { text += ", \(access.source)" }
    return text + ")"
  }
}
