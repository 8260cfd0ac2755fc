/// CRC-32C (Castagnoli), for headers.
package enum CRC32C {
  /// The remainder of each byte under the reflected polynomial 0x82F63B78.
  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in
      value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1
    }
  }

  /// The checksum of `bytes`, with the usual inversion before and after.
  package static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { value, byte in
      (value >> 8) ^ table[Int(UInt8(truncatingIfNeeded: value) ^ byte)]
    }
  }
}

/// XXH64 with seed 0, for contents: fast enough to check every byte that is read.
package enum XXH64 {
  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

  /// The hash of `bytes`.
  package static func hash(_ bytes: [UInt8]) -> UInt64 {
    unsafe bytes.withUnsafeBytes { hash($0) }
  }

  /// Every load lies below `bytes.count`, which the loop conditions state.
  @safe static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var offset = 0
    var value: UInt64
    if bytes.count >= 32 {
      var lanes = SIMD4(prime1 &+ prime2, prime2, 0, 0 &- prime1)
      while offset + 32 <= bytes.count {
        let input = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: SIMD4<UInt64>.self)
        lanes = rotate(lanes &+ input &* prime2, 31) &* prime1
        offset += 32
      }
      value = rotate(lanes[0], 1) &+ rotate(lanes[1], 7)
      value = value &+ rotate(lanes[2], 12) &+ rotate(lanes[3], 18)
      for lane in 0..<4 { value = (value ^ round(0, lanes[lane])) &* prime1 &+ prime4 }
    } else {
      value = prime5
    }
    value &+= UInt64(bytes.count)
    while offset + 8 <= bytes.count {
      let input = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      value = rotate(value ^ round(0, input), 27) &* prime1 &+ prime4
      offset += 8
    }
    return unsafe finish(value, UnsafeRawBufferPointer(rebasing: bytes[offset...]))
  }

  /// The last 0 to 7 bytes and the final mixing.
  private static func finish(_ start: UInt64, _ tail: UnsafeRawBufferPointer) -> UInt64 {
    var value = start
    var offset = 0
    if tail.count >= 4 {
      let input = unsafe UInt64(tail.loadUnaligned(as: UInt32.self))
      value = rotate(value ^ input &* prime1, 23) &* prime2 &+ prime3
      offset = 4
    }
    while offset < tail.count {
      value = unsafe rotate(value ^ UInt64(tail[offset]) &* prime5, 11) &* prime1
      offset += 1
    }
    value = (value ^ value >> 33) &* prime2
    value = (value ^ value >> 29) &* prime3
    return value ^ value >> 32
  }

  @inline(__always) private static func round(_ lane: UInt64, _ input: UInt64) -> UInt64 {
    rotate(lane &+ input &* prime2, 31) &* prime1
  }

  @inline(__always) private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
    value << count | value >> (64 - count)
  }

  @inline(__always)
  private static func rotate(_ value: SIMD4<UInt64>, _ count: UInt64) -> SIMD4<UInt64> {
    value &<< SIMD4(repeating: count) | value &>> SIMD4(repeating: 64 - count)
  }
}
