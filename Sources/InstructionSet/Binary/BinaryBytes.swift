/// Writes numbers as bytes.
struct BinaryWriter: Equatable {
  private(set) var bytes: [UInt8] = []

  mutating func put(_ more: some Sequence<UInt8>) { bytes += more }

  mutating func put(byte: UInt8) { bytes.append(byte) }

  /// Little-endian.
  mutating func putFixed(_ value: UInt64, size: Int) {
    for index in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
  }

  /// Seven bits a byte, the lowest first.
  mutating func put(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func put(_ value: Int) { put(UInt64(truncatingIfNeeded: value)) }

  /// Small numbers of both signs become small varints.
  mutating func putSigned(_ value: Int64) { put(UInt64(bitPattern: (value << 1) ^ (value >> 63))) }
}

/// Reads what `BinaryWriter` wrote; every read checks that the bytes are there.
struct BinaryReader {
  private let bytes: ArraySlice<UInt8>
  private(set) var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  var remaining: Int { bytes.endIndex - position }

  func damage(_ what: String) -> ProgramBinaryError { .damaged(place: position, what: what) }

  private mutating func byte() throws(ProgramBinaryError) -> UInt8 {
    guard position < bytes.endIndex else { throw damage("it ends too early") }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func take(_ count: Int) throws(ProgramBinaryError) -> ArraySlice<UInt8> {
    guard count >= 0, count <= remaining else { throw damage("it ends too early") }
    defer { position += count }
    return bytes[position..<position + count]
  }

  mutating func takeFixed(size: Int) throws(ProgramBinaryError) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<size { value |= UInt64(try byte()) << UInt64(8 * index) }
    return value
  }

  mutating func takeNumber() throws(ProgramBinaryError) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<10 {
      let byte = try byte()
      value |= UInt64(byte & 0x7F) << UInt64(7 * index)
      if byte & 0x80 == 0 { return value }
    }
    throw damage("a number has too many bytes")
  }

  mutating func takeSigned() throws(ProgramBinaryError) -> Int64 {
    let value = try takeNumber()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  /// A number inside `range`.
  mutating func take(_ what: String, in range: ClosedRange<Int>) throws(ProgramBinaryError) -> Int {
    let value = try takeNumber()
    guard let number = Int(exactly: value), range.contains(number) else {
      throw damage("\(what) is \(value)")
    }
    return number
  }

  /// How many items follow, each of at least one byte.
  mutating func takeCount(_ what: String) throws(ProgramBinaryError) -> Int {
    try take("the count of \(what)", in: 0...max(0, remaining))
  }
}
