import Results
import TerminalUI

/// What a run says about its coverage: how much ran as device instructions, what did not and why.
struct CoverageLines {
  private let name: String
  private let coverage: Coverage

  /// Nothing for work that is no graph.
  init?(_ result: RunResult) {
    guard let coverage = result.work.coverage else { return nil }
    self.init(name: result.workload, coverage)
  }

  init(name: String, _ coverage: Coverage) {
    self.name = name
    self.coverage = coverage
  }

  /// True when every operator ran as device instructions, but for those that only name bytes.
  var isComplete: Bool {
    coverage.flopsPercent >= 100 && coverage.bytesPercent >= 100
      && coverage.elsewhere.allSatisfy { $0.host == nil }
  }

  /// The shares, then one line per reason with the operators that it stands for.
  var lines: [String] {
    var lines = [
      "\(name): \(coverage.operatorsOnDevice) of \(coverage.operators) operators ran as device "
        + "instructions, with \(ReaderNumber.percent(coverage.flopsPercent)) of the operations and "
        + "\(ReaderNumber.percent(coverage.bytesPercent)) of the bytes"
    ]
    lines += Self.lines(coverage.elsewhere.filter { $0.host == nil })
    return lines + fileLines
  }

  /// Nodes of a model's file that the program does not hold: carried out by the host, evaluated as
  /// a compiler would, or left out.
  var fileLines: [String] {
    var lines = Self.lines(coverage.elsewhere.filter { $0.host != nil })
    if let count = coverage.evaluatedWhenRead, count > 0 {
      lines.append("\(count) nodes of the file depend on no input and were evaluated with it")
    }
    if let unused = coverage.leftOut, !unused.isEmpty {
      lines.append(
        "\(unused.count) \(unused.count == 1 ? "node feeds" : "nodes feed") no output and "
          + "\(unused.count == 1 ? "was" : "were") left out: \(Self.names(unused))")
    }
    return lines
  }

  /// One line per reason.
  private static func lines(_ nodes: [Coverage.Exception]) -> [String] {
    let reasons = Dictionary(grouping: nodes, by: \.reason)
    return reasons.keys.sorted().map { reason in
      let nodes = reasons[reason] ?? []
      return line(nodes, reason) + ": " + names(nodes)
    }
  }

  /// What these operators have in common, and what the host did in the device's place.
  private static func line(_ nodes: [Coverage.Exception], _ reason: String) -> String {
    let work = nodes.compactMap(\.host)
    guard !work.isEmpty else { return "\(nodes.count) without: \(reason)" }
    let flops = ReaderNumber.count(Double(work.reduce(0) { $0 + $1.flops }))
    let bytes = ReaderNumber.bytes(Double(work.reduce(0) { $0 + $1.bytes }))
    return "\(nodes.count) \(nodes.count == 1 ? "node" : "nodes") ran \(reason), with \(flops) "
      + "operations on \(bytes)"
  }

  private static func names(_ nodes: [Coverage.Exception]) -> String {
    let names = nodes.prefix(shownNodes).map { "\($0.operation) \($0.node)" }
    return names.joined(separator: ", ") + (nodes.count > shownNodes ? ", …" : "")
  }

  private static let shownNodes = 6
}
