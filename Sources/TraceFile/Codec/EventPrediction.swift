/// What the last record of a program row looked like: the guess for its next one.
///
/// Encoder and decoder update it alike and store only the difference, which is 0 in a steady loop.
struct EventPrediction: BitwiseCopyable {
  var gap: Int64 = 0
  var duration: Int64 = 0
  var wait: Int64 = 0
  var detail: UInt16 = 0
  var stallCauseCode: UInt8 = 0

  /// Rows share a slot when they are equal modulo this; a shared slot costs bytes, never values.
  static let slots = 4096

  /// A stall explains the gap before it but for a constant overhead, so both vary together.
  @inline(__always) func expectedWait(gap newGap: Int64) -> Int64 {
    wait == 0 ? 0 : max(0, newGap &- (gap &- wait))
  }
}
