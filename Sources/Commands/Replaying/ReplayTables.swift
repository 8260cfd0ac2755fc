import Hardware
import ProfileImport
import Replay
import TerminalUI

/// A replay as tables and notes.
struct ReplayTables {
  let replay: Replay
  /// Transfers of which the measured trace has no records.
  let missingTransfers: Int

  /// The total, and each engine's active time.
  func engines() -> Table {
    var table = Table(columns: [
      .text("what", minimumWidth: nil), Column("measured_us", title: "measured"),
      Column("model_us", title: "model"), Column("error_percent", title: "error"),
    ])
    table.append(row("total", replay.total))
    for engine in Engine.allCases {
      let active = replay.active(engine)
      guard active.measured != 0 || active.model != 0 else { continue }
      table.append(row("\(engine.name) active", active))
    }
    return table
  }

  private func row(_ name: String, _ pair: Replay.Pair) -> [Cell] {
    [
      .text(name), time(pair.measured), time(pair.model),
      pair.errorPercent.map { .change($0) } ?? .missing,
    ]
  }

  private func time(_ picoseconds: Int64) -> Cell { .microseconds(Double(picoseconds) / 1e6) }

  /// Each opcode of each engine, and below those of the array the rows of each limiter rate.
  func opcodes() -> Table {
    var table = Table(columns: [
      .text("engine", minimumWidth: nil), .text("opcode", minimumWidth: nil),
      .text("rate", minimumWidth: nil), Column("rows"),
      Column("measured_us", title: "median"), Column("model_us", title: "model"),
      Column("error_percent", title: "error"),
      Column("worst_start_us", title: "worst start"),
    ])
    let rates = replay.opcodesByRate()
    let rows = replay.opcodes().flatMap { row in
      [row] + rates.filter { $0.engine == row.engine && $0.opcode == row.opcode }
    }
    for row in rows {
      table.append([
        .text(row.engine.name), .text(row.opcode), .text(row.rate?.rawValue ?? "any"),
        .integer(Int64(row.count)),
        time(row.median.measured), time(row.median.model),
        row.median.errorPercent.map { .change($0) } ?? .missing, time(row.worstStart),
      ])
    }
    return table
  }

  /// Each instruction, in order of its measured start.
  func instructions() -> Table {
    var table = Table(columns: [
      .text("engine", minimumWidth: nil), Column("pc"), .text("opcode", minimumWidth: nil),
      Column("start_us", title: "start"), Column("model_start_us", title: "model"),
      Column("start_error_us", title: "later by"), Column("duration_us", title: "duration"),
      Column("model_duration_us", title: "model"),
    ])
    let kernel = replay.rows.filter(\.isKernel)
    let ordered = kernel.enumerated().sorted {
      ($0.element.measuredStart, $0.offset) < ($1.element.measuredStart, $1.offset)
    }.map(\.element)
    for row in ordered {
      table.append([
        .text(row.engine.name), .integer(row.measured.programCounter),
        .text(row.measured.opcode), time(row.measuredStart), time(row.modelStart),
        time(row.modelStart - row.measuredStart), time(row.measured.duration),
        time(row.modelDuration),
      ])
    }
    return table
  }

  /// What the replay rests on, and what it could not rebuild.
  func notes() -> [String] {
    let kernel = replay.rows.count(where: \.isKernel)
    var notes = [
      "\(kernel) instructions of core '\(replay.core)' on \(replay.device.name); "
        + "\(replay.rebuilt.outsideCount) rows of the runtime before and after are not replayed",
      replay.hasMeasuredPhase
        ? "the activity limiter's phase is the capture's"
        : "the capture shows no phase of the activity limiter: it is assumed",
    ]
    if !replay.hasBarrier {
      notes.append("the barrier before the kernel is not whole: all engines start at once")
    }
    if replay.usesMeasuredTransfers {
      notes.append("transfers arrive when the capture saw them")
    }
    if missingTransfers > 0 {
      notes.append(
        "\(missingTransfers) transfers have no records in the measured trace: the capture's "
          + "descriptors do not show them")
    }
    if replay.incompleteTransfers > 0 {
      notes.append("\(replay.incompleteTransfers) transfers of which the capture lost increments")
    }
    if replay.givenUpdates > 0 {
      notes.append(
        "\(replay.givenUpdates) updates of semaphores are the capture's: nothing rebuilt makes them"
      )
    }
    if replay.rebuilt.sbufShift > 0 {
      notes.append(
        "operands lie up to \(replay.rebuilt.sbufShift) B beyond the device's partitions and were "
          + "moved down, which changes no time")
    }
    for item in replay.rebuilt.leftOut {
      notes.append(
        "not rebuilt: \(item.count) × \(item.opcode) on \(item.engine.name): \(item.reason)")
    }
    return notes
  }
}
