package import Hardware
import ProfileImport

extension Replay {
  /// A number on both sides, in picoseconds.
  package struct Pair: Equatable, Sendable {
    /// On the device.
    package var measured: Int64
    /// On the model.
    package var model: Int64

    package init(measured: Int64, model: Int64) {
      self.measured = measured
      self.model = model
    }

    /// The model's difference in percent of what was measured.
    package var errorPercent: Double? {
      measured == 0 ? nil : (Double(model) / Double(measured) - 1) * 100
    }
  }

  /// The rows of one opcode on one engine.
  package struct OpcodeRow: Sendable {
    /// The engine.
    package var engine: Engine
    /// The opcode.
    package var opcode: String
    /// The limiter's rate at which all of the rows ran on both sides; nil for rows of any rate.
    package var rate: LimiterRate?
    /// How many rows.
    package var count: Int
    /// The median duration.
    package var median: Pair
    /// The sum of durations.
    package var total: Pair
    /// The greatest difference of a start, with its sign.
    package var worstStart: Int64
  }

  /// From the first trigger to the end of the last instruction of a data path.
  package var total: Pair {
    let compute = rows.filter { $0.isCompute && $0.isKernel }
    return Pair(
      measured: compute.map { $0.measuredStart + $0.measured.duration }.max() ?? 0,
      model: compute.map { $0.modelStart + $0.modelDuration }.max() ?? 0)
  }

  /// The union of an engine's rows of the kernel, those that only wait left out: the profiler's
  /// active time.
  package func active(_ engine: Engine) -> Pair {
    let own = rows.filter { $0.engine == engine && $0.isKernel && !$0.measured.isSemaphoreRow }
    return Pair(
      measured: Self.union(
        own.map { ($0.measuredStart, $0.measuredStart + $0.measured.duration) }),
      model: Self.union(own.map { ($0.modelStart, $0.modelStart + $0.modelDuration) }))
  }

  private static func union(_ intervals: [(start: Int64, end: Int64)]) -> Int64 {
    var covered = Int64.min
    var sum: Int64 = 0
    for (start, end) in intervals.sorted(by: { $0.start < $1.start }) where end > covered {
      sum += end - max(start, covered)
      covered = end
    }
    return sum
  }

  /// The kernel's rows by engine and opcode, in the order of engines and names.
  package func opcodes() -> [OpcodeRow] {
    Engine.allCases.flatMap { engine in
      let own = rows.filter { $0.engine == engine && $0.isKernel }
      return Set(own.map(\.measured.opcode)).sorted().map { opcode in
        Self.summary(engine, opcode, own.filter { $0.measured.opcode == opcode })
      }
    }
  }

  /// The kernel's rows of the tensor engine by opcode and limiter rate, those alone that ran at
  /// one rate, and at the same one on both sides. Empty where the capture does not show the rate.
  ///
  /// Durations of one opcode stand in groups, by rate: a median of all of them tells which group
  /// has more rows, and no more of durations.
  package func opcodesByRate() -> [OpcodeRow] {
    let own = rows.filter { $0.isKernel && $0.rate != nil }
    return Set(own.map(\.measured.opcode)).sorted().flatMap { opcode in
      LimiterRate.allCases.compactMap { rate in
        let rows = own.filter { $0.measured.opcode == opcode && $0.rate == rate }
        guard !rows.isEmpty else { return nil }
        var summary = Self.summary(.tensor, opcode, rows)
        summary.rate = rate
        return summary
      }
    }
  }

  private static func summary(_ engine: Engine, _ opcode: String, _ rows: [Row]) -> OpcodeRow {
    let worst =
      rows.map { $0.modelStart - $0.measuredStart }
      .max { abs($0) < abs($1) } ?? 0
    return OpcodeRow(
      engine: engine, opcode: opcode, count: rows.count,
      median: Pair(
        measured: median(rows.map(\.measured.duration)), model: median(rows.map(\.modelDuration))),
      total: Pair(
        measured: rows.reduce(0) { $0 + $1.measured.duration },
        model: rows.reduce(0) { $0 + $1.modelDuration }),
      worstStart: worst)
  }

  private static func median(_ values: [Int64]) -> Int64 {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}
