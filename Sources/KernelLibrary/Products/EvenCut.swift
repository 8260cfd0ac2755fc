/// A length cut into equal parts, one for each partition or each tile of the stationary operand.
///
/// 2880 = 24 · 120, where tiles of 128 would leave half of the last one empty.
struct EvenCut {
  /// Elements of a part: the largest number of at most 128 that divides the length.
  let size: Int
  /// Parts.
  let count: Int

  init(_ length: Int) {
    size = length < 1 ? 1 : (1...min(128, length)).last { length % $0 == 0 } ?? 1
    count = length / size
  }

  /// Parts of so many elements, of which the last may have fewer.
  init(whole size: Int, of length: Int) {
    self.size = size
    count = ceilDivide(length, size)
  }

  /// True where parts are wide enough to be worth a load of the array each, or there is but one.
  var isDense: Bool { count == 1 || size >= 64 }
}
