public import NumericFormats

extension MicroScaling {
  /// Widens `count` packed elements of one partition into four rows of fp32: row j holds the j-th
  /// number of every element, times the element's scale.
  ///
  /// Elements are `stride` elements apart, element i is scaled by `scales[i * scaleStride]`, and
  /// rows are `rowPitch` floats apart. The product is exact but at the ends of the fp32 range,
  /// where it overflows to infinity or rounds in fp32's subnormal numbers; what the tensor engine
  /// does there is not published.
  public static func dequantize(
    _ format: MXFormat, from codes: UnsafeRawPointer, stride: Int, count: Int,
    scales: UnsafePointer<UInt8>, scaleStride: Int = 1, into rows: UnsafeMutablePointer<Float>,
    rowPitch: Int
  ) {
    if stride == 1 && scaleStride == 1 {
      unsafe dequantizeSteps(format, codes, 1, count, scales, 1, rows, rowPitch)
    } else {
      unsafe dequantizeSteps(format, codes, stride, count, scales, scaleStride, rows, rowPitch)
    }
  }

  @inline(__always)
  private static func dequantizeSteps(
    _ format: MXFormat, _ codes: UnsafeRawPointer, _ stride: Int, _ count: Int,
    _ scales: UnsafePointer<UInt8>, _ scaleStride: Int, _ rows: UnsafeMutablePointer<Float>,
    _ pitch: Int
  ) {
    let step = NarrowFloatStep(format.layout)
    for number in 0..<MXFormat.packedCount {
      let row = unsafe rows + number * pitch
      let shift = UInt32(number * format.bitWidth)
      if format.bitWidth == 4 {
        unsafe scaled(UInt16.self, codes, stride, count, scales, scaleStride, row) {
          step.widen(($0 &>> shift) & 0xF)
        }
      } else {
        unsafe scaled(UInt32.self, codes, stride, count, scales, scaleStride, row) {
          step.widen(($0 &>> shift) & 0xFF)
        }
      }
    }
  }

  @inline(__always)
  private static func scaled<Element: FixedWidthInteger & BitwiseCopyable>(
    _ type: Element.Type, _ codes: UnsafeRawPointer, _ stride: Int, _ count: Int,
    _ scales: UnsafePointer<UInt8>, _ scaleStride: Int, _ row: UnsafeMutablePointer<Float>,
    _ value: (UInt32) -> Float
  ) {
    var index = 0
    while index < count {
      let offset = index &* stride &* MemoryLayout<Element>.size
      let element = unsafe codes.loadUnaligned(fromByteOffset: offset, as: type)
      let scale = unsafe Conversion.scaleValue(UInt32(scales[index &* scaleStride]))
      unsafe row[index] = value(UInt32(truncatingIfNeeded: element)) * scale
      index &+= 1
    }
  }

  /// The scalar reference of `dequantize`.
  public static func dequantizeReference(
    _ format: MXFormat, from codes: UnsafeRawPointer, stride: Int, count: Int,
    scales: UnsafePointer<UInt8>, scaleStride: Int = 1, into rows: UnsafeMutablePointer<Float>,
    rowPitch: Int
  ) {
    let bytes = format.bitWidth * MXFormat.packedCount / 8
    for index in 0..<count {
      var element: UInt32 = 0
      for byte in 0..<bytes {
        let value = unsafe codes.load(
          fromByteOffset: index * stride * bytes + byte, as: UInt8.self)
        element |= UInt32(value) << UInt32(8 * byte)
      }
      let scale = unsafe MXScale.decode(scales[index * scaleStride])
      for number in 0..<MXFormat.packedCount {
        let code = UInt8(truncatingIfNeeded: element >> UInt32(number * format.bitWidth))
        unsafe rows[number * rowPitch + index] = format.decode(code: code) * scale
      }
    }
  }
}
