import CoreState
import Hardware
import NumericFormats

/// The performance modes of the vector engine: which measured or documented rate a set of operands
/// runs at, in hundredths of a cycle per element.
///
/// Source: NKI architecture guide for Trainium2 (4x and 2x modes), third-party micro-benchmarks.
extension VectorRates {
  /// COPY and CAST.
  func copyRate(_ source: AccessPattern, _ destination: AccessPattern) -> Int64 {
    let is16 = source.format.isFloat16Bit && destination.format.isFloat16Bit
    let isContiguous = source.isContiguous && destination.isContiguous
    guard source.space == .sbuf, destination.space == .sbuf else {
      return (is16 && isContiguous ? copy16PSUM : copyPSUM).value
    }
    if is16 { return (isContiguous ? copy16 : copy16Strided).value }
    if source.format.sizeBytes == 1, destination.format.sizeBytes == 1 { return copy8.value }
    switch (source.format, destination.format) {
    case (.float32, .float32): return copyFloat32.value
    case (.float32, .int32): return copyFloat32ToInt32.value
    case (.int32, .int32): return copyInt32.value
    case (.float32, let format) where format.isFloat16Bit: return copyFloat32To16.value
    case (.float32, let format) where format.sizeBytes == 1: return copyFloat32To8.value
    case (let format, .float32) where format.isFloat16Bit: return copy16ToFloat32.value
    default: return copyOther.value
    }
  }

  /// TENSOR_SCALAR.
  func scalarRate(_ source: AccessPattern, _ destination: AccessPattern) -> Int64 {
    let is16 = source.format.isFloat16Bit && destination.format.isFloat16Bit
    let isContiguous = source.isContiguous && destination.isContiguous
    guard source.space == .sbuf, destination.space == .sbuf else {
      return (is16 && isContiguous ? scalar16PSUM : scalarPSUM).value
    }
    return (is16 ? (isContiguous ? scalar16 : scalar16Strided) : scalarFloat32).value
  }

  /// TENSOR_TENSOR.
  func tensorRate(_ a: AccessPattern, _ b: AccessPattern, _ destination: AccessPattern) -> Int64 {
    if a.space == .psum || b.space == .psum { return tensorPSUM.value }
    let is16 = [a, b, destination].allSatisfy(\.format.isFloat16Bit)
    return (is16 ? tensor16 : tensorFloat32).value
  }
}

extension NumberFormat {
  /// The two floating-point formats that the fast modes serve.
  var isFloat16Bit: Bool { self == .bfloat16 || self == .float16 }
}
