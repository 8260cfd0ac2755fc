extension ConstantUnit {
  /// A number with a unit behind it, such as `500 ns`, `2.4 GHz` or `28 KiB`, as the plain text of
  /// this unit: `500000`, `1250/3`, `28672`. Nil when the suffix belongs to another unit or the
  /// value is finer than this unit counts. Lists take commas.
  func plainText(_ text: String) -> String? {
    let items = text.split(separator: ",", omittingEmptySubsequences: false)
    let plain = items.compactMap { plainItem(Self.trimmed($0)) }
    return plain.count == items.count ? plain.joined(separator: " ") : nil
  }

  private func plainItem(_ text: Substring) -> String? {
    guard let (number, suffix) = DecimalNumber.leading(text) else { return nil }
    let name = String(Self.trimmed(suffix))
    if self == .picosecondsPerCycle { return number.period(of: name) }
    let factor = name == rawValue || name.isEmpty ? (1, 1) : suffixes[name]
    guard let factor, let value = number.exactly(times: factor.0, over: factor.1) else {
      return nil
    }
    return String(value)
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return text
  }

  /// What a suffix counts in this unit, as a ratio.
  private var suffixes: [String: (Int64, Int64)] {
    switch self {
    case .picoseconds:
      ["ps": (1, 1), "ns": (1_000, 1), "us": (1_000_000, 1), "ms": (1_000_000_000, 1)]
    case .cycles: ["cycles": (1, 1), "cycle": (1, 1)]
    case .tenthsOfCycles: ["cycles": (10, 1), "cycle": (10, 1)]
    case .tenthsOfCyclesPerElement: Self.perElement(10)
    case .hundredthsOfCyclesPerElement: Self.perElement(100)
    case .bytes: Self.bytes(per: "")
    case .bytesPerCycle: ["B/cycle": (1, 1)]
    case .bytesPerSecond: Self.bytes(per: "/s")
    case .bytesPerMicrosecond:
      Self.bytes(per: "/s").mapValues { ($0.0, 1_000_000) }
        .merging(["B/ns": (1_000, 1)]) { first, _ in first }
    case .permille: ["%": (10, 1), "x": (1_000, 1)]
    case .gigaflops:
      ["GFLOPS": (1, 1), "TFLOPS": (1_000, 1), "PFLOPS": (1_000_000, 1)]
    case .centsPerHour: ["USD per hour": (100, 1)]
    case .count, .flag, .picosecondsPerCycle: [:]
    }
  }

  private static func perElement(_ parts: Int64) -> [String: (Int64, Int64)] {
    ["cycles per element": (parts, 1), "cycles/element": (parts, 1), "cycle/element": (parts, 1)]
  }

  private static func bytes(per rate: String) -> [String: (Int64, Int64)] {
    var result: [String: (Int64, Int64)] = ["B" + rate: (1, 1)]
    var (binary, decimal): (Int64, Int64) = (1, 1)
    for (binaryName, decimalName) in [("KiB", "kB"), ("MiB", "MB"), ("GiB", "GB"), ("TiB", "TB")] {
      binary *= 1_024
      decimal *= 1_000
      result[binaryName + rate] = (binary, 1)
      result[decimalName + rate] = (decimal, 1)
    }
    return result
  }

  /// How people write a value of this unit, for messages.
  var examples: String {
    switch self {
    case .flag: "true or false"
    case .picosecondsPerCycle: "a frequency such as 2.4 GHz, or a period such as 1250/3 in ps"
    case .picoseconds: "a time such as 500 ns, or whole numbers in ps"
    case .cycles: "whole cycles such as 64 cycles"
    case .tenthsOfCycles: "cycles such as 146.3 cycles, or whole numbers in tenths of a cycle"
    case .tenthsOfCyclesPerElement:
      "cycles such as 0.5 cycles/element, or whole numbers in tenths of a cycle"
    case .hundredthsOfCyclesPerElement:
      "cycles such as 0.55 cycles/element, or whole numbers in hundredths of a cycle"
    case .bytes: "a size such as 28 KiB, or whole numbers in B"
    case .bytesPerSecond, .bytesPerMicrosecond:
      "a rate such as 2.9 TB/s, or whole numbers in \(rawValue)"
    case .permille: "a share such as 135 % or 1.35 x, or whole numbers in permille"
    default: "whole numbers, in \(rawValue)"
    }
  }
}

/// A number as it is written: digits, and how many of them stand behind the dot.
private struct DecimalNumber {
  private let digits: Int64
  private let scale: Int64

  /// The number that a text begins with, and the rest of the text.
  static func leading(_ text: Substring) -> (DecimalNumber, Substring)? {
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let parts = number.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }),
      number.count <= 18, let digits = Int64(parts.joined())
    else { return nil }
    var scale: Int64 = 1
    if parts.count == 2 { for _ in 0..<parts[1].count { scale *= 10 } }
    return (DecimalNumber(digits: digits, scale: scale), text.dropFirst(number.count))
  }

  /// The number times a ratio, or nil when that is not whole or too large.
  func exactly(times numerator: Int64, over denominator: Int64) -> Int64? {
    let (product, isTooLarge) = digits.multipliedReportingOverflow(by: numerator)
    let (divisor, isTooFine) = scale.multipliedReportingOverflow(by: denominator)
    guard !isTooLarge, !isTooFine, product % divisor == 0 else { return nil }
    return product / divisor
  }

  /// The period of that frequency in picoseconds, as the shortest exact ratio.
  func period(of unit: String) -> String? {
    let hertz: [String: Int64] = ["GHz": 1_000, "MHz": 1_000_000]
    guard let one = hertz[unit], digits > 0 else { return nil }
    let (numerator, isTooFine) = one.multipliedReportingOverflow(by: scale)
    guard !isTooFine else { return nil }
    var (a, b) = (numerator, digits)
    while b != 0 { (a, b) = (b, a % b) }
    return "\(numerator / a)/\(digits / a)"
  }
}
