extension MatrixTile {
  /// True for a packed stationary tile with ones where row and column are equal and zeros
  /// elsewhere.
  public static func isIdentity(
    stationary panels: UnsafePointer<Float>, k: Int, m: Int
  ) -> Bool {
    // Of other tiles the first two numbers say enough.
    guard k == m, m > 1, unsafe panels[0] == 1, unsafe panels[1] == 0 else {
      return unsafe k == 1 && m == 1 && panels[0] == 1
    }
    var others = Int32(truncatingIfNeeded: -m)
    for panel in 0..<panelCount(m, panelRows) {
      let values = unsafe panels + panel * panelFloats(k, panelRows)
      for index in 0..<k &* panelRows { unsafe others &+= values[index] == 0 ? 0 : 1 }
    }
    return others == 0
      && (0..<m).allSatisfy {
        unsafe panels[$0 / panelRows * panelFloats(k, panelRows) + $0 * panelRows + $0 % panelRows]
          == 1
      }
  }

  /// One row of a product with an identity: the moving row itself, a zero of it as +0.
  public static func takeRow(
    _ moving: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>, count: Int,
    accumulate: Bool
  ) {
    for index in 0..<count {
      let product = unsafe moving[index] + 0
      unsafe c[index] = accumulate ? c[index] + product : product
    }
  }

  /// The same of a row of bf16.
  public static func takeRow(
    bfloat16 moving: UnsafeRawPointer, into c: UnsafeMutablePointer<Float>, count: Int,
    accumulate: Bool
  ) {
    for index in 0..<count {
      let code = unsafe moving.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)
      let product = Float(bitPattern: UInt32(code) &<< 16) + 0
      unsafe c[index] = accumulate ? c[index] + product : product
    }
  }

  /// True when all numbers of a row are finite.
  public static func areFinite(_ row: UnsafePointer<Float>, count: Int) -> Bool {
    var most: UInt32 = 0
    for index in 0..<count {
      let bits = unsafe row[index].bitPattern & 0x7FFF_FFFF
      most = bits > most ? bits : most
    }
    return most < 0x7F80_0000
  }

  /// The same of a row of bf16.
  public static func areFinite(bfloat16 row: UnsafeRawPointer, count: Int) -> Bool {
    var most: UInt16 = 0
    for index in 0..<count {
      let code = unsafe row.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self) & 0x7FFF
      most = code > most ? code : most
    }
    return most < 0x7F80
  }
}
