/// Draws busy time over time, one character per cell.
package enum HeatStrip {
  private static let blocks = Array(" ▁▂▃▄▅▆▇█")
  private static let plain = Array(" .:-=+*#@")

  /// One character per cell: blank for no busy time at all, the fullest for all of it.
  ///
  /// A cell of which half or more is missing is shaded. A cell with any busy time is never blank
  /// and one with any other time is never the fullest, so that both ends mean what they show.
  package static func draw(_ bins: TimeBins, isASCII: Bool = false) -> String {
    draw(mean: [bins], isASCII: isASCII)
  }

  /// Several tracks in one strip: the mean of their cells.
  package static func draw(mean tracks: [TimeBins], isASCII: Bool = false) -> String {
    guard let first = tracks.first else { return "" }
    return String(
      first.busy.indices.map { cell in
        let busy = tracks.reduce(Int64(0)) { $0 &+ $1.busy[cell] }
        let missing = tracks.reduce(Int64(0)) { $0 &+ ($1.missing.isEmpty ? 0 : $1.missing[cell]) }
        let whole = first.length(cell) &* Int64(tracks.count)
        if missing > 0, missing >= whole / 2 { return isASCII ? "?" : "░" }
        return glyph(busy, of: whole, isASCII)
      })
  }

  private static func glyph(_ busy: Int64, of whole: Int64, _ isASCII: Bool) -> Character {
    let ladder = isASCII ? plain : blocks
    let full = ladder.count - 1
    guard busy > 0, whole > 0 else { return ladder[0] }
    guard busy < whole else { return ladder[full] }
    let level = (Double(busy) / Double(whole) * Double(full)).rounded()
    return ladder[min(full - 1, max(1, Int(level)))]
  }
}
