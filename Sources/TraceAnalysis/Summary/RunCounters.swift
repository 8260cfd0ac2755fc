import TraceFile

/// How much rings and semaphores were used in a summary's range. Needs a trace of events.
package struct RunCounters: Equatable, Sendable {
  /// A ring of descriptors that the DMA engines work off.
  package struct Ring: Codable, Equatable, Sendable {
    /// The ring's number.
    package var ring: Int
    /// Instructions that put descriptors on it.
    package var triggers: Int64 = 0
    /// Records on DMA engines: a trigger that all sixteen share is sixteen.
    package var transfers: Int64 = 0
    /// Bytes that those moved.
    package var bytes: Int64 = 0
    /// Busy picoseconds of the DMA engines, added up over them.
    package var busyPs: Int64 = 0
  }

  /// A semaphore.
  package struct Semaphore: Codable, Equatable, Sendable {
    /// The semaphore's number.
    package var semaphore: Int
    /// Changes by instructions and by transfers that completed.
    package var updates: Int64 = 0
    /// Instructions that waited for a value of it, however long.
    package var waits: Int64 = 0
  }

  /// Those that were used, by number.
  package private(set) var rings: [Ring]
  /// Those that were used, by number.
  package private(set) var semaphores: [Semaphore]

  /// What was counted already.
  package init(rings: [Ring], semaphores: [Semaphore]) {
    self.rings = rings
    self.semaphores = semaphores
  }

  /// What several cores used, each ring and each semaphore added up over them.
  package init(sumOf cores: [RunCounters]) {
    var rings: [Int: Ring] = [:]
    for ring in cores.flatMap(\.rings) {
      var sum = rings[ring.ring] ?? Ring(ring: ring.ring)
      sum.triggers += ring.triggers
      sum.transfers += ring.transfers
      sum.bytes += ring.bytes
      sum.busyPs += ring.busyPs
      rings[ring.ring] = sum
    }
    var semaphores: [Int: Semaphore] = [:]
    for semaphore in cores.flatMap(\.semaphores) {
      var sum = semaphores[semaphore.semaphore] ?? Semaphore(semaphore: semaphore.semaphore)
      sum.updates += semaphore.updates
      sum.waits += semaphore.waits
      semaphores[semaphore.semaphore] = sum
    }
    self.init(
      rings: rings.values.sorted { $0.ring < $1.ring },
      semaphores: semaphores.values.sorted { $0.semaphore < $1.semaphore })
  }

  /// Counts what the executions of every row did.
  package init(_ summary: TraceSummary) {
    var rings: [Int: Ring] = [:]
    var semaphores: [Int: Semaphore] = [:]
    for (index, total) in summary.rows.totals.enumerated() where total != RowTotal() {
      guard let row = summary.program[UInt32(index)] else { continue }
      if let number = row.ring.map(Int.init) {
        var ring = rings[number] ?? Ring(ring: number)
        ring.triggers += total.instructions
        ring.transfers += total.transfers
        ring.bytes += row.bytes * total.transfers
        ring.busyPs += total.dmaBusy
        rings[number] = ring
      }
      if row.wait.condition != .none {
        semaphores[Int(row.wait.semaphore), default: Semaphore(row.wait.semaphore)].waits +=
          total.instructions
      }
      let updates = row.ring == nil ? total.instructions : total.transfers
      for number in row.update.semaphores {
        semaphores[number, default: Semaphore(UInt16(number))].updates += updates
      }
    }
    self.rings = rings.values.sorted { $0.ring < $1.ring }
    self.semaphores = semaphores.values.sorted { $0.semaphore < $1.semaphore }
  }
}

extension RunCounters.Semaphore {
  init(_ number: UInt16) { self.init(semaphore: Int(number)) }
}

extension ProgramUpdate {
  /// The semaphores that it changes.
  fileprivate var semaphores: Range<Int> {
    switch operation {
    case .none: 0..<0
    case .add, .subtract, .write: Int(semaphore)..<Int(semaphore) + 1
    case .clear: Int(semaphore)..<Int(semaphore) + Int(value)
    }
  }
}

extension TraceSummary {
  /// How often the instruction of a program counter was executed on its engine in the range, and
  /// how many records it left on DMA engines.
  package func executions(_ programCounter: UInt32) -> (instructions: Int64, transfers: Int64) {
    let total = total(programCounter)
    return (total.instructions, total.transfers)
  }

  /// The records' bytes from and to HBM.
  package var hbmBytes: (read: Int64, written: Int64) {
    var bytes: (read: Int64, written: Int64) = (0, 0)
    for (index, total) in rows.totals.enumerated() where total.transfers > 0 {
      guard let row = program[UInt32(index)] else { continue }
      bytes.read += row.hbmReadBytes * total.transfers
      bytes.written += row.hbmWriteBytes * total.transfers
    }
    return bytes
  }
}
