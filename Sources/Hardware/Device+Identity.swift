extension Device {
  /// What results call the device: its name, and for one from a file also a digest of every value
  /// that differs, so that two machines of one name are never compared.
  public var identity: String { digest.map { "\(name)+\($0)" } ?? name }

  /// Marks this device as a variant of `base`: `identity` then tells which values differ.
  public mutating func becomeVariant(of base: Device) {
    let usual = Dictionary(uniqueKeysWithValues: base.constants().map { ($0.path, $0.value) })
    var hash = Fingerprint()
    hash.add(base.name)
    for row in constants() where usual[row.path] != row.value {
      hash.add("\(row.path)=\(row.value)")
    }
    digest = hash.text
    baseName = base.baseName ?? base.name
  }
}

/// A 64-bit digest of texts that is the same on every host (FNV-1a).
private struct Fingerprint {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ text: String) {
    for byte in Array(text.utf8) + [0] { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
  }

  /// Eight hexadecimal digits.
  var text: String {
    let folded = UInt32(truncatingIfNeeded: state ^ (state >> 32))
    let digits = String(folded, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
