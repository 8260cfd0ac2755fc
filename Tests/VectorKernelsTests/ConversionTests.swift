import NumericFormats
import Testing
import VectorKernels

@Suite struct RowConversionTests {
  func decode(_ format: NumberFormat, _ bytes: [UInt8], at element: Int) -> Float {
    let start = element * format.sizeBytes
    let code = (0..<format.sizeBytes).reduce(UInt32(0)) {
      $0 | UInt32(bytes[start + $1]) << (8 * $1)
    }
    return format.decode(code)
  }

  func widen(
    _ format: NumberFormat, _ bytes: [UInt8], first: Int, stride: Int, count: Int
  ) -> [Float] {
    var result = [Float](repeating: -77, count: count + 1)
    unsafe bytes.withUnsafeBytes { raw in
      unsafe result.withUnsafeMutableBufferPointer { out in
        guard let base = raw.baseAddress, let target = out.baseAddress else { return }
        unsafe Conversion.widen(
          format, from: base + first * format.sizeBytes, stride: stride, count: count, into: target)
      }
    }
    #expect(result[count] == -77)
    return Array(result.dropLast())
  }

  func narrow(_ format: NumberFormat, _ values: [Float], first: Int, stride: Int, room: Int)
    -> [UInt8]
  {
    var bytes = [UInt8](repeating: 0xA5, count: room * format.sizeBytes)
    unsafe bytes.withUnsafeMutableBytes { raw in
      unsafe values.withUnsafeBufferPointer { source in
        guard let base = raw.baseAddress, let from = source.baseAddress else { return }
        unsafe Conversion.narrow(
          format, from: from, into: base + first * format.sizeBytes, stride: stride,
          count: values.count)
      }
    }
    return bytes
  }

  @Test func everyPatternOfTheNarrowFormatsWidensLikeTheReference() {
    for format in NumberFormat.allCases where format.sizeBytes < 4 {
      let count = format.sizeBytes == 1 ? 256 : 65536
      let bytes = (0..<count).flatMap { code in
        (0..<format.sizeBytes).map { UInt8(truncatingIfNeeded: code >> (8 * $0)) }
      }
      let wide = widen(format, bytes, first: 0, stride: 1, count: count)
      let expected = (0..<count).map { format.decode(UInt32($0)) }
      #expect(isSame(wide, expected), "\(format.name)")
    }
  }

  @Test func everyFormatSizeAndStrideWidensLikeTheReference() {
    var generator = Seeded(5)
    for format in NumberFormat.allCases {
      let bytes = (0..<(600 * 3 * 4)).map { _ in UInt8.random(in: 0...255, using: &generator) }
      for count in rowSizes {
        for (first, stride) in [
          (0, 1), (1, 1), (3, 2), (2, 0), (0, 3), (count * 2, -2), (count, -1),
        ] {
          let wide = widen(format, bytes, first: first, stride: stride, count: count)
          let expected = (0..<count).map { decode(format, bytes, at: first + $0 * stride) }
          #expect(isSame(wide, expected), "\(format.name) \(count) \(stride)")
        }
      }
    }
  }

  @Test func everyFormatSizeAndStrideNarrowsLikeTheReference() {
    for format in NumberFormat.allCases {
      for count in rowSizes {
        let values = sampleRow(count, seed: UInt64(count + 1)).map { $0 * 60 }
        for (first, stride) in [(0, 1), (1, 1), (3, 2), (count * 2, -2)] {
          let room = 3 * count + 4
          let bytes = narrow(format, values, first: first, stride: stride, room: room)
          var expected = [UInt8](repeating: 0xA5, count: room * format.sizeBytes)
          for (index, value) in values.enumerated() {
            let code = format.encode(value)
            for byte in 0..<format.sizeBytes {
              expected[(first + index * stride) * format.sizeBytes + byte] =
                UInt8(truncatingIfNeeded: code >> (8 * byte))
            }
          }
          #expect(bytes == expected, "\(format.name) \(count) \(stride)")
        }
      }
    }
  }

  @Test func narrowingAgreesOverTheWholeFloatRange() {
    var values: [Float] = []
    var bits: UInt32 = 0
    while bits < 0xFFFF_0000 {
      values.append(Float(bitPattern: bits))
      bits += 0x0001_0777
    }
    // Halfway cases of the two-byte formats, of tf32 and of fp8, subnormal results among them.
    for bits in stride(from: UInt32(0), to: 0x7F80_0000, by: 0x8000) {
      values.append(Float(bitPattern: bits))
    }
    for bits in stride(from: UInt32(0x3300_0000), to: 0x4000_0000, by: 0x1000) {
      values.append(-Float(bitPattern: bits))
    }
    for half in -70_000..<70_000 { values.append(Float(half) / 2) }
    for format in NumberFormat.allCases {
      let bytes = narrow(format, values, first: 0, stride: 1, room: values.count)
      let size = format.sizeBytes
      let differs = values.indices.first { index in
        let code = (0..<size).reduce(UInt32(0)) {
          $0 | UInt32(bytes[index * size + $1]) << (8 * $1)
        }
        return code != format.encode(values[index])
      }
      #expect(differs == nil, "\(format.name) \(differs.map { values[$0] } ?? 0)")
    }
  }

  @Test func codesAreThoseOfTheReference() {
    let values = sampleRow(37, seed: 5, isTame: false)
    let halves: [UInt16] = Conversion.codes(.bfloat16, of: values)
    #expect(halves == values.map { UInt16(NumberFormat.bfloat16.encode($0)) })
    let bytes: [UInt8] = Conversion.codes(.float8e4m3, of: values)
    #expect(bytes == values.map { UInt8(NumberFormat.float8e4m3.encode($0)) })
    let words: [UInt32] = Conversion.codes(.int32, of: values)
    #expect(words == values.map { NumberFormat.int32.encode($0) })
    let none: [UInt16] = Conversion.codes(.float16, of: [])
    #expect(none.isEmpty)
  }

  @Test func broadcastNarrowKeepsTheLastValue() {
    #expect(narrow(.uint8, [1, 2, 3], first: 0, stride: 0, room: 1) == [3])
  }

  @Test func bitsAreCopiedUnchanged() {
    let source = (0..<240).map { UInt8(truncatingIfNeeded: $0 &* 73) }
    for size in [1, 2, 4] {
      for (from, to) in [(1, 1), (2, 1), (1, 2), (0, 1), (-1, 1), (3, -1)] {
        let first = from < 0 ? 19 : 0
        let target = to < 0 ? 19 : 0
        var copy = [UInt8](repeating: 0, count: 240)
        unsafe source.withUnsafeBytes { raw in
          unsafe copy.withUnsafeMutableBytes { out in
            guard let base = raw.baseAddress, let target0 = out.baseAddress else { return }
            unsafe Conversion.copyBits(
              sizeBytes: size, from: base + first * size, sourceStride: from,
              into: target0 + target * size, destinationStride: to, count: 17)
          }
        }
        for index in 0..<17 {
          for byte in 0..<size {
            let expected = source[(first + index * from) * size + byte]
            #expect(copy[(target + index * to) * size + byte] == expected)
          }
        }
      }
    }
  }
}
