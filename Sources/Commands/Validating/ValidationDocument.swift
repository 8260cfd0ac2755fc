import BenchmarkRunner
import WorkloadCatalog

/// What `validate --format json` prints.
struct ValidationDocument: Encodable {
  /// One measurement; a rate counts as the time of a million bytes.
  struct Point: Encodable {
    var id: String
    var device: String
    var what: String
    var measuredMicroseconds: Double
    var modelMicroseconds: Double
    var errorPercent: Double
    var measured: Double
    var model: Double
    var unit: String
    var program: String
    var source: String

    private enum CodingKeys: String, CodingKey {
      case id, device, what, measured, model, unit, program, source
      case measuredMicroseconds = "measured_us"
      case modelMicroseconds = "model_us"
      case errorPercent = "error_percent"
    }
  }

  /// The errors of one origin on one device.
  struct Group: Encodable {
    var set: String
    var device: String
    var count: Int
    var leftOut: Int
    var medianPercent: Double?
    var ninetiethPercent: Double?
    var worstPercent: Double?
    var worstID: String?

    private enum CodingKeys: String, CodingKey {
      case set, device, count
      case leftOut = "left_out"
      case medianPercent = "median_percent"
      case ninetiethPercent = "p90_percent"
      case worstPercent = "worst_percent"
      case worstID = "worst_id"
    }
  }

  /// A measurement that the model does not run.
  struct LeftOut: Encodable {
    var id: String
    var device: String
    var what: String
    var reason: String
  }

  /// All points together.
  struct Summary: Encodable {
    var count: Int
    var meanPercent: Double?
    var ninetiethPercent: Double?
    var kendallTau: Double?

    private enum CodingKeys: String, CodingKey {
      case count
      case meanPercent = "mape_percent"
      case ninetiethPercent = "p90_percent"
      case kendallTau = "kendall_tau"
    }
  }

  var schema = 1
  var points: [Point]
  var groups: [Group]
  var leftOut: [LeftOut]
  var summary: Summary

  private enum CodingKeys: String, CodingKey {
    case schema, points, groups, summary
    case leftOut = "left_out"
  }

  init(_ summary: CalibrationSummary, points: [CalibrationPoint]) {
    self.points = points.map { point in
      let row = point.row
      return Point(
        id: row.id, device: row.device, what: row.what,
        measuredMicroseconds: point.measuredMicroseconds,
        modelMicroseconds: point.modelMicroseconds,
        errorPercent: point.errorPercent, measured: row.value, model: point.modelled,
        unit: row.unit, program: "\(row.program) \(row.size), \(row.quantity?.rawValue ?? "")",
        source: row.source)
    }
    groups = summary.groups.map { group in
      Group(
        set: group.prefix, device: group.device, count: group.points.count,
        leftOut: group.leftOut.count, medianPercent: group.median,
        ninetiethPercent: group.ninetieth, worstPercent: group.errors.last,
        worstID: group.worst?.row.id)
    }
    leftOut = summary.groups.flatMap(\.leftOut).map { row in
      LeftOut(id: row.id, device: row.device, what: row.what, reason: row.leftOut ?? "")
    }
    self.summary = Summary(
      count: summary.count, meanPercent: summary.meanPercent, ninetiethPercent: summary.ninetieth,
      kendallTau: summary.kendallTau)
  }
}
