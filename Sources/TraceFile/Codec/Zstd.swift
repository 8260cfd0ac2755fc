import CZstd

/// One compression context of libzstd, reused for all frames of a file.
@safe struct ZstdCompressor: ~Copyable {
  private let context: OpaquePointer

  /// Level 3 was the knee of the curve when measured: 9 is four times slower for 5 % fewer bytes.
  static let usualLevel: Int32 = 3
  /// For what is small and mostly program: 8 % fewer bytes of it.
  static let thoroughLevel: Int32 = 9

  init() throws(TraceError) {
    unsafe context = try Self.create()
  }

  private static func create() throws(TraceError) -> OpaquePointer {
    guard let context = unsafe ZSTD_createCCtx() else { throw .encoding("zstd: no memory") }
    let settings = [(ZSTD_c_compressionLevel, Self.usualLevel), (ZSTD_c_checksumFlag, 1)]
    for (parameter, value) in settings {
      let code = unsafe ZSTD_CCtx_setParameter(context, parameter, value)
      guard ZSTD_isError(code) == 0 else {
        unsafe ZSTD_freeCCtx(context)
        throw .encoding("zstd: parameter \(parameter.rawValue) refused")
      }
    }
    return unsafe context
  }

  deinit { unsafe ZSTD_freeCCtx(context) }

  /// Writes `source` as one frame after the first `prefix` bytes of `output`, which is resized to
  /// `prefix` plus the frame.
  func compress(
    _ source: UnsafeRawBufferPointer, prefix: Int, into output: inout [UInt8],
    level: Int32 = usualLevel
  ) throws(TraceError) {
    guard unsafe ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)) == 0
    else { throw .encoding("zstd: level \(level) refused") }
    let needed = prefix + ZSTD_compressBound(source.count)
    if output.count < needed {
      output.append(contentsOf: repeatElement(0, count: needed - output.count))
    }
    let code = unsafe output.withUnsafeMutableBytes { target in
      unsafe ZSTD_compress2(
        context, target.baseAddress! + prefix, target.count - prefix, source.baseAddress,
        source.count)
    }
    guard ZSTD_isError(code) == 0 else { throw .encoding("zstd: error \(code)") }
    output.removeLast(output.count - prefix - code)
  }
}

/// One decompression context of libzstd.
@safe struct ZstdDecompressor: ~Copyable {
  private let context: OpaquePointer

  init() throws(TraceError) {
    guard let created = unsafe ZSTD_createDCtx() else { throw .encoding("zstd: no memory") }
    unsafe context = unsafe created
  }

  deinit { unsafe ZSTD_freeDCtx(context) }

  /// The content of one frame; nil when it is no frame of exactly `rawSize` bytes.
  func decompress(_ frame: [UInt8], rawSize: Int) -> [UInt8]? {
    var decoded = -1
    // libzstd checks every bound on both sides and reports instead of writing past `rawSize`.
    let output = unsafe [UInt8](unsafeUninitializedCapacity: rawSize) { target, count in
      let code = unsafe frame.withUnsafeBytes { source in
        unsafe ZSTD_decompressDCtx(
          context, target.baseAddress, rawSize, source.baseAddress, source.count)
      }
      if ZSTD_isError(code) == 0 { decoded = code }
      count = max(0, decoded)
    }
    return decoded == rawSize ? output : nil
  }
}
