import Foundation
import NumericFormats
import Testing

/// What a format should hold, written from its definition in fp64, with no code shared with the
/// module: every finite magnitude in ascending order, index = code.
struct ReferenceFormat {
  var magnitudes: [Double] = []
  var hasInfinity: Bool
  var signBit: Int

  init(exponentBits: Int, mantissaBits: Int, bias: Int, hasInfinity: Bool) {
    self.hasInfinity = hasInfinity
    signBit = exponentBits + mantissaBits
    let steps = 1 << mantissaBits
    let last = hasInfinity ? (1 << exponentBits) - 1 : 1 << exponentBits
    for field in 0..<last {
      for mantissa in 0..<steps {
        let fraction = Double(mantissa) / Double(steps)
        magnitudes.append(
          field == 0
            ? fraction * pow(2, Double(1 - bias)) : (1 + fraction) * pow(2, Double(field - bias)))
      }
    }
    if !hasInfinity { magnitudes.removeLast() }
  }

  /// The code nearest to a magnitude, ties to the even code; `magnitudes.count` on overflow.
  func nearest(_ value: Double) -> Int {
    var low = 0
    var high = magnitudes.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if magnitudes[middle] <= value { low = middle } else { high = middle }
    }
    let top = magnitudes.count - 1
    let next = low == top ? 2 * magnitudes[top] - magnitudes[top - 1] : magnitudes[low + 1]
    let below = value - magnitudes[low]
    let above = next - value
    if below == above { return low % 2 == 0 ? low : low + 1 }
    return below < above ? low : low + 1
  }

  func encode(_ value: Float) -> UInt32? {
    guard !value.isNaN else { return nil }
    let sign: UInt32 = value.sign == .minus ? 1 << UInt32(signBit) : 0
    return sign | UInt32(value.isInfinite ? magnitudes.count : nearest(Double(value.magnitude)))
  }
}

let narrowFloats: [(NumberFormat, ReferenceFormat)] = [
  (.bfloat16, .init(exponentBits: 8, mantissaBits: 7, bias: 127, hasInfinity: true)),
  (.float16, .init(exponentBits: 5, mantissaBits: 10, bias: 15, hasInfinity: true)),
  (.float8e4m3, .init(exponentBits: 4, mantissaBits: 3, bias: 7, hasInfinity: true)),
  (.float8e4m3fn, .init(exponentBits: 4, mantissaBits: 3, bias: 7, hasInfinity: false)),
  (.float8e5m2, .init(exponentBits: 5, mantissaBits: 2, bias: 15, hasInfinity: true)),
  (.float8e3m4, .init(exponentBits: 3, mantissaBits: 4, bias: 3, hasInfinity: true)),
]

@Suite struct FloatConversionTests {
  @Test func largestValuesAreThoseOfTheDocumentation() {
    #expect(NumberFormat.float8e4m3.largestFinite == 240)
    #expect(NumberFormat.float8e4m3fn.largestFinite == 448)
    #expect(NumberFormat.float8e5m2.largestFinite == 57344)
    #expect(NumberFormat.float8e3m4.largestFinite == 15.5)
    #expect(NumberFormat.float16.largestFinite == 65504)
    #expect(NumberFormat.bfloat16.largestFinite == Float(bitPattern: 0x7F7F_0000))
  }

  @Test func everyCodeDecodesToItsDefinitionAndComesBack() {
    for (format, reference) in narrowFloats {
      let half = UInt32(1) << UInt32(reference.signBit)
      for code in 0..<(2 * half) {
        let value = format.decode(code)
        let magnitude = Int(code & (half - 1))
        if magnitude < reference.magnitudes.count {
          #expect(Double(value.magnitude) == reference.magnitudes[magnitude])
          #expect((value.sign == .minus) == (code >= half))
          #expect(format.encode(value) == code)
        } else if reference.hasInfinity && magnitude == reference.magnitudes.count {
          #expect(value.isInfinite && format.encode(value) == code)
        } else {
          #expect(value.isNaN && format.decode(format.encode(value)).isNaN)
        }
      }
    }
  }

  @Test func roundingAgreesWithTheReferenceAroundEveryBoundary() {
    for (format, reference) in narrowFloats {
      for code in 0..<reference.magnitudes.count {
        let here = reference.magnitudes[code]
        let next =
          code + 1 < reference.magnitudes.count
          ? reference.magnitudes[code + 1] : 2 * here - reference.magnitudes[code - 1]
        let middle = Float((here + next) / 2)
        for value in [middle, middle.nextUp, middle.nextDown, Float(here).nextUp] {
          #expect(format.encode(value) == reference.encode(value), "\(format) \(value)")
          #expect(format.encode(-value) == reference.encode(-value), "\(format) \(-value)")
        }
      }
    }
  }

  @Test func roundingAgreesWithTheReferenceOverTheFloatRange() {
    for (format, reference) in narrowFloats {
      var bits: UInt32 = 0
      while bits < 0x7F80_0000 {
        let value = Float(bitPattern: bits)
        #expect(format.encode(value) == reference.encode(value))
        bits += 0x7_1357
      }
      #expect(format.decode(format.encode(.nan)).isNaN)
    }
  }

  @Test func hardwareHalfPrecisionAgrees() {
    for bits in stride(from: UInt32(0), to: 0x7F80_0000, by: 99_991) {
      let value = Float(bitPattern: bits)
      #expect(NumberFormat.float16.encode(value) == UInt32(Float16(value).bitPattern))
    }
  }

  @Test func overflowBecomesInfinityOrNaN() {
    #expect(NumberFormat.float8e4m3.encode(247.99) == 0x77)
    #expect(NumberFormat.float8e4m3.encode(248) == 0x78)
    #expect(NumberFormat.float8e4m3fn.encode(464) == 0x7E)
    #expect(NumberFormat.float8e4m3fn.encode(464.01) == 0x7F)
    #expect(NumberFormat.float8e4m3fn.encode(-.infinity) == 0xFF)
    #expect(NumberFormat.float8e4m3.encode(-.infinity) == 0xF8)
  }

  @Test func tensorFloat32KeepsTenBits() {
    let format = NumberFormat.tensorFloat32
    #expect(format.encode(1) == Float(1).bitPattern)
    #expect(format.encode(Float(bitPattern: 0x3F80_1000)) == 0x3F80_0000)
    #expect(format.encode(Float(bitPattern: 0x3F80_1001)) == 0x3F80_2000)
    #expect(format.encode(Float(bitPattern: 0x3F80_3000)) == 0x3F80_4000)
    #expect(format.encode(Float.greatestFiniteMagnitude) == 0x7F80_0000)
    #expect(format.encode(-Float.nan) == 0x7FC0_0000)
    #expect(format.decode(0x3F80_1001) == Float(bitPattern: 0x3F80_2000))
    #expect(format.decode(0x7F80_0001).isNaN)
  }
}

@Suite struct IntegerConversionTests {
  let bounds: [(NumberFormat, Double, Double)] = [
    (.int8, -128, 127), (.uint8, 0, 255), (.int16, -32768, 32767), (.uint16, 0, 65535),
    (.int32, -2_147_483_648, 2_147_483_647), (.uint32, 0, 4_294_967_295),
  ]

  func signed(_ format: NumberFormat, _ bits: UInt32) -> Double {
    switch format {
    case .int8: Double(Int8(truncatingIfNeeded: bits))
    case .int16: Double(Int16(truncatingIfNeeded: bits))
    case .int32: Double(Int32(truncatingIfNeeded: bits))
    default: Double(bits)
    }
  }

  @Test func roundsToEvenThenSaturates() {
    let samples: [Float] = [
      0, -0.0, 0.5, 1.5, 2.5, -0.5, -1.5, 126.5, 127.5, 128, 254.5, 255.5, 32767.5, 65535.5,
      -128.5, -129, 2_147_483_520, 2_147_483_648, 4_294_967_040, 4_294_967_296, 1e20, -1e20,
      .infinity, -.infinity, .leastNonzeroMagnitude,
    ]
    for (format, low, high) in bounds {
      for value in samples {
        let expected = max(low, min(high, rint(Double(value))))
        #expect(signed(format, format.encode(value)) == expected, "\(format) \(value)")
      }
      #expect(format.encode(.nan) == 0)
    }
  }

  @Test func smallIntegersRoundTrip() {
    for (format, low, high) in bounds where format.sizeBytes < 4 {
      for integer in Int(low)...Int(high) {
        let bits = UInt32(truncatingIfNeeded: integer) & (format.sizeBytes == 1 ? 0xFF : 0xFFFF)
        #expect(format.decode(bits) == Float(integer))
        #expect(format.encode(Float(integer)) == bits)
      }
    }
    #expect(NumberFormat.int32.decode(0x7FFF_FFFF) == 2_147_483_648)
    #expect(NumberFormat.uint32.decode(16_777_217) == 16_777_216)
  }

  @Test func namesRoundTrip() {
    for format in NumberFormat.allCases {
      #expect(NumberFormat(name: format.name) == format)
      #expect((format.unitRoundoff == 0) == format.isInteger)
    }
    #expect(NumberFormat(name: "fp7") == nil)
  }
}
