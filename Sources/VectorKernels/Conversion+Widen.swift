import NumericFormats

extension Conversion {
  @inline(__always)
  static func widenSteps(
    _ format: NumberFormat, _ source: UnsafeRawPointer, _ stride: Int, _ count: Int,
    _ destination: UnsafeMutablePointer<Float>
  ) {
    switch format {
    case .float32:
      unsafe each(UInt32.self, source, stride, count, destination) { Float(bitPattern: $0) }
    case .tensorFloat32:
      unsafe each(UInt32.self, source, stride, count, destination) {
        Float(bitPattern: roundToTensorFloat32($0))
      }
    case .bfloat16:
      unsafe each(UInt16.self, source, stride, count, destination) {
        Float(bitPattern: UInt32($0) &<< 16)
      }
    case .float16:
      unsafe each(UInt16.self, source, stride, count, destination) {
        Float(Float16(bitPattern: $0))
      }
    case .float8e4m3, .float8e4m3fn, .float8e5m2, .float8e3m4:
      guard let layout = format.layout else { return }
      let step = NarrowFloatStep(layout)
      unsafe each(UInt8.self, source, stride, count, destination) { step.widen(UInt32($0)) }
    case .int8: unsafe each(Int8.self, source, stride, count, destination) { Float($0) }
    case .uint8: unsafe each(UInt8.self, source, stride, count, destination) { Float($0) }
    case .int16: unsafe each(Int16.self, source, stride, count, destination) { Float($0) }
    case .uint16: unsafe each(UInt16.self, source, stride, count, destination) { Float($0) }
    case .int32: unsafe each(Int32.self, source, stride, count, destination) { Float($0) }
    case .uint32: unsafe each(UInt32.self, source, stride, count, destination) { Float($0) }
    case .float8e8m0:
      unsafe each(UInt8.self, source, stride, count, destination) { scaleValue(UInt32($0)) }
    case .float8e4m3fnx4, .float8e5m2x4, .float4e2m1fnx4:
      unsafe widenPacked(format, source, stride, count, destination)
    }
  }

  @inline(__always)
  private static func each<Element: BitwiseCopyable>(
    _ type: Element.Type, _ source: UnsafeRawPointer, _ stride: Int, _ count: Int,
    _ destination: UnsafeMutablePointer<Float>, _ function: (Element) -> Float
  ) {
    var index = 0
    while index < count {
      let offset = index &* stride &* MemoryLayout<Element>.size
      unsafe destination[index] = function(source.loadUnaligned(fromByteOffset: offset, as: type))
      index &+= 1
    }
  }

  /// The first number of each packed element, as `NumberFormat.decode` reads it.
  @inline(__always)
  private static func widenPacked(
    _ format: NumberFormat, _ source: UnsafeRawPointer, _ stride: Int, _ count: Int,
    _ destination: UnsafeMutablePointer<Float>
  ) {
    guard let packed = format.packedFormat else { return }
    let step = NarrowFloatStep(packed.layout)
    let mask: UInt32 = packed.bitWidth == 4 ? 0xF : 0xFF
    if format.sizeBytes == 2 {
      unsafe each(UInt16.self, source, stride, count, destination) { step.widen(UInt32($0) & mask) }
    } else {
      unsafe each(UInt32.self, source, stride, count, destination) { step.widen($0 & mask) }
    }
  }

  /// The value of a scale byte: its bits are fp32's exponent, but for 0 and the NaN.
  @inline(__always)
  static func scaleValue(_ byte: UInt32) -> Float {
    let normal = byte == 0 ? 0x0040_0000 : byte &<< 23
    return Float(bitPattern: byte == 0xFF ? 0x7FC0_0000 : normal)
  }

  /// Keeps ten mantissa bits of an fp32 pattern, ties to even; any NaN becomes the quiet one.
  @inline(__always)
  static func roundToTensorFloat32(_ bits: UInt32) -> UInt32 {
    let rounded = (bits &+ 0x0FFF &+ ((bits &>> 13) & 1)) & 0xFFFF_E000
    return bits & 0x7FFF_FFFF > 0x7F80_0000 ? 0x7FC0_0000 : rounded
  }
}
