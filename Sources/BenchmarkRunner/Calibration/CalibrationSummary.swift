import Foundation
package import WorkloadCatalog

/// How far the model is from the measurements of one origin on one device.
package struct CalibrationGroup: Hashable, Sendable {
  /// The letters before the rows' numbers.
  package var prefix: String
  /// The device that was measured.
  package var device: String
  /// Every point, in the order of the files.
  package var points: [CalibrationPoint]
  /// Rows that the model does not run.
  package var leftOut: [CalibrationRow]

  /// Absolute errors in percent, smallest first.
  package var errors: [Double] { points.map { abs($0.errorPercent) }.sorted() }
  /// The middle error; nil without points.
  package var median: Double? { CalibrationSummary.median(errors) }
  /// Nine of ten errors are no larger; nil without points.
  package var ninetieth: Double? { CalibrationSummary.percentile(errors, 0.9) }
  /// The point with the largest error.
  package var worst: CalibrationPoint? {
    points.max { abs($0.errorPercent) < abs($1.errorPercent) }
  }
}

/// Points in groups, and what they add up to.
package struct CalibrationSummary: Hashable, Sendable {
  /// By prefix, then by device, both in alphabetical order.
  package let groups: [CalibrationGroup]
  private let points: [CalibrationPoint]

  /// Groups the points of rows, and the rows that have none.
  package init(rows: [CalibrationRow], points: [CalibrationPoint]) {
    self.points = points
    var names: [(String, String)] = []
    for row in rows where !names.contains(where: { $0 == (row.prefix, row.device) }) {
      names.append((row.prefix, row.device))
    }
    groups = names.sorted { $0 < $1 }.map { prefix, device in
      CalibrationGroup(
        prefix: prefix, device: device,
        points: points.filter { $0.row.prefix == prefix && $0.row.device == device },
        leftOut: rows.filter {
          $0.leftOut != nil && $0.prefix == prefix && $0.device == device
        })
    }
  }

  /// Points in all.
  package var count: Int { points.count }
  /// The mean of the absolute errors in percent; nil without points.
  package var meanPercent: Double? {
    points.isEmpty ? nil : points.map { abs($0.errorPercent) }.reduce(0, +) / Double(points.count)
  }
  /// Nine of ten absolute errors are no larger; nil without points.
  package var ninetieth: Double? {
    Self.percentile(points.map { abs($0.errorPercent) }.sorted(), 0.9)
  }

  /// Kendall's tau-b of measured and modelled times: 1 when the model orders all points as the
  /// hardware does. Nil without two different points.
  package var kendallTau: Double? {
    let pairs = points.map { ($0.measuredMicroseconds, $0.modelMicroseconds) }
    var (agree, tiedFirst, tiedSecond, all) = (0, 0, 0, 0)
    for (index, one) in pairs.enumerated() {
      for other in pairs.dropFirst(index + 1) {
        all += 1
        let (first, second) = (one.0 - other.0, one.1 - other.1)
        if first == 0 { tiedFirst += 1 }
        if second == 0 { tiedSecond += 1 }
        if first * second > 0 { agree += 1 } else if first * second < 0 { agree -= 1 }
      }
    }
    let scale = (Double(all - tiedFirst) * Double(all - tiedSecond)).squareRoot()
    return scale > 0 ? Double(agree) / scale : nil
  }

  static func median(_ sorted: [Double]) -> Double? {
    guard !sorted.isEmpty else { return nil }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  /// The nearest rank.
  static func percentile(_ sorted: [Double], _ share: Double) -> Double? {
    guard !sorted.isEmpty else { return nil }
    return sorted[max(0, Int((share * Double(sorted.count)).rounded(.up)) - 1)]
  }
}
