import CZstd

/// One compression context of libzstd, reused for all frames of a file.
@safe struct ZstdCompressor: ~Copyable {
  private let context: OpaquePointer

  /// How much time a frame is worth. Level 3 was the knee of the curve when measured on long
  /// traces; in short ones every part is small, and 14 and 12 take 10 % fewer bytes.
  enum Effort {
    /// Records of a long trace.
    case usual
    /// Records of a short trace.
    case record
    /// A program of at most 256 KiB, and of at most 1 MiB.
    case smallProgram, program

    fileprivate var level: Int32 {
      switch self {
      case .usual: 3
      case .record: 12
      case .smallProgram: 14
      case .program: 9
      }
    }

    /// Logarithms of the entries of tables; 0 for what the level would have. Programs repeat
    /// themselves soon, and large tables cost more to clear than they find.
    fileprivate var tables: (hash: Int32, chain: Int32) { self == .usual ? (0, 0) : (17, 16) }

    /// What a program of that size is worth.
    static func program(sizeBytes: Int) -> Effort {
      sizeBytes <= 256 << 10 ? .smallProgram : sizeBytes <= 1 << 20 ? .program : .usual
    }
  }

  init() throws(TraceError) {
    unsafe context = try Self.create()
  }

  private static func create() throws(TraceError) -> OpaquePointer {
    guard let context = unsafe ZSTD_createCCtx() else { throw .encoding("zstd: no memory") }
    guard unsafe ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)) == 0 else {
      unsafe ZSTD_freeCCtx(context)
      throw .encoding("zstd: checksums refused")
    }
    return unsafe context
  }

  deinit { unsafe ZSTD_freeCCtx(context) }

  /// The same of an array.
  func compress(
    _ source: [UInt8], prefix: Int, into output: inout [UInt8], _ effort: Effort = .usual
  ) throws(TraceError) {
    var failure: TraceError?
    unsafe source.withUnsafeBytes { bytes in
      do throws(TraceError) {
        try unsafe compress(bytes, prefix: prefix, into: &output, effort)
      } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Writes `source` as one frame after the first `prefix` bytes of `output`, which is resized to
  /// `prefix` plus the frame.
  func compress(
    _ source: UnsafeRawBufferPointer, prefix: Int, into output: inout [UInt8],
    _ effort: Effort = .usual
  ) throws(TraceError) {
    let settings = [
      (ZSTD_c_compressionLevel, effort.level), (ZSTD_c_hashLog, effort.tables.hash),
      (ZSTD_c_chainLog, effort.tables.chain),
    ]
    for (parameter, value) in settings {
      guard unsafe ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)) == 0 else {
        throw .encoding("zstd: parameter \(parameter.rawValue) refused")
      }
    }
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
