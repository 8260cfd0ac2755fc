/// Where the elements of one row lie in memory: runs of `count` elements, each `stride` elements
/// from the one before, and the runs by up to three more dimensions.
public struct ElementRuns: Sendable, BitwiseCopyable {
  /// Elements of a run.
  public var count: Int
  /// Elements from one element of a run to the next; 0 broadcasts, negative ones walk down.
  public var stride: Int
  /// Runs along each outer dimension, outermost first; 1 where there is none.
  public var outerCounts: (Int, Int, Int)
  /// Elements from one run to the next along each outer dimension.
  public var outerStrides: (Int, Int, Int)

  /// One run.
  @inlinable @inline(__always)
  public init(count: Int, stride: Int = 1) {
    self.init(count: count, stride: stride, outerCounts: (1, 1, 1), outerStrides: (0, 0, 0))
  }

  /// Runs of runs.
  @inlinable @inline(__always)
  public init(
    count: Int, stride: Int, outerCounts: (Int, Int, Int), outerStrides: (Int, Int, Int)
  ) {
    self.count = count
    self.stride = stride
    self.outerCounts = outerCounts
    self.outerStrides = outerStrides
  }

  /// Elements in all.
  @inlinable @inline(__always)
  public var total: Int { count * outerCounts.0 * outerCounts.1 * outerCounts.2 }

  /// Calls `body` with the offset of each run's first element, in order.
  @inlinable @inline(__always)
  public func forEach(_ body: (Int) -> Void) {
    for i in 0..<outerCounts.0 {
      for j in 0..<outerCounts.1 {
        for k in 0..<outerCounts.2 {
          body(i &* outerStrides.0 &+ j &* outerStrides.1 &+ k &* outerStrides.2)
        }
      }
    }
  }
}
