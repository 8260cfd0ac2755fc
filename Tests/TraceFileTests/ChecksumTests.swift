import CZstd
import Testing
import TraceFile

@Suite struct ChecksumTests {
  @Test func knownChecksums() {
    #expect(CRC32C.checksum([]) == 0)
    // The check value of the CRC-32C entry in the catalogue of parametrised CRC algorithms.
    #expect(CRC32C.checksum(Array("123456789".utf8)[...]) == 0xE306_9283)
    // Published test values of xxHash with seed 0.
    #expect(XXH64.hash([]) == 0xEF46_DB37_51D8_E999)
    #expect(XXH64.hash(Array("abc".utf8)) == 0x44BC_2CF5_AD77_0999)
  }

  /// A zstd frame ends with the low half of its content's XXH64: libzstd is the reference.
  @Test func hashAgreesWithTheCompressionLibrary() throws {
    var random = SplitMix64(seed: 7)
    guard let context = unsafe ZSTD_createCCtx() else {
      Issue.record("no memory for a compression context")
      return
    }
    defer { unsafe ZSTD_freeCCtx(context) }
    _ = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    for size in Array(0...130) + [1_000, 4_095, 65_537] {
      let content = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
      var frame = [UInt8](repeating: 0, count: ZSTD_compressBound(size))
      let written = unsafe frame.withUnsafeMutableBytes { target in
        unsafe content.withUnsafeBytes { source in
          unsafe ZSTD_compress2(
            context, target.baseAddress, target.count, source.baseAddress, source.count)
        }
      }
      let tail = frame[..<written].suffix(4).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      #expect(XXH64.hash(content) & 0xFFFF_FFFF == tail, "size \(size)")
    }
  }
}
