import ModelGraph
import ModelImport
import NumericFormats
import Testing

@Suite("NumPy's files")
struct NumpyFileTests {
  @Test(
    "Every type survives a round trip",
    arguments: [
      ElementType.float32, .float64, .float16, .int8, .uint8, .format(.int16), .format(.uint16),
      .int32, .format(.uint32), .int64, .uint64, .bool,
    ])
  func roundTrip(type: ElementType) throws {
    let values: [Int64] = type == .bool ? [0, 1, 1, 0, 1, 0] : [0, 1, 2, 3, 100, 127]
    let view =
      type.isInteger
      ? try TensorView(integers: values, shape: [2, 3], type: type)
      : try TensorView(values.map(Double.init), shape: [2, 3], type: type)
    let back = try NumpyFile.read(NumpyFile.bytes(of: view), shownAs: "x.npy")
    #expect(back.type == type && back.shape == [2, 3])
    #expect(back.integerValues == values)
  }

  @Test("Negative numbers, scalars and empty arrays")
  func edges() throws {
    let low = try TensorView(integers: [.min, .max, -1], shape: [3], type: .int64)
    #expect(
      try NumpyFile.read(NumpyFile.bytes(of: low), shownAs: "x").integerValues == [.min, .max, -1])
    let scalar = try TensorView([-2.5], shape: [], type: .float32)
    let back = try NumpyFile.read(NumpyFile.bytes(of: scalar), shownAs: "x")
    #expect(back.shape == [] && back.allValues == [-2.5])
    let empty = try TensorView([Double](), shape: [0, 4], type: .float64)
    #expect(try NumpyFile.read(NumpyFile.bytes(of: empty), shownAs: "x").shape == [0, 4])
  }

  @Test("The layout is NumPy's to the byte, columns first too")
  func layout() throws {
    // numpy.save of numpy.array([[1, 2], [3, 4]], 'i4', order='F').
    let header = "{'descr': '<i4', 'fortran_order': True, 'shape': (2, 2), }"
    let padded = header + String(repeating: " ", count: 118 - header.count - 1) + "\n"
    let words: [UInt8] = [1, 3, 2, 4].flatMap { [$0, 0, 0, 0] }
    let file: [UInt8] =
      [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 118, 0] + Array(padded.utf8) + words
    let view = try NumpyFile.read(file, shownAs: "x.npy")
    #expect(view.integerValues == [1, 2, 3, 4])
    let written = NumpyFile.bytes(of: view)
    #expect(written.count % 64 == 16 && written.count == 144)
  }

  @Test("Damaged files are errors")
  func damaged() throws {
    let view = try TensorView([1, 2, 3], shape: [3], type: .float32)
    let bytes = NumpyFile.bytes(of: view)
    for count in 0..<bytes.count {
      #expect(throws: ImportError.self) {
        try NumpyFile.read(Array(bytes.prefix(count)), shownAs: "x.npy")
      }
    }
    for place in 0..<bytes.count - 12 {
      var changed = bytes
      changed[place] ^= 0xFF
      _ = try? NumpyFile.read(changed, shownAs: "x.npy")
    }
  }
}
