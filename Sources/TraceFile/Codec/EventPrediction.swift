/// What the last record of a program row looked like: the guess for its next one.
///
/// Encoder and decoder update it alike and store only the difference, which is 0 in a steady loop.
struct EventPrediction: BitwiseCopyable {
  var gap: Int64 = 0
  var duration: Int64 = 0
  var wait: Int64 = 0
  var detail: UInt16 = 0
  var stallCauseCode: UInt8 = 0
  /// Whether a record of the block has used the slot.
  var isUsed = false

  /// Rows share a slot when they are equal modulo this; a shared slot costs bytes, never values.
  static let slots = 4096
  /// What gaps exceed waits by before any record of the block has waited: more than a gap can be,
  /// so that none is expected to.
  static let unknownOverhead: Int64 = 1 << 62

  /// A stall explains the gap before it but for a constant overhead, so both vary together. A slot
  /// that was not used yet has the overhead of the record that waited last.
  @inline(__always) func expectedWait(gap newGap: Int64, overhead: Int64) -> Int64 {
    guard wait == 0 else { return max(0, newGap &- (gap &- wait)) }
    return isUsed ? 0 : max(0, newGap &- overhead)
  }
}
