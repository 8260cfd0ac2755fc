/// Why an engine stood still before a record began.
public enum StallCause: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// No wait, or a wait whose cause the recorder did not name.
  case none
  /// A semaphore had not reached its value.
  case semaphore
  /// A transfer had not arrived.
  case dma
  /// There was nothing to issue.
  case queueEmpty
  /// The engine's own pipeline: an earlier instruction had not delivered.
  case dependency
  /// The power limiter held the engine back.
  case limiter
  /// A table of the activation unit was being loaded.
  case tableLoad
  /// Control flow: branches, fetches, register work.
  case control

  /// The number of causes; arrays over causes have this length.
  public static let count = 8

  /// The name in JSON output and in tables.
  public var key: String {
    switch self {
    case .none: "unattributed"
    case .semaphore: "semaphore"
    case .dma: "dma"
    case .queueEmpty: "queue_empty"
    case .dependency: "dependency"
    case .limiter: "limiter"
    case .tableLoad: "table_load"
    case .control: "control"
    }
  }
}
