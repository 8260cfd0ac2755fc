import Hardware

/// One change of the machine: an engine made faster, or a constant with another value.
struct MachineChange: Equatable {
  /// An engine's name or a constant's path.
  var name: String
  /// How much faster, or how many times the value; as text for exact arithmetic.
  var factor: Factor?
  /// The constant's new value; nil when a factor is given.
  var value: String?

  /// A positive decimal number, exact.
  struct Factor: Equatable {
    var numerator: Int64
    var denominator: Int64

    /// Reads `2`, `0.5`, `1.25`.
    init?(_ text: Substring) {
      let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
      let fraction = parts.count > 1 ? String(parts[1]) : ""
      let isPlain = (parts[0] + fraction).utf8.allSatisfy { (48...57).contains($0) }
      guard isPlain, !parts[0].isEmpty, fraction.count <= 3, parts[0].count <= 3,
        let number = Int64(parts[0] + fraction), number > 0
      else { return nil }
      numerator = number
      denominator = fraction.reduce(1) { product, _ in product * 10 }
    }

    /// That many times a value, to the nearest whole number.
    func times(_ value: Int64) -> Int64 { (value * numerator + denominator / 2) / denominator }
  }

  private static let engines = ["tensor", "vector", "scalar", "gpsimd", "sequencer", "dma"]
  /// Short names: the sync engine runs at the sequencers' clock, and memory has a bandwidth.
  private static let aliases = ["sync": "sequencer", "hbm": "memory.hbmBytesPerSecondChip"]

  /// Reads `dma=2x` or `dma.bytesPerCycle=512`. Throws `CommandFailure`.
  init(_ text: String) throws(CommandFailure) {
    let parts = text.split(separator: "=", maxSplits: 1)
    guard parts.count == 2 else { throw Self.unreadable(text) }
    name = Self.aliases[String(parts[0])] ?? String(parts[0])
    if parts[1].hasSuffix("x") {
      factor = Factor(parts[1].dropLast())
      if factor == nil { throw Self.unreadable(text) }
    } else if Self.engines.contains(name) {
      throw Self.unreadable(text)
    } else {
      value = String(parts[1])
    }
  }

  private static func unreadable(_ text: String) -> CommandFailure {
    .badValue(
      option: "--what-if", found: text,
      expected: "one of \((engines + aliases.keys.sorted()).joined(separator: ", ")) or a "
        + "constant's path, '=', and a "
        + "factor such as 2x or a value, such as dma=2x")
  }

  /// The device with the change made. Throws `HardwareError` and `CommandFailure`.
  func apply(to device: inout Device) throws {
    let source = "--what-if \(name)"
    guard let factor else {
      return try device.set(name, to: value ?? "", source: source)
    }
    let isEngine = Self.engines.contains(name)
    let path = isEngine ? "clocks.\(name)" : name
    guard let row = device.constants().first(where: { $0.path == path }) else {
      return try device.set(path, to: "", source: source)
    }
    let parts = row.value.split(separator: "/").compactMap { Int64($0) }
    if isEngine, parts.count == 2 {
      // Twice as fast is half the period.
      let (top, bottom) = Self.reduced(parts[0] * factor.denominator, parts[1] * factor.numerator)
      try device.set(path, to: "\(top)/\(bottom)", source: source)
      return try keepLimiter(of: &device, factor, source)
    }
    guard parts.count == 1 else {
      throw CommandFailure.unsupported(
        what: "\(path) is \(row.value), which has no multiple",
        advice: "give its new value instead of a factor")
    }
    try device.set(path, to: "\(factor.times(parts[0]))", source: source)
  }

  /// Leaves the activity limiter as it is in time and in its share of a window.
  ///
  /// Its windows are a law of the array, although the table counts their length in base cycles, the
  /// sequencers' clock. With that twice as fast they would be half as long, in which the array
  /// cannot stream the cycles that the threshold asks for, a share of `fullCycles`: it would stay
  /// at half rate, and a faster sequencer would make `llm/llama3.1-8b-decode` 2.1 % slower. So a
  /// window keeps its length in time. With the array's own clock twice as fast, twice as many
  /// cycles fill a window, of which the threshold is the share that it was.
  private func keepLimiter(of device: inout Device, _ factor: Factor, _ source: String) throws {
    let limiter = device.limiter
    let (path, cycles): (String, Int64)
    switch name {
    case "sequencer": (path, cycles) = ("limiter.windowCycles", limiter.windowCycles.value)
    case "tensor": (path, cycles) = ("limiter.fullCycles", limiter.fullCycles.value)
    default: return
    }
    try device.set(path, to: "\(max(1, factor.times(cycles)))", source: source)
  }

  private static func reduced(_ a: Int64, _ b: Int64) -> (Int64, Int64) {
    var (x, y) = (a, b)
    while y != 0 { (x, y) = (y, x % y) }
    return (a / x, b / x)
  }
}
