public import CoreState
public import Hardware

/// What one core of a logical core sends to the other: the elements of a SENDRECV, by its pipe.
///
/// This is all that a model of two cores needs: it takes the message of the one that arrives first,
/// waits for the other's, and delivers each to the other core. Neither core sees the other's
/// memories, so that two cores can be advanced apart.
public struct CoreMessage: Hashable, Sendable {
  /// The channel: messages of one pipe meet each other in order.
  public var pipe: Int
  /// The rank that the message goes to.
  public var receiver: Int
  /// Elements as `CoreState.travellingBits` gives them, partition after partition.
  public var elements: [UInt32]

  /// A message to a rank.
  public init(pipe: Int, receiver: Int, elements: [UInt32]) {
    self.pipe = pipe
    self.receiver = receiver
    self.elements = elements
  }
}

extension SendReceive {
  /// What this core sends, read when the instruction starts.
  public func message(from core: borrowing CoreState, engine: Engine) -> CoreMessage {
    CoreMessage(
      pipe: Int(pipe), receiver: Int(sendTo),
      elements: core.travellingBits(source, engine: engine))
  }

  /// Stores what the other core sent; false when its message has another shape or another pipe.
  public func deliver(_ message: CoreMessage, to core: inout CoreState, engine: Engine) -> Bool {
    let count = destination.columns * Int(destination.partitionCount)
    guard message.pipe == Int(pipe), message.elements.count == count else { return false }
    core.setTravelling(destination, to: message.elements, engine: engine)
    return true
  }
}
