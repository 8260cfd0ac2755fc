/// How much engine time a core's DMA engines get done: all of it, or less while the cores of a
/// stack want more than its bandwidth.
public struct TransferPace: Hashable, Sendable, BitwiseCopyable {
  /// A part of the full pace, of which there are `Share.whole`.
  public struct Share: Hashable, Comparable, Sendable, BitwiseCopyable {
    /// Parts of `whole`.
    var parts: Int64

    static let bits: Int64 = 20
    static let whole: Int64 = 1 << bits
    /// The full pace.
    public static let full = Share(parts: whole)

    /// The pace at which a demand shrinks to what is granted; at least one part.
    public init(granted: Int64, of demand: Int64) {
      parts = granted >= demand ? Self.whole : max(1, granted * Self.whole / demand)
    }

    private init(parts: Int64) { self.parts = parts }

    public static func < (a: Share, b: Share) -> Bool { a.parts < b.parts }
  }

  private var share = Share.full
  /// Work done that is less than a picosecond, in parts.
  private var rest: Int64 = 0

  /// Engine time that gets done in a time; what is less than a picosecond is kept.
  @inline(__always)
  mutating func work(in time: Int64) -> Int64 {
    if share == .full { return time }
    let done = time &* share.parts &+ rest
    rest = done & (Share.whole &- 1)
    return done >> Share.bits
  }

  /// The time until that much work is done.
  @inline(__always)
  func time(for work: Int64) -> Int64 {
    if share == .full || work > .max >> (Share.bits + 1) { return work }
    return ((work << Share.bits) &- rest &+ share.parts &- 1) / share.parts
  }

  /// Another pace from now on.
  mutating func change(to share: Share) {
    if share == .full { rest = 0 }
    self.share = share
  }
}
