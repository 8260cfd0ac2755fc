import TraceFile
import Units

/// Perfetto's protobuf: one track per engine and DMA engine, its waits below it, flows from who
/// updated a semaphore to who waited for it, and counters.
///
/// Perfetto counts nanoseconds, so that times are rounded down to them; starts and ends alike, so
/// that what follows one another still does. Field numbers are those of Perfetto's
/// `trace_packet.proto`, `track_event.proto`, `track_descriptor.proto` and `interned_data.proto`.
struct PerfettoWriter {
  /// Numbers of texts that packets name instead of spelling them.
  struct Interned {
    var names: [String: Int64] = [:]
    var texts: [String] = []

    mutating func number(_ text: String) -> Int64 {
      if let known = names[text] { return known }
      texts.append(text)
      names[text] = Int64(texts.count)
      return Int64(texts.count)
    }
  }

  private enum Packet {
    static let packet = 1
    static let timestamp = 8
    static let sequence = 10
    static let trackEvent = 11
    static let interned = 12
    static let flags = 13
    static let descriptor = 60
  }

  private enum Annotation: Int64, CaseIterable {
    case counter = 1, source, layer, wait, cause

    var name: String {
      switch self {
      case .counter: "pc"
      case .source: "source"
      case .layer: "layer"
      case .wait: "wait_ps"
      case .cause: "wait_cause"
      }
    }
  }

  private var writer = ProtobufWriter()
  private var names = Interned()
  private var categories = Interned()
  private var texts = Interned()
  /// Which of several processes in one file it writes, from 0: each has a sequence of packets, and
  /// tracks and flows with numbers of their own.
  private let process: Int64
  private static let processTrack: Int64 = 1
  private static let bufferSize = 1 << 20

  init(process: Int) { self.process = Int64(process) }

  /// A track's number in the file.
  private func place(_ track: Int64) -> Int64 { track + process << 32 }

  /// A flow's number in the file.
  private func place(_ flow: UInt64) -> UInt64 { flow + UInt64(process) << 40 }

  // MARK: Descriptors

  /// The process, and every text that later packets name.
  mutating func begin(_ export: TraceExport) {
    for counter in 0..<UInt32(export.window.program.count) {
      guard let row = export.window.program[counter] else { continue }
      _ = (names.number(row.opcode), categories.number(row.kernel))
      _ = (texts.number(row.source), texts.number(row.layer))
    }
    for invocation in export.window.invocations.all { _ = texts.number(invocation.layer) }
    _ = (names.number("unknown"), categories.number(""), categories.number("wait"))
    for cause in StallCause.allCases { _ = (names.number(cause.key), texts.number(cause.key)) }
    let (names, categories, texts) = (names.texts, categories.texts, texts.texts)
    packet { packet in
      packet.put(Packet.flags, 1)
      packet.put(Packet.interned) { data in
        Self.intern(categories, 1, &data)
        Self.intern(names, 2, &data)
        for annotation in Annotation.allCases {
          data.put(3) {
            $0.put(1, annotation.rawValue)
            $0.put(2, annotation.name)
          }
        }
        Self.intern(texts, 29, &data)
      }
    }
    let (own, number) = (place(Self.processTrack), process + 1)
    packet { packet in
      packet.put(Packet.descriptor) { track in
        track.put(1, own)
        track.put(3) {
          $0.put(1, number)
          $0.put(6, export.title)
        }
        track.put(11, 3)
      }
    }
  }

  private static func intern(_ texts: [String], _ field: Int, _ data: inout ProtobufWriter) {
    for (index, text) in texts.enumerated() {
      data.put(field) {
        $0.put(1, Int64(index + 1))
        $0.put(2, text)
      }
    }
  }

  /// A track below the process; `unit` makes it a counter.
  mutating func describe(_ track: Int64, name: String, rank: Int64, unit: String? = nil) {
    let (own, parent) = (place(track), place(Self.processTrack))
    packet { packet in
      packet.put(Packet.descriptor) { descriptor in
        descriptor.put(1, own)
        descriptor.put(2, name)
        descriptor.put(5, parent)
        if let unit { descriptor.put(8) { $0.put(6, unit) } }
        descriptor.put(12, rank)
      }
    }
  }

  // MARK: Events

  private mutating func packet(_ fill: (inout ProtobufWriter) -> Void) {
    let sequence = process + 1
    writer.put(Packet.packet) { packet in
      packet.put(Packet.sequence, sequence)
      fill(&packet)
    }
  }

  private mutating func event(
    _ type: Int64, at nanoseconds: Int64, on track: Int64,
    _ fill: (inout ProtobufWriter) -> Void = { _ in }
  ) {
    let own = place(track)
    packet { packet in
      packet.put(Packet.timestamp, nanoseconds)
      packet.put(Packet.flags, 2)
      packet.put(Packet.trackEvent) { event in
        event.put(9, type)
        event.put(11, own)
        fill(&event)
      }
    }
  }

  /// The beginning of a record's slice.
  mutating func begin(
    _ record: TraceEvent, _ row: ProgramRow?, layer: String, at nanoseconds: Int64,
    on track: Int64, starts: [UInt64], ends: UInt64?
  ) {
    let name = names.number(row?.opcode ?? "unknown")
    let category = categories.number(row?.kernel ?? "")
    let source = row.map { $0.source.isEmpty ? 0 : texts.number($0.source) } ?? 0
    let layer = layer.isEmpty ? 0 : texts.number(layer)
    let cause = record.wait.value > 0 ? texts.number(record.stallCause.key) : 0
    let (begun, ended) = (starts.map { place($0) }, ends.map { place($0) })
    event(1, at: nanoseconds, on: track) { event in
      event.put(10, name)
      event.put(3, category)
      Self.annotate(&event, .counter) { $0.put(3, Int64(record.programCounter)) }
      if source > 0 { Self.annotate(&event, .source) { $0.put(17, source) } }
      if layer > 0 { Self.annotate(&event, .layer) { $0.put(17, layer) } }
      if cause > 0 {
        Self.annotate(&event, .wait) { $0.put(3, record.wait.value) }
        Self.annotate(&event, .cause) { $0.put(17, cause) }
      }
      for flow in begun { event.put(47, fixed: flow) }
      if let ended { event.put(48, fixed: ended) }
    }
  }

  private static func annotate(
    _ event: inout ProtobufWriter, _ annotation: Annotation,
    _ fill: (inout ProtobufWriter) -> Void
  ) {
    event.put(4) {
      $0.put(1, annotation.rawValue)
      fill(&$0)
    }
  }

  /// A slice of waiting.
  mutating func wait(_ cause: StallCause, from: Int64, to: Int64, on track: Int64) {
    let (name, category) = (names.number(cause.key), categories.number("wait"))
    event(1, at: from, on: track) {
      $0.put(10, name)
      $0.put(3, category)
    }
    end(at: to, on: track)
  }

  /// The end of the track's last slice.
  mutating func end(at nanoseconds: Int64, on track: Int64) {
    event(2, at: nanoseconds, on: track)
  }

  /// A counter's value from a moment on.
  mutating func count(_ value: Double, at nanoseconds: Int64, on track: Int64) {
    event(4, at: nanoseconds, on: track) { $0.put(44, double: value) }
  }

  /// Hands over what is written once it is enough, or all of it at the end.
  mutating func flush(isLast: Bool = false, to sink: TraceExport.Sink) throws {
    guard isLast || writer.bytes.count >= Self.bufferSize else { return }
    try sink(writer.takeBytes())
  }
}

extension TraceExport {
  /// Whole nanoseconds, rounded down.
  package static func floorNanoseconds(_ picoseconds: Int64) -> Int64 {
    let (quotient, rest) = picoseconds.quotientAndRemainder(dividingBy: 1_000)
    return rest < 0 ? quotient - 1 : quotient
  }

  /// Who let whom go, as numbered flows: by the record that starts them and the one that ends each.
  package struct Flows: Sendable {
    /// Numbers of flows that begin at a record.
    package var starts: [EventReference: [UInt64]] = [:]
    /// The flow that ends at a record.
    package var ends: [EventReference: UInt64] = [:]
  }

  /// A flow for each record that waited for another or was triggered by it.
  package var flows: Flows {
    var flows = Flows()
    for track in window.events.indices {
      for index in window.events[track].indices {
        let reference = EventReference(track: track, index: index)
        let cause = graph.cause(of: reference)
        guard let source = cause.source,
          cause.kind == .semaphore || cause.kind == .dma || cause.kind == .trigger
        else { continue }
        let number = UInt64(flows.ends.count + 1)
        flows.starts[source, default: []].append(number)
        flows.ends[reference] = number
      }
    }
    return flows
  }

  /// Writes the records as one process of possibly several, which may follow one another in a file.
  package func writePerfetto(process: Int = 0, to sink: Sink) throws {
    var writer = PerfettoWriter(process: process)
    writer.begin(self)
    let flows = flows
    for track in TrackID.all where !window.events[Int(track.rawValue)].isEmpty {
      try write(track, flows, &writer, to: sink)
    }
    writeCounters(&writer)
    try writer.flush(isLast: true, to: sink)
  }

  private func write(
    _ track: TrackID, _ flows: Flows, _ writer: inout PerfettoWriter, to sink: Sink
  ) throws {
    let place = Int64(track.rawValue)
    let first = 100 * (place + 1)
    writer.describe(first, name: track.name, rank: 4 * place)
    // Records of a pipelined engine overlap; slices of one Perfetto track may not.
    var lanes: [Int64] = []
    for (index, event) in window.events[Int(track.rawValue)].enumerated() {
      let start = Self.floorNanoseconds(event.start.value)
      let end = Self.floorNanoseconds(event.end.value)
      let lane = lanes.firstIndex { $0 <= start } ?? lanes.count
      if lane == lanes.count {
        lanes.append(.min)
        if lane > 0 {
          writer.describe(
            first + Int64(lane), name: "\(track.name) lane \(lane + 1)", rank: 4 * place + 1)
        }
      }
      lanes[lane] = end
      let reference = EventReference(track: Int(track.rawValue), index: index)
      writer.begin(
        event, window.row(reference), layer: window.layer(event, on: track), at: start,
        on: first + Int64(lane),
        starts: flows.starts[reference] ?? [], ends: flows.ends[reference])
      writer.end(at: end, on: first + Int64(lane))
      try writer.flush(to: sink)
    }
    writeWaits(track, &writer)
  }

  private func writeWaits(_ track: TrackID, _ writer: inout PerfettoWriter) {
    let waits = 100_000 + Int64(track.rawValue)
    var isDescribed = false
    var cursor = TimelineCursor()
    for event in window.events[Int(track.rawValue)] {
      let place = cursor.place(event)
      guard event.wait.value > 0, place.stallStart < place.busyStart else { continue }
      if !isDescribed {
        writer.describe(
          waits, name: "\(track.name) waits", rank: 4 * Int64(track.rawValue) + 2)
      }
      isDescribed = true
      writer.wait(
        event.stallCause, from: Self.floorNanoseconds(place.stallStart),
        to: Self.floorNanoseconds(place.busyStart), on: waits)
    }
  }

  /// DMA bandwidth and busy DMA engines in a thousand equal steps.
  private func writeCounters(_ writer: inout PerfettoWriter) {
    let steps = 1_000
    let span = window.to - window.from
    guard span > 0 else { return }
    var bytes = TimeBins(from: window.from, to: window.to, count: min(steps, Int(span)))
    var busy = bytes
    for track in TrackID.dmaEngines {
      for event in window.events[Int(track.rawValue)] where event.duration.value > 0 {
        let moved = window.program[event.programCounter]?.bytes ?? 0
        busy.add(from: event.start.value, to: event.end.value)
        bytes.add(from: event.start.value, to: event.end.value, weight: moved)
      }
    }
    writer.describe(200_000, name: "DMA bandwidth", rank: 1_000, unit: "GB/s")
    writer.describe(200_001, name: "DMA engines busy", rank: 1_001, unit: "engines")
    for cell in bytes.busy.indices {
      let time = Self.floorNanoseconds(bytes.borders[cell])
      let length = Double(bytes.length(cell))
      writer.count(bytes.weight(cell) / length * 1_000, at: time, on: 200_000)
      writer.count(Double(busy.busy[cell]) / length, at: time, on: 200_001)
    }
  }
}
