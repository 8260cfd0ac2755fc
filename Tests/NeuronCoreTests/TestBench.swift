import CoreState
import Hardware
import InstructionSet
import NeuronCore
import NumericFormats

/// A small program under construction, and what its run showed: the tool of the timing tests.
struct TestBench {
  /// What an instruction of an engine, or a transfer, took. Nanoseconds.
  struct Row {
    var start: Double
    var end: Double
    var opcode: Opcode
    var duration: Double { end - start }
  }

  /// What a run showed.
  struct Timeline {
    var rows: [Engine: [Row]] = [:]
    var transfers: [Row] = []
    var totals: RunTotals

    /// Rows of an engine with one opcode.
    func rows(_ engine: Engine, _ opcode: Opcode) -> [Row] {
      (rows[engine] ?? []).filter { $0.opcode == opcode }
    }
  }

  var device = Device.trainium2
  var streams: [[Instruction]] = Array(repeating: [], count: 5)
  var tensors: [TensorParameter] = []
  /// What lies on chip at the beginning: everything, unless a test is about just that.
  var presets = [sbuf(57_344), psum(4_096)]
  var contents = TensorAllocation.Contents.given

  /// Appends an instruction to an engine's queue.
  mutating func add(
    _ engine: Engine, _ operation: Operation, wait: SemaphoreWait = .none,
    update: SemaphoreUpdate = .none
  ) {
    streams[Int(engine.rawValue)].append(Instruction(operation, wait: wait, update: update))
  }

  /// The program of what was added.
  var program: Program {
    let segment = Segment(name: "test", streams: streams, tensors: tensors)
    var address = 0
    let allocations = tensors.map { tensor in
      defer { address += (tensor.sizeBytes + 63) & ~63 }
      return TensorAllocation(
        name: tensor.name, address: address, sizeBytes: tensor.sizeBytes, format: .float32,
        contents: contents)
    }
    var program = Program(
      segments: [segment],
      invocations: [Invocation(segment: 0, tensors: Array(tensors.indices))], tensors: allocations)
    program.presets = presets
    return program
  }

  /// Runs the program and keeps every event.
  func run(computes: Bool = false, checksHazards: Bool = false) throws -> Timeline {
    let loaded = try LoadedProgram(program, device: device)
    var model = try CoreModel(loaded, computes: computes, checksHazards: checksHazards)
    var collected: [(Int, [Event])] = []
    var totals: RunTotals?
    try withoutActuallyEscaping({ (track: Int, block: RecordBlock<EventRecord>) in
      collected.append((track, Array(block.events)))
    }) { sink in
      var recorder = EventRecorder(sink: sink)
      totals = try model.run(recording: &recorder, isCancelled: { false })
      recorder.finish()
    }
    var timeline = Timeline(totals: totals!)
    let instructions = program.segments[0].instructions
    for (track, events) in collected {
      let rows = events.map { event in
        Row(
          start: Double(event.start) / 1e3, end: Double(event.start + event.duration) / 1e3,
          opcode: instructions[Int(event.programCounter)].operation.opcode)
      }
      if track == EventRecorder.dmaTrack {
        timeline.transfers += rows
      } else {
        timeline.rows[Engine(rawValue: UInt8(track))!, default: []] += rows
      }
    }
    return timeline
  }
}

/// Shorthand for operands: columns of SBUF or PSUM at an offset.
func sbuf(
  _ columns: Int, _ format: NumberFormat = .float32, at byte: Int = 0, partitions: Int = 128
) -> AccessPattern {
  AccessPattern(.sbuf, format, partitions: 0..<partitions, byteOffset: byte, columns: columns)
}

/// See `sbuf`; `bank` counts 2 KiB banks.
func psum(_ columns: Int, _ format: NumberFormat = .float32, bank: Int = 0) -> AccessPattern {
  AccessPattern(.psum, format, byteOffset: bank * 2_048, columns: columns)
}

extension AccessPattern {
  /// One value per partition.
  static func column(at byte: Int) -> AccessPattern { sbuf(1, at: byte) }
}
