import Results
import TerminalUI

/// What a run says about its coverage: how much ran as device instructions, what did not and why.
struct CoverageLines {
  private let name: String
  private let coverage: Coverage

  /// Nothing for work that is no graph.
  init?(_ result: RunResult) {
    guard let coverage = result.work.coverage else { return nil }
    name = result.workload
    self.coverage = coverage
  }

  /// True when every operator ran as device instructions, but for those that only name bytes.
  var isComplete: Bool { coverage.flopsPercent >= 100 && coverage.bytesPercent >= 100 }

  /// The shares, then one line per reason with the operators that it stands for.
  var lines: [String] {
    var lines = [
      "\(name): \(coverage.operatorsOnDevice) of \(coverage.operators) operators ran as device "
        + "instructions, with \(ReaderNumber.percent(coverage.flopsPercent)) of the operations and "
        + "\(ReaderNumber.percent(coverage.bytesPercent)) of the bytes"
    ]
    let reasons = Dictionary(grouping: coverage.elsewhere, by: \.reason)
    for reason in reasons.keys.sorted() {
      let nodes = (reasons[reason] ?? []).map { "\($0.operation) \($0.node)" }
      let rest = nodes.count > Self.shownNodes ? ", …" : ""
      lines.append(
        "\(nodes.count) without: \(reason): "
          + nodes.prefix(Self.shownNodes).joined(separator: ", ") + rest)
    }
    if let count = coverage.evaluatedWhenRead, count > 0 {
      lines.append("\(count) nodes of the file depend on no input and were evaluated with it")
    }
    return lines
  }

  private static let shownNodes = 6
}
