/// Decompresses deflate streams (RFC 1951), so that reading `.json.gz` needs no library.
///
/// Codes are decoded with canonical code counts, a bit at a time: reports are megabytes, and the
/// JSON behind them takes longer.
struct Inflater {
  /// What is wrong with a stream.
  struct Damage: Error, Equatable {
    var reason: String
  }

  private let input: [UInt8]
  private var position: Int
  private let limit: Int
  private var bits: UInt32 = 0
  private var bitCount = 0
  private var output: [UInt8] = []

  init(_ input: [UInt8], from position: Int, limit: Int) {
    self.input = input
    self.position = position
    self.limit = limit
  }

  /// The content and where the stream ends in the input.
  mutating func run() throws(Damage) -> (content: [UInt8], end: Int) {
    var isLast = false
    while !isLast {
      isLast = try take(1) == 1
      switch try take(2) {
      case 0: try copyStored()
      case 1: try inflate(Self.fixedLengths, Self.fixedDistances)
      case 2:
        let (lengths, distances) = try readCodes()
        try inflate(lengths, distances)
      default: throw Damage(reason: "a block of an unknown kind")
      }
    }
    return (output, position)
  }

  // MARK: Bits

  private mutating func take(_ count: Int) throws(Damage) -> Int {
    while bitCount < count {
      guard position < input.count else { throw Damage(reason: "the file ends too early") }
      bits |= UInt32(input[position]) << UInt32(bitCount)
      position += 1
      bitCount += 8
    }
    let value = bits & (1 << UInt32(count) - 1)
    bits >>= UInt32(count)
    bitCount -= count
    return Int(value)
  }

  // MARK: Codes

  /// A canonical prefix code: how many codes of each length, and the symbols in order of code.
  private struct Code {
    var counts = [Int](repeating: 0, count: 16)
    var symbols: [Int] = []

    init(lengths: [UInt8]) {
      for length in lengths { counts[Int(length)] += 1 }
      counts[0] = 0
      var next = [Int](repeating: 0, count: 17)
      for length in 1..<16 { next[length + 1] = next[length] + counts[length] }
      symbols = [Int](repeating: 0, count: next[16])
      for (symbol, length) in lengths.enumerated() where length != 0 {
        symbols[next[Int(length)]] = symbol
        next[Int(length)] += 1
      }
    }
  }

  private mutating func symbol(_ code: Code) throws(Damage) -> Int {
    var value = 0
    var first = 0
    var index = 0
    for length in 1..<16 {
      value |= try take(1)
      let count = code.counts[length]
      if value - first < count { return code.symbols[index + value - first] }
      index += count
      first = (first + count) << 1
      value <<= 1
    }
    throw Damage(reason: "a code that no symbol has")
  }

  private static let fixedLengths = Code(
    lengths: (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 })
  private static let fixedDistances = Code(lengths: [UInt8](repeating: 5, count: 30))
  /// The order in which a block gives the lengths of the codes for code lengths.
  private static let lengthOrder = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
  ]

  private mutating func readCodes() throws(Damage) -> (Code, Code) {
    let literals = try take(5) + 257
    let distances = try take(5) + 1
    let count = try take(4) + 4
    guard literals <= 286, distances <= 30 else { throw Damage(reason: "too many codes") }
    var own = [UInt8](repeating: 0, count: 19)
    for index in 0..<count { own[Self.lengthOrder[index]] = UInt8(try take(3)) }
    let code = Code(lengths: own)
    var lengths: [UInt8] = []
    while lengths.count < literals + distances {
      let symbol = try symbol(code)
      switch symbol {
      case 0..<16: lengths.append(UInt8(symbol))
      case 16:
        guard let last = lengths.last else { throw Damage(reason: "a repeat of nothing") }
        lengths += [UInt8](repeating: last, count: 3 + (try take(2)))
      case 17: lengths += [UInt8](repeating: 0, count: 3 + (try take(3)))
      default: lengths += [UInt8](repeating: 0, count: 11 + (try take(7)))
      }
    }
    guard lengths.count == literals + distances else { throw Damage(reason: "too many codes") }
    return (
      Code(lengths: Array(lengths[..<literals])), Code(lengths: Array(lengths[literals...]))
    )
  }

  // MARK: Blocks

  private mutating func copyStored() throws(Damage) {
    (bits, bitCount) = (0, 0)
    let count = try take(16)
    guard try take(16) == count ^ 0xFFFF else { throw Damage(reason: "a stored block's length") }
    guard position + count <= input.count else { throw Damage(reason: "the file ends too early") }
    try checkLimit(count)
    output.append(contentsOf: input[position..<position + count])
    position += count
  }

  private static let lengthBases = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258,
  ]
  private static let lengthExtras = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
  ]
  private static let distanceBases = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
    3073, 4097, 6145, 8193, 12289, 16385, 24577,
  ]

  private mutating func inflate(_ lengths: Code, _ distances: Code) throws(Damage) {
    while true {
      let symbol = try symbol(lengths)
      if symbol < 256 {
        try checkLimit(1)
        output.append(UInt8(symbol))
      } else if symbol == 256 {
        return
      } else {
        guard symbol < 286 else { throw Damage(reason: "a length that does not exist") }
        let length = Self.lengthBases[symbol - 257] + (try take(Self.lengthExtras[symbol - 257]))
        let place = try self.symbol(distances)
        guard place < 30 else { throw Damage(reason: "a distance that does not exist") }
        let distance = Self.distanceBases[place] + (try take(max(0, place / 2 - 1)))
        try copy(length, from: distance)
      }
    }
  }

  private mutating func copy(_ length: Int, from distance: Int) throws(Damage) {
    guard distance <= output.count else { throw Damage(reason: "a copy from before the start") }
    try checkLimit(length)
    let start = output.count - distance
    for index in start..<start + length { output.append(output[index]) }
  }

  private func checkLimit(_ more: Int) throws(Damage) {
    guard output.count + more <= limit else {
      throw Damage(reason: "more than \(limit) bytes of content")
    }
  }
}
