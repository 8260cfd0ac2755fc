/// Why an engine did not start earlier than it did. Causes are exclusive.
public enum StallCause: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// It started as soon as the instruction before let it.
  case none
  /// It waited for another engine's semaphore.
  case semaphore
  /// It waited for a transfer.
  case dma
  /// Its own pipeline was not free: start-up, interval, weights, run-ahead.
  case dependency
  /// Another engine held the PSUM bank or the shared port.
  case port
  /// Its queue was empty.
  case queueEmpty

  /// The name in reports.
  public var name: String {
    switch self {
    case .none: "none"
    case .semaphore: "semaphore"
    case .dma: "dma"
    case .dependency: "dependency"
    case .port: "port"
    case .queueEmpty: "queue_empty"
    }
  }
}

/// One instruction that ran, or one transfer that moved, as an observer sees it.
public struct Event: Sendable, BitwiseCopyable {
  /// When it began, in picoseconds.
  public var start: Int64
  /// How long it took, in picoseconds.
  public var duration: Int64
  /// How long it waited for its semaphore before it began, in picoseconds.
  public var wait: Int64
  /// Index of the instruction in the program: segments one after the other.
  public var programCounter: UInt32
  /// Why it waited.
  public var cause: StallCause
  /// The ring of a transfer.
  public var ring: UInt8 = 0
  /// DMA engines that move data in a stretch of transfers; 0 for an instruction or a transfer.
  public var engines: UInt8 = 0
  /// Whether its engine ran nothing of the kernel before; said by what was written down alone.
  public var isFirst = false

  @inline(__always)
  init(
    start: Int64, duration: Int64, wait: Int64, programCounter: UInt32, cause: StallCause
  ) {
    self.start = start
    self.duration = duration
    self.wait = wait
    self.programCounter = programCounter
    self.cause = cause
  }
}

/// Who watches a run. A generic parameter of the step loop, so that watching nothing costs nothing.
public protocol Observer: ~Copyable {
  /// An instruction of an engine ran; `engine` is the engine's raw value.
  mutating func ran(_ event: Event, on engine: Int)
  /// A transfer moved data from its first to its last byte.
  mutating func moved(_ event: Event, engines: Int)
  /// Between two changes of the transfers under way: the first DMA engines moved data.
  mutating func streamed(_ stretch: DMAStretch)
  /// An engine goes on at another place than the next row.
  mutating func went(_ step: ProgramStep, engine: Int)
}

/// Where an engine goes on: its next kernel, or the target of a branch. Once more each row from
/// `target` on runs, once less each from `end` on.
public struct ProgramStep: Hashable, Sendable, BitwiseCopyable {
  /// The next row.
  public var target: UInt32
  /// The row behind the stream of a kernel, or behind the branch.
  public var end: UInt32
  /// Whether a kernel begins.
  public var isEntry: Bool
}

/// A time in which the same transfers were under way.
public struct DMAStretch: Hashable, Sendable, BitwiseCopyable {
  /// Picoseconds.
  public var start: Int64
  /// Picoseconds.
  public var end: Int64
  /// How many engines moved data.
  public var engines: Int
  /// The trigger of the transfer that began first.
  public var programCounter: UInt32
}

extension Observer where Self: ~Copyable {
  /// Most observers take whole transfers.
  @inline(__always) public mutating func streamed(_ stretch: DMAStretch) {}
  /// Most observers know the way of an engine from what it runs.
  @inline(__always) public mutating func went(_ step: ProgramStep, engine: Int) {}
}

/// Watches nothing.
public struct NoObserver: Observer {
  /// An observer that keeps nothing.
  public init() {}
  @inline(__always) public mutating func ran(_ event: Event, on engine: Int) {}
  @inline(__always) public mutating func moved(_ event: Event, engines: Int) {}
}
