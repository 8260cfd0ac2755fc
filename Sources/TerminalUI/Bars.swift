/// Bars of block characters, in eighths of a cell, with an ASCII form for plain files.
package enum Bars {
  private static let vertical: [Character] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
  private static let horizontal: [Character] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"]
  private static let ascii: [Character] = [" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"]

  /// A bar growing to the right: `fraction` of `width` columns, filled up with spaces.
  package static func horizontalBar(fraction: Double, width: Int, isASCII: Bool = false) -> String {
    guard width > 0 else { return "" }
    let part = clamped(fraction)
    if isASCII {
      let full = Int((part * Double(width)).rounded())
      return String(repeating: "#", count: full) + String(repeating: " ", count: width - full)
    }
    let eighths = Int((part * Double(width) * 8).rounded())
    let full = String(repeating: "█", count: eighths / 8)
    let rest = eighths % 8 == 0 ? "" : String(horizontal[eighths % 8])
    return full + rest + String(repeating: " ", count: width - full.count - rest.count)
  }

  /// One cell for each fraction, its height the value. Anything above 0 shows at least one level,
  /// and anything below 1 never the full one, so that idle and saturated stay recognisable.
  package static func heatStrip(_ fractions: [Double], isASCII: Bool = false) -> String {
    let levels = isASCII ? ascii : vertical
    let top = levels.count - 1
    return String(
      fractions.map { fraction in
        let part = clamped(fraction)
        if part == 0 { return levels[0] }
        if part == 1 { return levels[top] }
        return levels[min(top - 1, max(1, Int((part * Double(top)).rounded())))]
      })
  }

  /// A cell of which nothing is known.
  package static func shade(isASCII: Bool = false) -> Character { isASCII ? "?" : "░" }

  private static func clamped(_ fraction: Double) -> Double {
    fraction.isNaN ? 0 : min(1, max(0, fraction))
  }
}
