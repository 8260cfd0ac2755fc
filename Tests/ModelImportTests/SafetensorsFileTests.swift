import Foundation
import ModelGraph
import ModelImport
import Testing

/// Files of named tensors.
@Suite struct SafetensorsFileTests {
  /// The bytes of a file with that header and these elements.
  private func file(_ header: String, _ elements: [UInt8]) -> Data {
    let text = Array(header.utf8)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
    return Data(length + text + elements)
  }

  private let header = """
    {"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
    "b": {"dtype": "I64", "shape": [1, 1], "data_offsets": [8, 16]}}
    """
  private let elements: [UInt8] = [0, 0, 128, 63, 0, 0, 0, 192, 7, 0, 0, 0, 0, 0, 0, 0]

  @Test func readsTensorsByName() throws {
    let read = try SafetensorsFile(file(header, elements), shownAs: "x.safetensors")
    #expect(read.names == ["a", "b"])
    let a = try #require(try read.view("a"))
    #expect(a.shape == [2] && a.allValues == [1, -2])
    let b = try #require(try read.view("b"))
    #expect(b.shape == [1, 1] && b.integerValues == [7])
    #expect(try read.view("c") == nil)
  }

  @Test func damagedFilesAreRefused() {
    let whole = file(header, elements)
    for count in [0, 7, 20, whole.count - 1] {
      #expect(throws: ImportError.self) {
        try SafetensorsFile(Data(whole.prefix(count)), shownAs: "x")
      }
    }
    for wrong in [
      "[]", #"{"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}"#,
      #"{"a": {"dtype": "F9", "shape": [2], "data_offsets": [0, 8]}}"#,
      #"{"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}"#,
      #"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}"#,
      #"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [800, 808]}}"#,
    ] {
      #expect(throws: ImportError.self) { try SafetensorsFile(file(wrong, elements), shownAs: "x") }
    }
    #expect(throws: ImportError.self) {
      try SafetensorsFile(Data([255, 255, 255, 255, 255, 255, 255, 127]), shownAs: "x")
    }
  }
}
