import Foundation
import ProfileImport
import Testing

/// Gzip files made with zlib, one for each kind of block.
struct GzipTests {
  /// Rows such as `{"row":0,"value":0}`: the value is the square of the row modulo 97.
  private static let text = (0..<60)
    .map { "{\"row\":\($0),\"value\":\($0 * $0 % 97)}\n" }.joined()

  private static let stored =
    "H4sIAAAAAAAA/wE8AMP/eyJyb3ciOjAsInZhbHVlIjowfQp7InJvdyI6MSwidmFsdWUiOjF9Cnsicm93IjoyLC"
    + "J2YWx1ZSI6NH0KdOXMfTwAAAA="
  private static let fixed =
    "H4sICAAAAAAA/25hbWUuanNvbgCrVirKL1eyMtBRKkvMKU0Fsmq5qiFihnAxQ7iYEVzMBC5mDBezhIuZIPSawQ"
    + "VN4YJGpnBBM7igMUKlOcIahJkWcEEzhOWWcEELhCsNEd4xRggi/GOE0G+I5CNzhCjCT+ZGCFGEr5AEEb4yRnIB"
    + "wltmSGoR/rJEhIAhwmPGSM5F+MwcESdGCJ8ZIsw1QnjNFGGCEcJrloigNUJ4zQQRDEYIr1kixTbCbyZI5iL8Zo"
    + "lkAsJvpkjuRfjNAiGI8JoZIhiMEV4zQsSEMcJrFggTjBFeM0VKiAivGSECxxjhNQtEYjJGeM0M4WFjpNSI5DKE"
    + "1wyR1CJ5DRG8xkh+Q4iaIPxmgvCFCcJvxgj3miD8ZoikFuE3JGORYg0RPyYIr1kgPGGC8Jo5Uj5FeM0cSS3Ca+"
    + "ZI5lpiEzU1wGaCqSE220yNsLnM1BibL0xNsHjY1BRb2JiaYQtHU3NsYW5qgS1+TC1R4hIAoLi5qRUFAAA="
  private static let dynamic =
    "H4sIAAAAAAAA/23TO0pEQRCF4dxl3Nhguh79cDcGZoIgqMHg3hWE+o9Q2XDoW11fVc/9en/7up5uj9fn8+vHy+"
    + "+v74f7XzYqG5VZZVGZV3YqC76dFWaFlhXOCp2Ti2uouSucXH4q3HQ54DghHuP7IaJFimkZKSoJUbl0AGvKWVyH"
    + "CQxgLu0iW+zEkA3qGrSkgkE7jNagBWMwaEe2jS2kLrYjFbCl9IttE0KbjMGhGZtwaJsKDi3lIUIzhuPQNo/JoU"
    + "3ALq9ROoM25KzQGK+LjTSwBYrA5vQb2IacxSZlZWvsJ6BtEAFtyf8U2pKz0JbUPV2at65Cju62tK6z9E6R0YAz"
    + "u9nk7OaYq5t57m4/ef7t8geguLmpFQUAAA=="

  private func bytes(_ text: String) throws -> [UInt8] {
    [UInt8](try #require(Data(base64Encoded: text)))
  }

  @Test func everyKindOfBlockGivesItsContent() throws {
    let whole = Array(Self.text.utf8)
    #expect(try GzipFile.content(of: bytes(Self.stored), path: "a") == Array(whole.prefix(60)))
    #expect(try GzipFile.content(of: bytes(Self.fixed), path: "a") == whole)
    #expect(try GzipFile.content(of: bytes(Self.dynamic), path: "a") == whole)
    let two = try bytes(Self.dynamic) + bytes(Self.stored)
    #expect(try GzipFile.content(of: two, path: "a") == whole + whole.prefix(60))
  }

  @Test func otherBytesPassAsTheyAre() throws {
    #expect(try GzipFile.content(of: Array("{}".utf8), path: "a") == Array("{}".utf8))
    #expect(try GzipFile.content(of: [], path: "a") == [])
  }

  /// No cut and no flipped bit gives other content than was compressed.
  @Test(arguments: [stored, fixed, dynamic]) func damageIsFound(text: String) throws {
    let good = try bytes(text)
    let content = try GzipFile.content(of: good, path: "a")
    for length in 2..<good.count {
      #expect(throws: ProfileError.self) {
        try GzipFile.content(of: Array(good.prefix(length)), path: "a")
      }
    }
    for index in 2..<good.count {
      for bit in 0..<8 {
        var bad = good
        bad[index] ^= 1 << UInt8(bit)
        // Bits of time, system and file name mean nothing to the content.
        if let found = try? GzipFile.content(of: bad, path: "a") { #expect(found == content) }
      }
    }
  }
}
