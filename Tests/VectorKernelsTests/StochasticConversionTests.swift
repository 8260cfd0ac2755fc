import NumericFormats
import Testing
import VectorKernels

/// The bytes of a row narrowed with a mode of rounding, beside ones that must survive.
private func narrow(
  _ format: NumberFormat, _ values: [Float], first: Int = 0, stride: Int = 1, room: Int,
  rounding: RoundingMode, pass: UInt64 = 0, firstIndex: UInt32 = 0
) -> [UInt8] {
  var bytes = [UInt8](repeating: 0xA5, count: room * format.sizeBytes)
  unsafe bytes.withUnsafeMutableBytes { raw in
    unsafe values.withUnsafeBufferPointer { source in
      guard let base = raw.baseAddress, let from = source.baseAddress else { return }
      unsafe Conversion.narrow(
        format, from: from, into: base + first * format.sizeBytes, stride: stride,
        count: values.count, rounding: rounding, pass: pass, firstIndex: firstIndex)
    }
  }
  return bytes
}

/// The code of an element among such bytes.
private func code(_ format: NumberFormat, _ bytes: [UInt8], at element: Int) -> UInt32 {
  (0..<format.sizeBytes).reduce(UInt32(0)) {
    $0 | UInt32(bytes[element * format.sizeBytes + $1]) << (8 * $1)
  }
}

@Suite struct StochasticConversionTests {
  @Test func everyFormatSizeAndStrideEqualsTheReference() {
    let bits = StochasticBits(seed: 11, pass: 2)
    for format in NumberFormat.allCases {
      for count in rowSizes {
        let values = sampleRow(count, seed: UInt64(count + 9)).map { $0 * 60 }
        for (first, stride) in [(0, 1), (1, 1), (3, 2), (count * 2, -2)] {
          let room = 3 * count + 4
          let bytes = narrow(
            format, values, first: first, stride: stride, room: room,
            rounding: .stochastic(seed: 11), pass: 2, firstIndex: .max - 5)
          var expected = [UInt8](repeating: 0xA5, count: room * format.sizeBytes)
          for (index, value) in values.enumerated() {
            let word = bits.word(at: .max - 5 &+ UInt32(index))
            let code = format.encode(value, stochasticBits: word)
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

  @Test func theWholeFloatRangeEqualsTheReference() {
    var values: [Float] = []
    var pattern: UInt32 = 0
    while pattern < 0xFFFF_0000 {
      values.append(Float(bitPattern: pattern))
      pattern += 0x0000_F777
    }
    // Near the narrow formats' subnormal numbers, where each exponent drops another bit.
    for pattern in stride(from: UInt32(0x2800_0000), to: 0x4000_0000, by: 0x1357) {
      values.append(-Float(bitPattern: pattern))
    }
    for seed: UInt64 in [0, 99] {
      let bits = StochasticBits(seed: seed)
      for format in NumberFormat.allCases {
        let bytes = narrow(format, values, room: values.count, rounding: .stochastic(seed: seed))
        let differs = values.indices.first { index in
          code(format, bytes, at: index)
            != format.encode(values[index], stochasticBits: bits.word(at: UInt32(index)))
        }
        #expect(differs == nil, "\(format.name) \(differs.map { values[$0] } ?? 0)")
      }
    }
  }

  /// The same bits in one row or in many.
  @Test func rowsCanBeCutAnywhere() {
    let values = sampleRow(257, seed: 3)
    for format in [NumberFormat.bfloat16, .float16, .float8e5m2] {
      let whole = narrow(
        format, values, room: 257, rounding: .stochastic(seed: 5), pass: 8, firstIndex: 100)
      for cut in [1, 16, 100, 255] {
        let left = narrow(
          format, Array(values[..<cut]), room: cut, rounding: .stochastic(seed: 5), pass: 8,
          firstIndex: 100)
        let right = narrow(
          format, Array(values[cut...]), room: 257 - cut, rounding: .stochastic(seed: 5), pass: 8,
          firstIndex: 100 + UInt32(cut))
        #expect(left + right == whole)
      }
    }
  }

  @Test func nearestEvenIsThePlainConversion() {
    let values = sampleRow(300, seed: 4)
    for format in NumberFormat.allCases {
      let bytes = narrow(format, values, room: 300, rounding: .nearestEven, pass: 3)
      for index in values.indices {
        #expect(code(format, bytes, at: index) == format.encode(values[index]))
      }
    }
  }

  /// The kernel's own mean over a million draws, for a value a third of the way up.
  @Test func meanOfTheKernelIsTheValue() {
    let count = 1_000_000
    let value: Float = 1 + 0x1p-7 / 3
    let row = [Float](repeating: value, count: count)
    let bytes = narrow(.bfloat16, row, room: count, rounding: .stochastic(seed: 77))
    let ups = (0..<count).count { code(.bfloat16, bytes, at: $0) == 0x3F81 }
    let share = Double(value - 1) / 0x1p-7
    let error = (share * (1 - share) * Double(count)).squareRoot()
    #expect(abs(Double(ups) - share * Double(count)) < 3 * error)
  }
}

@Suite struct ExhaustiveConversionTests {
  /// All fp16 and bf16 patterns into every format, as the scalar reference has them; that one is
  /// compared with independent vectors.
  @Test func allSixteenBitPatternsNarrowLikeTheReference() {
    for source in [NumberFormat.float16, .bfloat16] {
      let values = (UInt32(0)..<65536).map { source.decode($0) }
      for format in NumberFormat.allCases {
        let bytes = narrow(format, values, room: values.count, rounding: .nearestEven)
        let differs = values.indices.first {
          code(format, bytes, at: $0) != format.encode(values[$0])
        }
        #expect(differs == nil, "\(format.name) \(differs.map { values[$0] } ?? 0)")
      }
    }
  }
}
