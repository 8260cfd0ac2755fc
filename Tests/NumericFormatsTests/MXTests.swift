import NumericFormats
import Testing

@Suite struct MXTests {
  /// The published example: 448 in e4m3fn gets scale 2^1, byte 128, and is stored as 224.
  @Test func documentedScaleExample() {
    let scale = MXScale.forGroup(maximum: 448, format: .e4m3fn)
    #expect(scale == 128 && MXScale.decode(scale) == 2)
    #expect(MXFormat.e4m3fn.decode(code: MXFormat.e4m3fn.encode(448 / 2)) == 224)
    for format in MXFormat.allCases {
      #expect(MXScale.forGroup(maximum: 0, format: format) == 0)
      #expect(MXScale.decode(0) == 0x1p-127)
    }
  }

  /// X = 2^(floor(log2 maximum) - (Emax - 1)) with the published Emax, over the fp32 range.
  @Test func scaleFollowsTheFormula() {
    for (format, largest) in [(MXFormat.e4m3fn, 8), (.e5m2, 15), (.e2m1fn, 2)] {
      for exponent in -149...127 {
        let power = Float(sign: .plus, exponent: exponent, significand: 1)
        for value in [power, -power, power.nextUp, (2 * power).nextDown] where value.isFinite {
          let isNormal = exponent >= -126
          let floored = isNormal ? exponent : Int(value.magnitude.exponent)
          let expected = max(floored - (largest - 1), -127) + 127
          #expect(Int(MXScale.forGroup(maximum: value, format: format)) == expected)
        }
      }
      #expect(MXScale.forGroup(maximum: .nan, format: format) == MXScale.notANumber)
      #expect(MXScale.forGroup(maximum: .infinity, format: format) == MXScale.notANumber)
    }
  }

  /// Twice the OCP scale: the largest value of a group uses the second highest binade and is
  /// rounded like any other, never clamped.
  @Test func largestValueNeverSaturates() {
    for format in MXFormat.allCases {
      for step in 0..<4096 {
        let value = 1 + Float(step) / 4096
        let scale = MXScale.forGroup(maximum: value, format: format)
        let stored = value * MXScale.inverse(scale)
        #expect(stored < format.layout.largestFinite)
        let back = format.decode(code: format.encode(stored)) * MXScale.decode(scale)
        let unit = 1 / Float(UInt32(2) << format.layout.mantissaBits)
        #expect(abs(back - value) <= value * unit)
      }
    }
  }

  @Test func scaleBytesInvertAndRoundTrip() {
    for byte in UInt8(0)..<0xFF {
      #expect(MXScale.decode(byte) * MXScale.inverse(byte) == 1)
      #expect(MXScale.encode(MXScale.decode(byte)) == byte)
    }
    #expect(MXScale.decode(0xFF).isNaN && MXScale.inverse(0xFF).isNaN)
    for value in [0, -1, Float.nan, .infinity] { #expect(MXScale.encode(value) == 0xFF) }
  }

  @Test func fourBitNumbersAreThoseOfTheSpecification() {
    let values: [Float] = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
    for (code, value) in values.enumerated() {
      #expect(MXFormat.e2m1fn.decode(code: UInt8(code)) == value)
      #expect(MXFormat.e2m1fn.decode(code: UInt8(code + 8)) == -value)
      #expect(MXFormat.e2m1fn.encode(value) == UInt8(code))
    }
    let rounded: [(Float, UInt8)] = [
      (0.25, 0), (0.26, 1), (0.75, 2), (2.5, 4), (3.5, 6), (5, 6), (5.01, 7), (100, 7),
      (-100, 15), (.infinity, 7), (.nan, 0), (-0.1, 8),
    ]
    for (value, code) in rounded { #expect(MXFormat.e2m1fn.encode(value) == code) }
  }

  @Test func elementsSaturateWhereCastsOverflow() {
    #expect(MXFormat.e4m3fn.encode(1e9) == 0x7E && MXFormat.e4m3fn.encode(-1e9) == 0xFE)
    #expect(NumberFormat.float8e4m3fn.encode(1e9) == 0x7F)
    #expect(MXFormat.e5m2.encode(1e9) == 0x7B && MXFormat.e5m2.encode(.infinity) == 0x7C)
  }

  @Test func packedElementsHoldFourNumbersFromTheLowEnd() {
    #expect(NumberFormat.float4e2m1fnx4.packedValues(0x7_2F1) == [0.5, -6, 1, 6])
    #expect(NumberFormat.float8e4m3fnx4.packedValues(0x7E38_00B8) == [-1, 0, 1, 448])
    #expect(NumberFormat.float8e5m2x4.packedValues(0x3C3C_3C40) == [2, 1, 1, 1])
    #expect(NumberFormat.float32.packedValues(0) == nil)
    for format in NumberFormat.allCases where format.isPacked {
      #expect(format.encode(0) == 0)
      #expect(format.packedValues(format.encode(1.5)) == [1.5, 1.5, 1.5, 1.5])
      #expect(format.decode(format.encode(1.5)) == 1.5)
      #expect(!NumberFormat.arithmeticFormats.contains(format))
    }
  }

  @Test func wideIntegersSaturate() {
    #expect(WideInteger.narrow(Int64.max) == .max && WideInteger.narrow(Int64.min) == .min)
    #expect(WideInteger.narrow(Int64(-5)) == -5 && WideInteger.narrow(UInt64.max) == .max)
    #expect(WideInteger.decode(Int64(1) << 53 + 1) == 0x1p53)
    #expect(WideInteger.encodeSigned(2.5) == 2 && WideInteger.encodeSigned(-3.5) == -4)
    #expect(WideInteger.encodeSigned(1e30) == .max && WideInteger.encodeSigned(-1e30) == .min)
    #expect(WideInteger.encodeSigned(-0x1p63) == .min && WideInteger.encodeSigned(.nan) == 0)
    #expect(WideInteger.encodeUnsigned(-1) == 0 && WideInteger.encodeUnsigned(0x1p64) == .max)
    #expect(WideInteger.encodeUnsigned(0x1p63) == 1 << 63)
    #expect(WideInteger.encodeUnsigned(.nan) == 0)
  }
}
