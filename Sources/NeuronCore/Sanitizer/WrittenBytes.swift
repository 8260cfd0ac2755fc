import CoreState
import NumericFormats

/// One bit per byte of an on-chip memory, set once something wrote the byte.
struct WrittenBytes: ~Copyable {
  private var words: FixedBuffer<UInt64>
  private let wordsPerPartition: Int

  init(partitions: Int, bytesPerPartition: Int) {
    wordsPerPartition = (bytesPerPartition + 63) / 64
    words = FixedBuffer(repeating: 0, count: partitions * wordsPerPartition)
  }

  /// Notes that a pattern was written.
  mutating func mark(_ access: AccessPattern, runs: [Range<Int>]) {
    for partition in access.partitions {
      let base = partition * wordsPerPartition
      for run in runs {
        Self.forEachWord(run) { word, mask in words[base + word] |= mask }
      }
    }
  }

  /// The first byte of a pattern that nothing wrote.
  func firstUnwritten(_ access: AccessPattern, runs: [Range<Int>]) -> (partition: Int, byte: Int)? {
    for partition in access.partitions {
      let base = partition * wordsPerPartition
      for run in runs {
        var found: Int?
        Self.forEachWord(run) { word, mask in
          let missing = ~words[base + word] & mask
          if found == nil, missing != 0 { found = word * 64 + missing.trailingZeroBitCount }
        }
        if let found { return (partition, found) }
      }
    }
    return nil
  }

  /// The 64-bit words that a range of bits meets, each with the bits inside.
  @inline(__always)
  static func forEachWord(_ run: Range<Int>, _ body: (Int, UInt64) -> Void) {
    var bit = run.lowerBound
    while bit < run.upperBound {
      let word = bit >> 6
      let end = min(run.upperBound, (word + 1) << 6)
      let count = end - bit
      let mask: UInt64 = count == 64 ? .max : ((1 << UInt64(count)) - 1) << UInt64(bit & 63)
      body(word, mask)
      bit = end
    }
  }
}

/// Which bytes of HBM hold something: what the host put there, and what transfers wrote since.
struct WrittenHBM {
  private static let pageShift = 16
  private static let pageBytes = 1 << pageShift

  private enum Page {
    case full
    case partial([UInt64])
  }

  /// Ranges that the host filled, sorted, without overlaps.
  private var given: [Range<Int>] = []
  private var pages: [Int: Page] = [:]

  /// Memory in which the host filled some ranges before the run.
  init(given ranges: [Range<Int>]) {
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where !range.isEmpty {
      if let last = given.last, last.upperBound >= range.lowerBound {
        given[given.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        given.append(range)
      }
    }
  }

  /// Notes that bytes were written.
  mutating func mark(_ range: Range<Int>) {
    if isGiven(range) { return }
    var byte = range.lowerBound
    while byte < range.upperBound {
      let page = byte >> Self.pageShift
      let first = page << Self.pageShift
      let end = min(range.upperBound, first + Self.pageBytes)
      if end - byte == Self.pageBytes {
        pages[page] = .full
      } else if case .full? = pages[page] {
      } else {
        mark(byte - first..<end - first, inPage: page)
      }
      byte = end
    }
  }

  private mutating func mark(_ range: Range<Int>, inPage page: Int) {
    var bits = Array(repeating: UInt64(0), count: Self.pageBytes / 64)
    if case .partial(let known)? = pages.removeValue(forKey: page) { bits = known }
    WrittenBytes.forEachWord(range) { word, mask in bits[word] |= mask }
    pages[page] = .partial(bits)
  }

  /// The first of some bytes that holds nothing.
  func firstUnwritten(_ range: Range<Int>) -> Int? {
    if isGiven(range) { return nil }
    var byte = range.lowerBound
    while byte < range.upperBound {
      let page = byte >> Self.pageShift
      let first = page << Self.pageShift
      let end = min(range.upperBound, first + Self.pageBytes)
      if let missing = firstUnwritten(byte - first..<end - first, inPage: page) {
        let found = first + missing
        guard let inside = given.first(where: { $0.contains(found) }) else { return found }
        byte = inside.upperBound
      } else {
        byte = end
      }
    }
    return nil
  }

  private func firstUnwritten(_ range: Range<Int>, inPage page: Int) -> Int? {
    switch pages[page] {
    case .full: return nil
    case nil: return range.lowerBound
    case .partial(let bits):
      var found: Int?
      WrittenBytes.forEachWord(range) { word, mask in
        let missing = ~bits[word] & mask
        if found == nil, missing != 0 { found = word * 64 + missing.trailingZeroBitCount }
      }
      return found
    }
  }

  /// True when the host filled all of a range.
  private func isGiven(_ range: Range<Int>) -> Bool {
    var low = 0
    var high = given.count
    while low < high {
      let middle = (low + high) / 2
      if given[middle].upperBound <= range.lowerBound { low = middle + 1 } else { high = middle }
    }
    return low < given.count && given[low].lowerBound <= range.lowerBound
      && range.upperBound <= given[low].upperBound
  }
}

extension AccessPattern {
  /// The pattern with the value of its register added, in bytes.
  func moved(byBytes offset: Int) -> AccessPattern {
    var pattern = self
    pattern.byteOffset += numericCast(offset)
    pattern.register = AccessPattern.noRegister
    return pattern
  }

  /// Byte ranges of each partition that the pattern touches: one per innermost run when it is dense
  /// and one per element when it is not. Elements that offsets choose stand for the whole view.
  var byteRuns: [Range<Int>] {
    let size = format.sizeBytes
    if isContiguous || isIndirect { return [byteExtent] }
    let run = innermostStride == 1 ? innermostSize : 1
    return stride(from: 0, to: columns, by: run).map { index in
      let low = Int(byteOffset) + elementOffset(of: index) * size
      return low..<low + run * size
    }
  }
}

extension TensorAccess {
  /// Byte ranges of the tensor that the access touches, one per run without a gap.
  func forEachRun(_ body: (Range<Int>) -> Void) {
    let size = format.sizeBytes
    let run = contiguousRun
    var counts = [1, 1, 1, 1]
    var steps = [0, 0, 0, 0]
    var covered = 1
    for dimension in (0..<Int(dimensionCount)).reversed() {
      if covered < run {
        covered *= Int(sizes[dimension])
      } else {
        counts[dimension] = Int(sizes[dimension])
        steps[dimension] = Int(strides[dimension])
      }
    }
    for a in 0..<counts[0] {
      for b in 0..<counts[1] {
        for c in 0..<counts[2] {
          for d in 0..<counts[3] {
            let element = a * steps[0] + b * steps[1] + c * steps[2] + d * steps[3]
            let low = Int(byteOffset) + element * size
            body(low..<low + run * size)
          }
        }
      }
    }
  }
}
