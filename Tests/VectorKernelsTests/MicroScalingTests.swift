import NumericFormats
import Testing
import VectorKernels

/// Eight partitions of packed elements and their scale bytes.
private struct Group: Equatable {
  var codes: [UInt8]
  var scales: [UInt8]
}

private func quantize(
  _ format: MXFormat, _ rows: [Float], columns: Int, rowPitch: Int, isReference: Bool
) -> Group {
  let pitch = columns * format.bitWidth / 8 + 3
  var group = Group(
    codes: [UInt8](repeating: 0xA5, count: 8 * pitch + 1),
    scales: [UInt8](repeating: 0xA5, count: columns / 4 + 1))
  unsafe rows.withUnsafeBufferPointer { source in
    unsafe group.codes.withUnsafeMutableBytes { codes in
      unsafe group.scales.withUnsafeMutableBufferPointer { scales in
        guard let from = source.baseAddress, let into = codes.baseAddress,
          let bytes = scales.baseAddress
        else { return }
        if isReference {
          unsafe MicroScaling.quantizeReference(
            format, from: from, rowPitch: rowPitch, columns: columns, into: into,
            codePitchBytes: pitch, scales: bytes)
        } else {
          unsafe MicroScaling.quantize(
            format, from: from, rowPitch: rowPitch, columns: columns, into: into,
            codePitchBytes: pitch, scales: bytes)
        }
      }
    }
  }
  return group
}

private func dequantize(
  _ format: MXFormat, _ codes: [UInt8], stride: Int, count: Int, scales: [UInt8], scaleStride: Int,
  isReference: Bool
) -> [Float] {
  unsafe floats(4 * (count + 2)) { target in
    unsafe codes.withUnsafeBytes { raw in
      unsafe scales.withUnsafeBufferPointer { bytes in
        guard let from = raw.baseAddress, let scale = bytes.baseAddress else { return }
        if isReference {
          unsafe MicroScaling.dequantizeReference(
            format, from: from, stride: stride, count: count, scales: scale,
            scaleStride: scaleStride, into: target, rowPitch: count + 2)
        } else {
          unsafe MicroScaling.dequantize(
            format, from: from, stride: stride, count: count, scales: scale,
            scaleStride: scaleStride, into: target, rowPitch: count + 2)
        }
      }
    }
  }
}

@Suite struct MicroScalingTests {
  @Test(arguments: MXFormat.allCases)
  func quantizingEqualsTheReference(format: MXFormat) {
    for columns in [0, 4, 8, 12, 16, 60, 64, 68, 512] {
      for seed in 0..<UInt64(6) {
        let pitch = columns + 5
        let scale: Float = [1, 100, 1e-3, 1e-38, 1e36, 1][Int(seed)]
        let rows = sampleRow(8 * pitch, seed: seed + 1, isTame: seed < 4).map { $0 * scale }
        let fast = quantize(format, rows, columns: columns, rowPitch: pitch, isReference: false)
        let slow = quantize(format, rows, columns: columns, rowPitch: pitch, isReference: true)
        #expect(fast == slow, "\(columns) columns, seed \(seed)")
      }
    }
  }

  /// A group is the four columns of an element in eight partitions, and nothing beside them.
  @Test func groupsAreEightPartitionsByFour() {
    for partition in 0..<8 {
      for column in 0..<12 {
        var rows = [Float](repeating: 1, count: 8 * 12)
        rows[partition * 12 + column] = 448
        let group = quantize(.e4m3fn, rows, columns: 12, rowPitch: 12, isReference: false)
        // 448 gives 2^1, and 1 gives 2^(0 - 7).
        let expected = (0..<3).map { UInt8($0 == column / 4 ? 128 : 120) }
        #expect(Array(group.scales.prefix(3)) == expected)
        let code = group.codes[partition * 15 + column]
        #expect(MXFormat.e4m3fn.decode(code: code) == 224)
      }
    }
  }

  @Test func zeroAndSpecialGroups() {
    for format in MXFormat.allCases {
      let zeros = quantize(
        format, [Float](repeating: 0, count: 32), columns: 4, rowPitch: 4, isReference: false)
      #expect(zeros.scales[0] == 0 && zeros.codes[0] == 0)
      for special in [Float.nan, -.nan, .infinity, -.infinity] {
        var rows = [Float](repeating: 1, count: 32)
        rows[17] = special
        let group = quantize(format, rows, columns: 4, rowPitch: 4, isReference: false)
        #expect(group.scales[0] == 0xFF)
      }
    }
  }

  @Test(arguments: MXFormat.allCases)
  func dequantizingEqualsTheReference(format: MXFormat) {
    var generator = Seeded(8)
    for count in rowSizes {
      let room = 4 * (3 * count + 1)
      let codes = (0..<room).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let scales = (0..<(2 * count + 1)).map { _ in UInt8.random(in: 0...255, using: &generator) }
      for (stride, scaleStride) in [(1, 1), (2, 1), (3, 2), (1, 0)] {
        let fast = dequantize(
          format, codes, stride: stride, count: count, scales: scales, scaleStride: scaleStride,
          isReference: false)
        let slow = dequantize(
          format, codes, stride: stride, count: count, scales: scales, scaleStride: scaleStride,
          isReference: true)
        #expect(isSame(fast, slow), "\(count) \(stride) \(scaleStride)")
      }
    }
  }

  /// There and back: an error of at most half a unit of the format, or of its subnormal step.
  @Test(arguments: MXFormat.allCases)
  func groupsComeBackWithinTheirRoundoff(format: MXFormat) {
    let columns = 64
    let rows = sampleRow(8 * columns, seed: 21, isTame: true)
    let group = quantize(format, rows, columns: columns, rowPitch: columns, isReference: false)
    let bytes = columns * format.bitWidth / 8
    let unit = 1 / Float(UInt32(2) << format.layout.mantissaBits)
    for partition in 0..<8 {
      let start = partition * (bytes + 3)
      let codes = Array(group.codes[start..<(start + bytes)])
      let values = dequantize(
        format, codes, stride: 1, count: columns / 4, scales: group.scales, scaleStride: 1,
        isReference: false)
      for column in 0..<columns {
        let value = rows[partition * columns + column]
        let back = values[(column % 4) * (columns / 4 + 2) + column / 4]
        let scale = MXScale.decode(group.scales[column / 4])
        let step = format.layout.decode(1) * scale / 2
        #expect(abs(back - value) <= max(value.magnitude * unit, step))
      }
    }
  }
}
