public import Units

/// What one machine instruction costs on one device, for every state its engine can be in. The
/// instruction says what the constants are; the engine picks by its state.
public struct Cost: Hashable, Sendable, BitwiseCopyable {
  /// Which part of the engine's law applies.
  public enum Kind: UInt8, Sendable, BitwiseCopyable {
    /// The sequencer alone.
    case control
    /// A data path that streams elements: vector, scalar and GpSimd engines.
    case stream
    /// Weights into the tensor engine's shadow set.
    case loadWeights
    /// Rows through the tensor engine.
    case matmul
    /// A trigger of the DMA rings.
    case dmaTrigger
  }

  /// Dispatch to completion after a wait; for control rows their duration.
  public var coldDuration = Picoseconds.zero
  /// Dispatch to completion back to back.
  public var warmDuration = Picoseconds.zero
  /// Dispatch to the next dispatch of the data path after a wait; for control rows the next start.
  public var intervalAfterCold = Picoseconds.zero
  /// Dispatch to the next dispatch of the data path back to back.
  public var intervalAfterWarm = Picoseconds.zero
  /// Completion of the instruction before it to completion of this one, at least.
  public var completionInterval = Picoseconds.zero
  /// How long the operands stream through the data path; ports are held that long.
  public var streamTime = Picoseconds.zero
  /// What a fast mode loses while GpSimd holds the shared port.
  public var sharedPortPenalty = Picoseconds.zero
  /// Cycles that the operands stream through the engine, in tenths; the documented cost.
  public var streamTenths: Int64 = 0
  /// Tensor engine: cycles of the weight load at full rate; DMA: index in the segment's transfers.
  public var loadCycles: Int32 = 0
  /// Tensor engine: bubble cycles of the weight load that the half rate hides.
  public var loadBubbleCycles: Int16 = 0
  /// Which part of the engine's law applies.
  public var kind = Kind.control
  /// PSUM banks touched by a streaming instruction, one bit each.
  public var banks: UInt8 = 0

  /// A cost of zero.
  @inlinable public init() {}

  /// A control row: its duration and the time to the next row of its engine.
  @inlinable public static func control(_ duration: Picoseconds, next: Picoseconds) -> Cost {
    var cost = Cost()
    cost.coldDuration = duration
    cost.warmDuration = duration
    cost.intervalAfterCold = next
    cost.intervalAfterWarm = next
    return cost
  }
}
