import TerminalUI
import TraceAnalysis

/// Counters for people and for spreadsheets: of one core, or of several with their sums.
struct CountersTable {
  /// With the name of the core, empty where there is one.
  private let parts: [(core: String, counters: CountersDocument)]

  /// One core.
  init(_ counters: CountersDocument) { parts = [("", counters)] }

  /// Several cores, and all together.
  init(_ cores: CoreCounters) {
    parts = cores.cores.map { ($0.core, $0.counters) } + [("all", cores.total)]
  }

  /// The table of one kind of things.
  func table(_ kind: TraceCountersCommand.Kind) -> Table {
    switch kind {
    case .memories: memories
    case .rings: rings
    case .semaphores: semaphores
    }
  }

  /// A table with a row for each item of each core.
  private func table<Item>(
    _ columns: [Column], _ items: (CountersDocument) -> [Item]?,
    _ cells: (Item, CountersDocument) -> [Cell]
  ) -> Table {
    let isNamed = parts.count > 1
    var table = Table(columns: (isNamed ? [.text("core", minimumWidth: nil)] : []) + columns)
    for (core, counters) in parts {
      for item in items(counters) ?? [] {
        table.append((isNamed ? [.text(core)] : []) + cells(item, counters))
      }
    }
    return table
  }

  private var memories: Table {
    table(
      [
        .text("memory", minimumWidth: nil), Column("read"), Column("read_rate", title: "rate"),
        Column("written"), Column("write_rate", title: "rate"),
        Column("high_water", title: "high water"), Column("partition"),
      ], \.memories
    ) { memory, counters in
      [
        .text(memory.memory), .bytes(Double(memory.readBytes)), counters.rate(memory.readBytes),
        .bytes(Double(memory.writtenBytes)), counters.rate(memory.writtenBytes),
        memory.highWaterBytes.map { .bytes(Double($0)) } ?? .missing,
        memory.partitionBytes.map { .bytes(Double($0)) } ?? .missing,
      ]
    }
  }

  private var rings: Table {
    table(
      [
        Column("ring"), Column("triggers"), Column("transfers"), Column("bytes"),
        Column("bandwidth"), Column("busy_us", title: "busy"),
      ], \.rings
    ) { ring, counters in
      [
        .integer(Int64(ring.ring)), .integer(ring.triggers), .integer(ring.transfers),
        .bytes(Double(ring.bytes)), counters.rate(ring.bytes),
        .microseconds(Double(ring.busyPs) / 1e6),
      ]
    }
  }

  private var semaphores: Table {
    table([Column("semaphore"), Column("updates"), Column("waits")], \.semaphores) { semaphore, _ in
      [
        .integer(Int64(semaphore.semaphore)), .integer(semaphore.updates),
        .integer(semaphore.waits),
      ]
    }
  }
}

extension CountersDocument {
  /// So many bytes over the time that was counted.
  fileprivate func rate(_ bytes: Int64) -> Cell {
    durationUs > 0 ? .count(Double(bytes) / (durationUs * 1e-6), unit: "B/s") : .missing
  }
}
