import Comparison
import Foundation
import Hardware
import Results
import TerminalUI
import WorkloadCatalog

/// Our chip beside the fastest published number of the same shape and number format.
struct ReferenceColumn {
  /// Published numbers, fastest first among equals of shape and format.
  private let published: [PublishedNumber]
  private let name: String

  init(published: [PublishedNumber], name: String) {
    self.published = published.sorted { $0.value > $1.value }
    self.name = name
  }

  /// The numbers of one file; empty where there is no such file. Throws what the file has wrong.
  init(_ name: String, _ environment: CommandEnvironment) throws {
    guard let folder = try? Places(environment).references(),
      ReferenceCatalog.names(in: folder).contains(name)
    else {
      self.init(published: [], name: name)
      return
    }
    let file = try ReferenceCatalog.load(name, in: folder)
    self.init(published: file.publishedNumbers, name: name)
  }

  /// Our chip's rate in percent of the published one; nil where nothing may be compared.
  func percent(_ result: RunResult) -> Double? {
    guard !result.numerics.isFailed, let match = match(result) else { return nil }
    return match.comparator.chipRate(result, beside: match.number).map {
      100 * $0 / match.number.value
    }
  }

  /// Which numbers stand behind the column, one line each.
  func footnotes(_ results: [RunResult]) -> [String] {
    var lines: [String] = []
    for result in results where percent(result) != nil {
      guard let match = match(result) else { continue }
      let number = match.number
      let line =
        "\(result.workload): \(match.comparator.label(result)), of \(ReaderNumber.significant(number.value))"
        + " \(number.unit) with \(number.software) on \(number.device) (\(number.id))"
      if !lines.contains(line) { lines.append(line) }
    }
    return lines
  }

  private func match(
    _ result: RunResult
  ) -> (comparator: ReferenceComparator, number: PublishedNumber)? {
    guard let device = try? Device.named(result.device) else { return nil }
    let comparator = ReferenceComparator(chip: ChipCapacity(device))
    return comparator.matches(result, published).first.map { (comparator, $0) }
  }
}

extension ChipCapacity {
  /// What a comparison of chips has to know about a device.
  init(_ device: Device) {
    self.init(
      cores: max(1, device.memory.coresPerChip.value),
      hbmBytes: Int64(device.memory.hbmBytesPerChip.value))
  }
}

extension ReferenceFile {
  /// The rows as comparisons use them.
  var publishedNumbers: [PublishedNumber] {
    rows.map { row in
      PublishedNumber(
        id: row.id, device: row.device, operation: row.operation, shape: row.shape,
        precisions: row.precisions, value: row.value, unit: row.unit, work: row.work,
        software: row.software, source: row.source, notes: row.notes, trust: row.trust,
        isMeasured: isMeasured)
    }
  }
}
