import TraceFile
import Units

extension TraceExport {
  // MARK: Chrome

  /// Chrome's trace events: complete slices in microseconds, to the picosecond.
  func writeChrome(to sink: Sink) throws {
    var text = "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"title\":\(ExportText.quoted(title))},"
    text += "\"traceEvents\":[\n"
    text += "{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":"
    text += ExportText.quoted(title) + "}}"
    for track in TrackID.all where !window.events[Int(track.rawValue)].isEmpty {
      text += ",\n{\"ph\":\"M\",\"pid\":1,\"tid\":\(track.rawValue),\"name\":\"thread_name\","
      text += "\"args\":{\"name\":\(ExportText.quoted(track.name))}}"
      for event in window.events[Int(track.rawValue)] {
        text += ",\n" + chromeSlice(event, track)
        try flush(&text, to: sink)
      }
    }
    try sink(Array((text + "\n]}\n").utf8))
  }

  private func chromeSlice(_ event: TraceEvent, _ track: TrackID) -> String {
    let row = window.program[event.programCounter]
    var text = "{\"ph\":\"X\",\"pid\":1,\"tid\":\(track.rawValue),\"name\":"
    text += ExportText.quoted(row?.opcode ?? "unknown")
    text += ",\"cat\":" + ExportText.quoted(row?.kernel ?? "")
    text += ",\"ts\":" + ExportText.microseconds(event.start.value)
    text += ",\"dur\":" + ExportText.microseconds(event.duration.value)
    text += ",\"args\":{\"pc\":\(event.programCounter)"
    if let source = row?.source, !source.isEmpty {
      text += ",\"source\":" + ExportText.quoted(source)
    }
    if event.wait.value > 0 {
      text += ",\"wait_ns\":" + ExportText.nanoseconds(event.wait.value)
      text += ",\"wait_cause\":" + ExportText.quoted(event.stallCause.key)
    }
    return text + "}}"
  }

  private func flush(_ text: inout String, to sink: Sink) throws {
    guard text.utf8.count > 1 << 16 else { return }
    try sink(Array(text.utf8))
    text = ""
  }

  // MARK: Speedscope

  /// Speedscope's file: one profile per engine, in order of time, stacks of kernel and instruction.
  func writeSpeedscope(to sink: Sink) throws {
    var frames = SpeedscopeFrames()
    var profiles: [String] = []
    for track in TrackID.all where !window.events[Int(track.rawValue)].isEmpty {
      profiles.append(speedscopeProfile(track, &frames))
    }
    var text = "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\"name\":"
    text += ExportText.quoted(title) + ",\"exporter\":\"trnbench\",\"shared\":{\"frames\":["
    text += frames.texts.joined(separator: ",") + "]},\n\"profiles\":["
    try sink(Array(text.utf8))
    for (index, profile) in profiles.enumerated() {
      try sink(Array(((index == 0 ? "\n" : ",\n") + profile).utf8))
    }
    try sink(Array("\n]}\n".utf8))
  }

  private func speedscopeProfile(_ track: TrackID, _ frames: inout SpeedscopeFrames) -> String {
    var samples: [String] = []
    var weights: [String] = []
    var cursor = TimelineCursor(coveredUntil: window.from)
    var last = window.from
    func add(_ stack: [Int], _ from: Int64, _ to: Int64) {
      let (start, end) = (max(from, window.from), min(to, window.to))
      guard start < end else { return }
      samples.append("[" + stack.map(String.init).joined(separator: ",") + "]")
      weights.append(ExportText.nanoseconds(end - start))
    }
    for event in window.events[Int(track.rawValue)] {
      let place = cursor.place(event)
      let row = window.program[event.programCounter]
      let kernel = frames.number(row?.kernel ?? "(unknown)", nil)
      let name = frames.number(row?.opcode ?? "unknown", row)
      let hasWait = event.wait.value > 0
      let stallStart = hasWait ? place.stallStart : place.busyStart
      add([frames.number("idle", nil)], last, stallStart)
      if hasWait {
        let wait = frames.number("waits: " + event.stallCause.key, nil)
        add([kernel, name, wait], stallStart, place.busyStart)
      }
      add([kernel, name], place.busyStart, place.busyEnd)
      last = max(last, place.busyEnd)
    }
    add([frames.number("idle", nil)], last, window.to)
    var text = "{\"type\":\"sampled\",\"name\":" + ExportText.quoted(track.name)
    text += ",\"unit\":\"nanoseconds\",\"startValue\":" + ExportText.nanoseconds(window.from)
    text += ",\"endValue\":" + ExportText.nanoseconds(window.to)
    text += ",\"samples\":[" + samples.joined(separator: ",")
    return text + "],\"weights\":[" + weights.joined(separator: ",") + "]}"
  }

  // MARK: CSV

  /// The instruction table of the vendor's profiler, by its column names, then ours.
  package static let instructionColumns = [
    "start_ts", "end_ts", "duration_ns", "engine", "opcode", "operands", "pc",
    "evt_wait_time_ns", "dma_wait_time_ns", "nki_source_location", "layer", "kernel",
    "wait_cause", "operator", "node",
  ]

  /// One line per instruction in order of engine and start; times in nanoseconds, exact.
  func writeInstructions(to sink: Sink) throws {
    try sink(Array((Self.instructionColumns.joined(separator: ",") + "\n").utf8))
    try writeLines(to: sink)
  }

  /// The table of one of several cores that share a file, with the core's name in a column before
  /// the others; the first of them has the names of the columns.
  package func writeInstructions(core: String, isFirst: Bool, to sink: Sink) throws {
    if isFirst {
      try sink(Array((["core"] + Self.instructionColumns).joined(separator: ",").utf8) + [0x0A])
    }
    try writeLines(beginningWith: ExportText.field(core) + ",", to: sink)
  }

  private func writeLines(beginningWith start: String = "", to sink: Sink) throws {
    var text = ""
    for track in TrackID.all where !track.isDMA {
      for event in window.events[Int(track.rawValue)] {
        text += start + instruction(event, track) + "\n"
        try flush(&text, to: sink)
      }
    }
    try sink(Array(text.utf8))
  }

  private func instruction(_ event: TraceEvent, _ track: TrackID) -> String {
    let row = window.program[event.programCounter]
    let wait = ExportText.nanoseconds(event.wait.value)
    let isDMA = event.stallCause == .dma
    let invocation = window.invocation(event, on: track)
    let fields = [
      ExportText.nanoseconds(event.start.value), ExportText.nanoseconds(event.end.value),
      ExportText.nanoseconds(event.duration.value), track.name, row?.opcode ?? "",
      operands(event.programCounter), "\(event.programCounter)", wait, isDMA ? wait : "0",
      row?.source ?? "", window.layer(event, on: track), row?.kernel ?? "",
      event.wait.value > 0 ? event.stallCause.key : "", invocation?.operators ?? "",
      invocation?.node ?? "",
    ]
    return fields.map(ExportText.field).joined(separator: ",")
  }
}

/// The frames of a speedscope file by name and place.
private struct SpeedscopeFrames {
  private struct Key: Hashable {
    var name, file: String
    var line: UInt32
  }

  private(set) var texts: [String] = []
  private var numbers: [Key: Int] = [:]

  mutating func number(_ name: String, _ row: ProgramRow?) -> Int {
    let key = Key(name: name, file: row?.sourceFile ?? "", line: row?.sourceLine ?? 0)
    if let known = numbers[key] { return known }
    var text = "{\"name\":" + ExportText.quoted(name.isEmpty ? "(none)" : name)
    if !key.file.isEmpty { text += ",\"file\":" + ExportText.quoted(key.file) }
    if key.line > 0 { text += ",\"line\":\(key.line)" }
    numbers[key] = texts.count
    texts.append(text + "}")
    return texts.count - 1
  }
}
