/// What the descriptor rows of a report add up to, by the profiler's names.
///
/// * All cores count. A row counts half a nanosecond more than its duration, as instructions do.
/// * A row that is `aggregated` stands for a whole transfer whose descriptors have rows of their
///   own: it counts as a transfer, and not as a packet.
/// * Packets are `software_dynamic`, `hardware_dynamic`, or `static`: all other kinds of queues.
///   `dynamic` is the sum of the first two, also of their parts of the active time, which overlap.
struct DescriptorMeasures: Sendable {
  /// Packets of one kind.
  private struct Packets {
    var count: Int64 = 0
    var bytes: Int64 = 0
    var intervals = Intervals()
  }

  private enum Kind: String, CaseIterable {
    case software = "software_dynamic"
    case hardware = "hardware_dynamic"
    case fixed = "static"
  }

  private var packets = Kind.allCases.map { _ in Packets() }
  private var packetTime: Int64 = 0
  private var transfers: (count: Int64, bytes: Int64, time: Int64) = (0, 0, 0)

  init(_ report: ProfileReport, cut: Int64) {
    for row in report.descriptors {
      let time = row.duration + cut
      if row.isAggregate {
        transfers = (
          transfers.count + 1, transfers.bytes &+ row.bytes, transfers.time + time
        )
        continue
      }
      let kind = Kind(rawValue: row.kind) ?? .fixed
      let place = Kind.allCases.firstIndex(of: kind) ?? 0
      packets[place].count += 1
      packets[place].bytes &+= row.bytes
      packets[place].intervals.append(row.start, row.start + time)
      packetTime += time
    }
  }

  /// All packets' times.
  var intervals: Intervals {
    packets.reduce(into: Intervals()) { $0.append($1.intervals) }
  }

  /// Hands on each number with its name and unit; `end` is the whole time, in picoseconds.
  func forEachNumber(end: Int64, _ body: (String, String, Double?) -> Void) {
    func part(_ value: Int64, of whole: Int64) -> Double? {
      whole > 0 ? Double(value) / Double(whole) : nil
    }
    let active = intervals.union()
    let (count, bytes) = packets.reduce(into: (Int64(0), Int64(0))) {
      $0 = ($0.0 + $1.count, $0.1 &+ $1.bytes)
    }
    var dynamic: (count: Int64, bytes: Int64, active: Int64) = (0, 0, 0)
    for (kind, own) in zip(Kind.allCases, packets) where count > 0 {
      let (name, time) = (kind.rawValue + "_dma", own.intervals.union())
      body("\(name)_packet_count", "rows", Double(own.count))
      body("\(name)_packet_percent", "1", part(own.count, of: count))
      body("\(name)_size", "B", Double(own.bytes))
      body("\(name)_size_percent", "1", part(own.bytes, of: bytes))
      body("\(name)_active_time", "s", Double(time) / 1e12)
      body("\(name)_active_time_percent", "1", part(time, of: active))
      if kind != .fixed {
        dynamic = (dynamic.count + own.count, dynamic.bytes &+ own.bytes, dynamic.active + time)
      }
    }
    body("dynamic_dma_packet_percent", "1", part(dynamic.count, of: count))
    body("dynamic_dma_size_percent", "1", part(dynamic.bytes, of: bytes))
    body("dynamic_dma_active_time_percent", "1", part(dynamic.active, of: active))
    body("dma_active_time", "s", Double(active) / 1e12)
    body("dma_active_time_percent", "1", part(active, of: end))
    body("dma_packet_time", "s", Double(packetTime) / 1e12)
    body("dma_transfer_count", "rows", Double(transfers.count))
    body("dma_transfer_total_bytes", "B", Double(transfers.bytes))
    body("dma_transfer_average_bytes", "B", part(transfers.bytes, of: transfers.count) ?? 0)
    body("dma_transfer_time", "s", Double(transfers.time) / 1e12)
  }
}
