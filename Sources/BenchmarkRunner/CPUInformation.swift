/// What Linux's `/proc/cpuinfo` says of the first processor.
package struct CPUInformation: Equatable, Sendable {
  /// The model's name; on ARM, which gives none, the numbers of implementer and part.
  package var model: String?
  /// The vector extensions among the processor's flags that matter to host kernels.
  package var extensions: [String]

  private static let relevantFlags: Set<Substring> = [
    "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512_bf16", "avx512_fp16",
    "asimd", "asimdhp", "bf16", "sve",
  ]

  /// Reads the text of the file; what it does not find stays empty.
  package init(_ text: String) {
    var fields: [Substring: Substring] = [:]
    for line in text.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let name = Self.trimmed(line[..<colon])
      let value = Self.trimmed(line[line.index(after: colon)...])
      if fields[name] == nil { fields[name] = value }
    }
    let named = fields["model name"] ?? fields["Model"]
    if let named {
      model = String(named)
    } else if let implementer = fields["CPU implementer"], let part = fields["CPU part"] {
      model = "ARM implementer \(implementer) part \(part)"
    }
    let flags = fields["flags"] ?? fields["Features"] ?? ""
    extensions = flags.split(separator: " ").filter(Self.relevantFlags.contains).map(String.init)
  }

  private static func trimmed(_ text: Substring) -> Substring {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    let start = text.firstIndex { !isBlank($0) } ?? text.endIndex
    let end = text.lastIndex { !isBlank($0) } ?? start
    return start == text.endIndex ? "" : text[start...end]
  }
}
