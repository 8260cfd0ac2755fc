import Foundation
import TraceFile
import Units

/// A summary as lines of text that fit a width; no colour, no terminal needed.
package struct SummaryText {
  /// The widest line.
  package var width: Int
  /// Whether only ASCII characters are used.
  package var isASCII: Bool
  /// The most groups that a table shows.
  package var limit: Int

  /// Text of that width, with at most `limit` rows per table.
  package init(width: Int = 80, isASCII: Bool = false, limit: Int = 12) {
    self.width = max(60, width)
    self.isASCII = isASCII
    self.limit = limit
  }

  private static let nameWidth = 8
  private static let shareWidth = 9
  private static let causeWidth = 14
  private static let adviceLimit = 4

  /// The cells that a strip has at this width; summaries are to be made with as many.
  package var cells: Int { width - Self.nameWidth - 3 * Self.shareWidth - 1 }

  /// The whole text: head, timeline, and the table of `grouping`.
  package func lines(_ summary: TraceSummary, by grouping: SummaryGrouping = .engine) -> [String] {
    var lines = head(summary)
    if grouping == .engine {
      lines += [""] + timeline(summary) + [""] + stalls(summary)
      lines += metrics(summary) + path(summary) + advice(summary)
    } else {
      lines += [""] + groups(summary, grouping)
    }
    for note in summary.notes { lines += [""] + wrapped(note) }
    if !summary.damage.isEmpty {
      lines += ["", "The trace is damaged; the numbers cover what is left:"]
      for damage in summary.damage { lines += wrapped(damage.description) }
    }
    return lines
  }

  // MARK: Head

  private func head(_ summary: TraceSummary) -> [String] {
    let names = [TraceMetadata.Key.workload, TraceMetadata.Key.device]
    let run = names.compactMap { summary.metadata.entries[$0] }.joined(separator: " on ")
    var facts = ["duration \(Self.time(summary.duration.value))"]
    if summary.from != .zero {
      facts.append("from \(Self.time(summary.from.value)) to \(Self.time(summary.to.value))")
    }
    if summary.state != .complete { facts.append(summary.state.rawValue) }
    if summary.basis == .samples {
      let bound = summary.sampling.map {
        String(format: "%lld samples, +-%.1f points (95 %%)", $0.count, $0.halfWidthPercent)
      }
      facts.append("estimated from \(bound ?? "samples")")
    }
    return (run.isEmpty ? [] : [run]) + [facts.joined(separator: "  ")]
  }

  // MARK: By engine

  private func timeline(_ summary: TraceSummary) -> [String] {
    var lines = [
      Self.left("engine", Self.nameWidth) + Self.left("timeline", cells + 1)
        + ["active", "stalled", "idle"].map { Self.right($0, Self.shareWidth) }.joined()
    ]
    for (share, strip) in zip(summary.engines, summary.strips) {
      let shares = [share.busy, share.stalled, share.idle].map { percent(share.percent($0)) }
      lines.append(
        Self.left(share.track.name, Self.nameWidth)
          + Self.left(HeatStrip.draw(strip, isASCII: isASCII), cells + 1) + shares.joined())
    }
    let dma = summary.dmaEngines
    let active = dma.reduce(0) { $0 + $1.percent($1.busy) } / Double(max(1, dma.count))
    let strips = Array(summary.strips.dropFirst(TrackID.engineCount))
    let bytes = dma.sum(\.bytes).map(Self.bytes) ?? "-"
    lines.append(
      Self.left("dma", Self.nameWidth)
        + Self.left(HeatStrip.draw(mean: strips, isASCII: isASCII), cells + 1)
        + percent(active) + Self.right(bytes, 2 * Self.shareWidth))
    return lines + [ruler(summary)]
  }

  private func ruler(_ summary: TraceSummary) -> String {
    let (first, last) = (Self.time(summary.from.value), Self.time(summary.to.value))
    let gap = max(1, cells - first.count - last.count)
    return String(repeating: " ", count: Self.nameWidth) + first
      + String(repeating: " ", count: gap) + last
  }

  /// One line per cause that occurs, one column per engine.
  private func stalls(_ summary: TraceSummary) -> [String] {
    func line(_ name: String, _ value: (TrackShare) -> String) -> String {
      Self.left(name, Self.causeWidth)
        + summary.engines.map { Self.right(value($0), Self.shareWidth) }.joined()
    }
    var lines = [line("stalled for", \.track.name)]
    for cause in StallCause.allCases {
      let index = Int(cause.rawValue)
      guard summary.engines.contains(where: { $0.stall[index] > 0 }) else { continue }
      lines.append(line(cause.key) { percent($0.percent($0.stall[index])) })
    }
    if summary.engines.contains(where: { $0.missing > 0 }) {
      lines.append(line("missing") { percent($0.percent($0.missing)) })
    }
    return lines + [line("instructions") { $0.records.map { "\($0)" } ?? "-" }]
  }

  // MARK: Metrics, path, advice

  private func metrics(_ summary: TraceSummary) -> [String] {
    var facts: [String] = []
    for (title, name) in [
      ("MFU", "mfu_estimated_percent"), ("HFU", "hfu_estimated_percent"),
      ("MBU", "mbu_estimated_percent"),
    ] {
      guard let value = summary.metric(name) else { continue }
      facts.append(String(format: "%@ %.2f %%", title, 100 * value))
    }
    if let intensity = summary.metric("mm_arithmetic_intensity"),
      let ratio = summary.metric("peak_flops_bandwidth_ratio")
    {
      let side = intensity < ratio ? "memory" : "compute"
      facts.append(String(format: "%.1f of %.1f FLOP/B, %@ side", intensity, ratio, side))
    }
    return facts.isEmpty ? [] : ["", facts.joined(separator: "  ")]
  }

  /// The critical path by engine and cause.
  private func path(_ summary: TraceSummary) -> [String] {
    guard let path = summary.path, summary.duration > .zero else { return [] }
    var lines = ["", "critical path"]
    let parts = path.byEngineAndCause
    func line(_ name: String, _ time: Int64) -> String {
      let share = 100 * Double(time) / Double(summary.duration.value)
      return Self.left("  " + name, 24) + percent(share) + Self.right(Self.time(time), 12)
    }
    for part in parts.prefix(8) { lines.append(line("\(part.engine) \(part.cause)", part.time)) }
    let rest = parts.dropFirst(8).reduce(0) { $0 + $1.time }
    if rest > 0 { lines.append(line("\(parts.count - 8) more", rest)) }
    return lines
  }

  private func advice(_ summary: TraceSummary) -> [String] {
    let found = summary.advice
    guard !found.isEmpty else { return [] }
    var lines = ["", "advice, with what it gains at most"]
    for advice in found.prefix(Self.adviceLimit) {
      lines += wrapped(Self.time(advice.gainPs) + ": " + advice.message)
    }
    let more = found.count - Self.adviceLimit
    return more > 0 ? lines + ["  and \(more) more, which --format json has"] : lines
  }

  /// Lines of a text, broken at spaces, the later ones indented.
  private func wrapped(_ text: String) -> [String] {
    var lines: [String] = []
    var line = " "
    for word in text.split(separator: " ") {
      if line.count + word.count + 1 > width, line.count > 1 {
        lines.append(line)
        line = "   "
      }
      line += " " + word
    }
    return lines + [line]
  }

  // MARK: By group

  /// Causes of standing still, with their share of all engines' time.
  private func stallGroups(_ summary: TraceSummary) -> [String] {
    let nameWidth = width - 22
    let whole = summary.engines.reduce(0.0) { $0 + Double($1.whole) }
    func line(_ name: String, _ values: [String]) -> String {
      Self.left(name, nameWidth) + values.map { Self.right($0, 11) }.joined()
    }
    return [line("stall", ["stalled", "of all"])]
      + summary.groups(by: .stall).map { group in
        let share = whole > 0 ? 100 * Double(group.stall) / whole : 0
        return line(group.name, [Self.time(group.stall), percent(share)])
      }
  }

  private func groups(_ summary: TraceSummary, _ grouping: SummaryGrouping) -> [String] {
    if grouping == .stall { return stallGroups(summary) }
    let groups = summary.groups(by: grouping)
    let hasPath = groups.contains { $0.pathTime != nil }
    let hasBound = groups.contains { $0.lost != nil }
    var titles = ["busy", "stalled", "dma"]
    if hasPath { titles.append("on path") }
    titles.append(hasBound ? "lost" : "count")
    if !hasPath { titles.append("bytes") }
    let nameWidth = width - titles.count * 11
    var lines = [
      Self.left(grouping.rawValue, nameWidth)
        + titles.map { Self.right($0, 11) }.joined()
    ]
    for group in groups.prefix(limit) {
      var values = [Self.time(group.busy), Self.time(group.stall), Self.time(group.dmaBusy)]
      if hasPath { values.append(group.pathTime.map(Self.time) ?? "-") }
      let count = group.instructions.map { $0 + (group.transfers ?? 0) }
      values.append(
        hasBound ? group.lost.map(Self.time) ?? "-" : count.map { "\($0)" } ?? "-")
      if !hasPath { values.append(group.bytes.map(Self.bytes) ?? "-") }
      let name = group.name.isEmpty ? "(none)" : group.name
      lines.append(
        Self.left(cut(name, nameWidth - 1), nameWidth)
          + values.map { Self.right($0, 11) }.joined())
    }
    if groups.count > limit { lines.append("and \(groups.count - limit) more") }
    return lines
  }

  // MARK: Numbers

  private func percent(_ value: Double) -> String {
    Self.right(String(format: "%.1f %%", value), Self.shareWidth)
  }

  /// A time in the unit that suits it, four digits.
  static func time(_ picoseconds: Int64) -> String {
    scaled(Double(picoseconds), ["ps", "ns", "us", "ms", "s"], step: 1_000)
  }

  /// An amount of memory in binary units, four digits.
  static func bytes(_ count: Int64) -> String {
    scaled(Double(count), ["B", "KiB", "MiB", "GiB", "TiB"], step: 1_024)
  }

  private static func scaled(_ value: Double, _ units: [String], step: Double) -> String {
    var rest = value
    var unit = 0
    while abs(rest) >= step, unit + 1 < units.count {
      rest /= step
      unit += 1
    }
    guard unit > 0 else { return "\(Int64(value)) \(units[0])" }
    let digits = abs(rest) >= 100 ? 1 : abs(rest) >= 10 ? 2 : 3
    return String(format: "%.\(digits)f %@", rest, units[unit])
  }

  /// A name that fits, with a mark where something is cut.
  private func cut(_ name: String, _ width: Int) -> String {
    name.count <= width ? name : String(name.prefix(width - 1)) + (isASCII ? "~" : "…")
  }

  private static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
