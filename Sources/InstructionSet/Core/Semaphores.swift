/// What an instruction waits for before it is dispatched.
public struct SemaphoreWait: Hashable, Sendable, BitwiseCopyable {
  /// How the semaphore's value is compared.
  public enum Condition: UInt8, Sendable, BitwiseCopyable { case none, atLeast, equal }

  /// The value compared with.
  public var value: UInt32
  /// The semaphore, 0 to 255.
  public var semaphore: UInt8
  /// How the value is compared; `none` waits for nothing.
  public var condition: Condition

  /// Waits until the semaphore is at least (or exactly) `value`.
  @inlinable public init(
    _ semaphore: UInt8, _ condition: Condition = .atLeast, _ value: UInt32
  ) {
    self.semaphore = semaphore
    self.condition = condition
    self.value = value
  }

  /// No wait.
  public static let none = SemaphoreWait(0, .none, 0)

  /// True when a semaphore of that value lets the instruction go.
  @inlinable public func isMet(by current: UInt32) -> Bool {
    switch condition {
    case .none: true
    case .atLeast: current >= value
    case .equal: current == value
    }
  }
}

/// What an instruction does to a semaphore when it completes.
public struct SemaphoreUpdate: Hashable, Sendable, BitwiseCopyable {
  /// How the semaphore changes.
  public enum Operation: UInt8, Sendable, BitwiseCopyable { case none, add, subtract, write }

  /// The number added, subtracted or written. For a DMA it must equal the engines that take part.
  public var value: UInt32
  /// The semaphore, 0 to 255.
  public var semaphore: UInt8
  /// How the semaphore changes; `none` leaves all of them alone.
  public var operation: Operation

  /// Changes the semaphore by (or to) `value`.
  @inlinable public init(_ semaphore: UInt8, _ operation: Operation = .add, _ value: UInt32 = 1) {
    self.semaphore = semaphore
    self.operation = operation
    self.value = value
  }

  /// No update.
  public static let none = SemaphoreUpdate(0, .none, 0)

  /// The semaphore's value after the update; subtraction stops at zero.
  @inlinable public func applied(to current: UInt32) -> UInt32 {
    switch operation {
    case .none: current
    case .add: current &+ value
    case .subtract: current >= value ? current - value : 0
    case .write: value
    }
  }
}
