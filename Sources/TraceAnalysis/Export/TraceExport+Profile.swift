import TraceFile
import Units

extension TraceExport {
  /// pprof's profile: busy time, waiting time and executions by engine, kernel and instruction.
  ///
  /// Written as plain protobuf, which pprof reads like the compressed form. Field numbers are those
  /// of pprof's `profile.proto`.
  func writeProfile(to sink: Sink) throws {
    var profile = ProfileWriter()
    for track in TrackID.all {
      var cursor = TimelineCursor(coveredUntil: window.from)
      for event in window.events[Int(track.rawValue)] {
        let place = cursor.place(event)
        let busy = min(place.busyEnd, window.to) - min(place.busyStart, window.to)
        let hasWait = event.wait.value > 0
        let stalled = min(place.busyStart, window.to) - min(place.stallStart, window.to)
        profile.add(
          track, event.programCounter, busy: busy, stalled: hasWait ? max(0, stalled) : 0)
      }
    }
    try sink(profile.bytes(window.program, durationNanoseconds: (window.to - window.from) / 1_000))
  }
}

/// Gathers a profile by engine and program row.
private struct ProfileWriter {
  private struct Key: Hashable {
    var track: TrackID
    var row: UInt32
  }

  private var values: [Key: SIMD4<Int64>] = [:]
  private var strings = [""]
  private var numbers = ["": 0]
  private var out = ProtobufWriter()

  private struct Function: Hashable {
    var name: Int64
    var file: Int64
    var line: Int64
  }

  private var functions: [Function: Int64] = [:]
  private var order: [Function] = []

  mutating func add(_ track: TrackID, _ row: UInt32, busy: Int64, stalled: Int64) {
    values[Key(track: track, row: row), default: SIMD4()] &+= SIMD4(busy, stalled, 1, 0)
  }

  private mutating func string(_ text: String) -> Int64 {
    if let known = numbers[text] { return Int64(known) }
    numbers[text] = strings.count
    strings.append(text)
    return Int64(strings.count - 1)
  }

  /// A location is a function at a line; both have the same number here.
  private mutating func location(_ name: String, _ row: ProgramRow? = nil) -> Int64 {
    let function = Function(
      name: string(name.isEmpty ? "(none)" : name), file: string(row?.sourceFile ?? ""),
      line: Int64(row?.sourceLine ?? 0))
    if let known = functions[function] { return known }
    order.append(function)
    functions[function] = Int64(order.count)
    return Int64(order.count)
  }

  mutating func bytes(_ program: ProgramTable, durationNanoseconds: Int64) -> [UInt8] {
    for (type, unit) in [("busy", "nanoseconds"), ("stalled", "nanoseconds"), ("runs", "count")] {
      let (name, scale) = (string(type), string(unit))
      out.put(1) {
        $0.put(1, name)
        $0.put(2, scale)
      }
    }
    let keys = values.keys.sorted { ($0.track, $0.row) < ($1.track, $1.row) }
    for key in keys {
      let row = program[key.row]
      let stack = [
        location(row?.opcode ?? "unknown", row), location(row?.kernel ?? "(unknown)"),
        location(key.track.name),
      ]
      let value = values[key] ?? SIMD4()
      out.put(2) {
        $0.put(1, packed: stack)
        $0.put(2, packed: [value[0] / 1_000, value[1] / 1_000, value[2]])
      }
    }
    for (index, function) in order.enumerated() {
      out.put(4) {
        $0.put(1, Int64(index + 1))
        $0.put(4) {
          $0.put(1, Int64(index + 1))
          $0.put(2, function.line)
        }
      }
      out.put(5) {
        $0.put(1, Int64(index + 1))
        $0.put(2, function.name)
        $0.put(4, function.file)
      }
    }
    for text in strings { out.put(6, text) }
    out.put(10, durationNanoseconds)
    return out.takeBytes()
  }
}
