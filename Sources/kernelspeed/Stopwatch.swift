import Dispatch

/// Times short pieces of work.
enum Stopwatch {
  /// Seconds of one call of `body`: the fastest of a few batches, each long enough to be timed. The
  /// fastest, because everything else that runs on a machine only adds.
  static func seconds(batches: Int = 7, _ body: () -> Void) -> Double {
    body()
    var count = 1
    while measured(count, body) < 0.01 { count *= 2 }
    return (0..<batches).map { _ in measured(count, body) / Double(count) }.min() ?? 0
  }

  private static func measured(_ count: Int, _ body: () -> Void) -> Double {
    let start = DispatchTime.now().uptimeNanoseconds
    for _ in 0..<count { body() }
    return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
  }

  /// The clock of this processor in Hz, from a chain of a shift, an exclusive or and an addition,
  /// one cycle each. (Without the addition, two steps are one with a longer shift, and compilers
  /// know it.)
  static func clock() -> Double {
    var state = UInt64(DispatchTime.now().uptimeNanoseconds) | 1
    let steps = 1 << 20
    let seconds = seconds {
      var x = state
      for _ in 0..<steps { x = (x ^ (x >> 7)) &+ 1 }
      state = x
    }
    // The state is looked at, so that the chain is not left out.
    return state == 0 ? 0 : 3 * Double(steps) / seconds
  }
}
