import Hardware
import Testing

/// The paths of all constants found by walking the stored properties, without the key path tables.
private func mirroredPaths(of subject: Any, prefix: String) -> [String] {
  Mirror(reflecting: subject).children.flatMap { child -> [String] in
    guard let label = child.label else { return [] }
    let path = prefix.isEmpty ? label : "\(prefix).\(label)"
    let mirror = Mirror(reflecting: child.value)
    if String(describing: mirror.subjectType).hasPrefix("Constant<") { return [path] }
    if mirror.displayStyle == .optional {
      return mirror.children.flatMap { mirroredPaths(of: $0.value, prefix: path) }
    }
    return mirror.displayStyle == .struct ? mirroredPaths(of: child.value, prefix: path) : []
  }
}

@Suite struct CompletenessTests {
  @Test(arguments: Device.all) func everyStoredConstantIsListedInOrder(device: Device) throws {
    let listed = device.constants().map(\.path)
    let tables = try #require(Mirror(reflecting: device).descendant("shared", "tables"))
    #expect(listed == mirroredPaths(of: tables, prefix: ""))
    #expect(listed.count > 250)
    #expect(Set(listed).count == listed.count)
  }

  @Test(arguments: Device.all) func everyConstantCanBeTrustedOrMoved(device: Device) throws {
    for row in device.constants() {
      #expect(!row.source.isEmpty && !row.value.isEmpty, "\(row.path)")
      guard row.confidence != .documented else { continue }
      #expect(row.range != nil, "\(row.path) is \(row.confidence) and has no range")
    }
  }

  /// Every abbreviation that a source uses is explained in the table of citations.
  @Test(arguments: Device.all) func everyAbbreviationIsExplained(device: Device) {
    let vendor: Set = [
      "NKI", "SDK", "DMA", "NEFF", "HBM", "SBUF", "PSUM", "MAX", "FP32", "FP8", "BF16", "INT32",
      "LDWEIGHTS", "DRAIN", "GPSIMD", "TENSOR", "EFA", "UINT8", "XLA", "MOVE", "MXFP8", "MX",
      "MATMUL", "FP4", "MXFP4", "ACTIVATE",
    ]
    let explained = Citation.all.map(\.key)
    for row in device.constants() {
      let words = row.source.split { !($0.isLetter || $0.isNumber) }.map(String.init)
      for word in words where word.count > 1 && word.first?.isLetter == true {
        guard word == word.uppercased(), word.contains(where: \.isLetter) else { continue }
        let isKnown =
          vendor.contains(word) || explained.contains { $0.contains(word) }
          || ["MM", "INIT", "LATENCY", "START", "DYNAMIC", "GB", "KIB", "TB", "US"].contains(word)
        #expect(isKnown, "\(word) in \(row.path)")
      }
    }
  }

  /// Set each to its own value: a table entry whose name and key path disagree would be caught.
  @Test(arguments: Device.all) func everyConstantCanBeSetByItsPath(device: Device) throws {
    for row in device.constants() {
      var copy = device
      try copy.set(row.path, to: row.value, source: "test")
      let changed = zip(device.constants(), copy.constants()).filter { $0 != $1 }.map(\.1)
      #expect(changed.map(\.path) == [row.path])
      #expect(changed.first?.value == row.value && changed.first?.source == "test")
    }
  }

  @Test(arguments: Device.all) func valuesLieInTheirRanges(device: Device) throws {
    for row in device.constants() where row.range != nil && row.unit != .flag {
      var low = device
      var high = device
      try low.move(row.path, to: .low)
      try high.move(row.path, to: .high)
      let values = try [low, device, high].map { moved in
        try numbers(in: #require(moved.constants().first { $0.path == row.path }).value)
      }
      for (low, high) in zip(zip(values[0], values[1]), zip(values[1], values[2])) {
        #expect(low.0 <= low.1 && high.0 <= high.1, "\(device.name) \(row.path)")
      }
    }
  }

  /// Integers of a value's text; a clock period `a/b` becomes one number.
  private func numbers(in text: String) throws -> [Double] {
    try text.split(separator: " ").map { word in
      let parts = try word.split(separator: "/").map { try #require(Double($0)) }
      return parts.count == 2 ? parts[0] / parts[1] : parts[0]
    }
  }
}
