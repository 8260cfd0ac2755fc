import ArgumentParser
import Foundation
import Hardware
import Results
import TerminalUI
import TraceAnalysis
import TraceFile
import Units

/// `trnbench trace counters`
struct TraceCountersCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "counters",
    abstract: "Count what memories, rings and semaphores were used for.",
    usage: "trnbench trace counters <file> [<options>]",
    discussion: """
      Bytes read from and written to SBUF, PSUM and HBM with their rates, and how much of a \
      partition the program occupies at most; transfers, bytes and bandwidth of each ring of the \
      DMA engines; changes of and waits for each semaphore; time that the tensor engine's activity \
      limiter cost. SBUF and PSUM are counted by the operands of the program in the trace. Needs a \
      trace of events.

      EXAMPLES
        trnbench trace counters x.trntrace
        trnbench trace counters x.trntrace --of rings --from 10us --to 25us

      EXIT CODES
        0  done    65  the file is damaged, also when a partial answer was printed
       64  a wrong option, or a trace without events    74  it cannot be read
      """)

  /// What can be counted.
  enum Kind: String, CaseIterable, Encodable { case memories, rings, semaphores }

  @OptionGroup var output: OutputOptions

  @Argument(
    help: ArgumentHelp("The trace.", valueName: "file"),
    completion: .file(extensions: ["trntrace"]))
  var file: String

  @Option(
    help: ArgumentHelp("memories, rings or semaphores. (default: all)", valueName: "what"),
    completion: .list(Kind.allCases.map(\.rawValue)), transform: { try Choice.of($0) })
  var of: Kind?

  @Option(
    help: ArgumentHelp("Begin here, such as 1.5us.", valueName: "time"),
    transform: { try TimeText.parse($0) })
  var from: Picoseconds?

  @Option(help: ArgumentHelp("End here.", valueName: "time"), transform: { try TimeText.parse($0) })
  var to: Picoseconds?

  /// Prints the tables, or one document; damage is named on standard error too.
  func execute(_ context: CommandContext) throws -> Outcome {
    try TraceWindow.checkOrder(from, to)
    let path = context.environment.url(file).path
    let reader = try TraceReader(path: path)
    let summary = try TraceSummary(reader, from: from, to: to)
    guard summary.basis == .events else {
      throw CommandFailure.unsupported(
        what: "\(file) holds samples, which count nothing",
        advice: "record it with --trace events")
    }
    let document = try CountersDocument(reader, summary, of: of)
    if context.format == .json {
      try context.write(document.json() + "\n")
    } else {
      for kind in Kind.allCases where of == nil || of == kind {
        try context.show(document.table(kind))
      }
      try context.note(document.remark)
    }
    for damage in summary.damage { try context.complain("\(path): \(damage)") }
    return summary.damage.isEmpty ? .done : .damagedFile
  }
}

/// The JSON of `trace counters`; keys are the property names in snake case.
struct CountersDocument: Encodable {
  let schema = 1
  let durationUs: Double
  /// Empty where the trace carries no program or its device is not known. What was not asked for is
  /// absent.
  let memories: [MemoryTraffic]?
  let rings: [RunCounters.Ring]?
  let semaphores: [RunCounters.Semaphore]?
  /// Microseconds of full-rate work that the tensor engine streamed at half rate, in the whole run:
  /// what its activity limiter cost. Absent where the recorder did not say.
  let limiterUs: Double?

  /// Counts one kind of things, or all.
  init(
    _ reader: borrowing TraceReader, _ summary: TraceSummary, of kind: TraceCountersCommand.Kind?
  ) throws(TraceError) {
    let counters = RunCounters(summary)
    durationUs = summary.duration.microseconds
    rings = kind == nil || kind == .rings ? counters.rings : nil
    semaphores = kind == nil || kind == .semaphores ? counters.semaphores : nil
    limiterUs = reader.summary.throttled.map { Double($0) / 1e6 }
    let device = summary.metadata.entries[TraceMetadata.Key.device].flatMap {
      try? Device.named($0)
    }
    guard kind == nil || kind == .memories else {
      memories = nil
      return
    }
    let embedded = try EmbeddedProgram(reader)
    memories =
      device.flatMap { device in
        embedded.map { MemoryTraffic.memories($0, summary, on: device) }
      } ?? []
  }

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  func table(_ kind: TraceCountersCommand.Kind) -> Table {
    switch kind {
    case .memories: memoryTable
    case .rings: ringTable
    case .semaphores: semaphoreTable
    }
  }

  /// What no table holds.
  var remark: String {
    limiterUs.map { "activity limiter: \(ReaderNumber.time(seconds: $0 * 1e-6)) lost" } ?? ""
  }

  private var memoryTable: Table {
    var table = Table(columns: [
      .text("memory", minimumWidth: nil), Column("read"), Column("read_rate", title: "rate"),
      Column("written"), Column("write_rate", title: "rate"),
      Column("high_water", title: "high water"), Column("partition"),
    ])
    for memory in memories ?? [] {
      table.append([
        .text(memory.memory), .bytes(Double(memory.readBytes)), rate(memory.readBytes),
        .bytes(Double(memory.writtenBytes)), rate(memory.writtenBytes),
        memory.highWaterBytes.map { .bytes(Double($0)) } ?? .missing,
        memory.partitionBytes.map { .bytes(Double($0)) } ?? .missing,
      ])
    }
    return table
  }

  private var ringTable: Table {
    var table = Table(columns: [
      Column("ring"), Column("triggers"), Column("transfers"), Column("bytes"),
      Column("bandwidth"), Column("busy_us", title: "busy"),
    ])
    for ring in rings ?? [] {
      table.append([
        .integer(Int64(ring.ring)), .integer(ring.triggers), .integer(ring.transfers),
        .bytes(Double(ring.bytes)), rate(ring.bytes), .microseconds(Double(ring.busyPs) / 1e6),
      ])
    }
    return table
  }

  private var semaphoreTable: Table {
    var table = Table(columns: [Column("semaphore"), Column("updates"), Column("waits")])
    for semaphore in semaphores ?? [] {
      table.append([
        .integer(Int64(semaphore.semaphore)), .integer(semaphore.updates),
        .integer(semaphore.waits),
      ])
    }
    return table
  }

  private func rate(_ bytes: Int64) -> Cell {
    durationUs > 0 ? .count(Double(bytes) / (durationUs * 1e-6), unit: "B/s") : .missing
  }
}
