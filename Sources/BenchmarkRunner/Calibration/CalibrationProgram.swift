import CoreState
import Hardware
import InstructionSet
import NumericFormats
import WorkloadCatalog

/// The instruction streams that stand for one row of the calibration files.
struct CalibrationProgram {
  /// One stream per engine.
  var streams: [[Instruction]] = Array(repeating: [], count: Engine.allCases.count)
  /// HBM that the program uses.
  var tensorBytes = 0
  /// The engine whose rows are measured; nil for transfers.
  var engine: Engine?
  /// Which of its rows are measured; nil: all.
  var opcode: Opcode?
  /// Bytes of one transfer, where rates are measured.
  var transferBytes = 0

  /// Places of operands in SBUF.
  enum Place {
    static let source = 0
    static let second = 64 * 1_024
    static let destination = 128 * 1_024
    static let column = 160 * 1_024
  }

  /// Reads the program's words. Throws `badInput` for words that mean nothing.
  init(_ row: CalibrationRow) throws(RunnerError) {
    let words = row.program.split(separator: " ").map(String.init)
    guard words.count >= 2, let quantity = row.quantity else { throw Self.unknown(row) }
    switch words[0] {
    case "dma":
      guard try transfers(words, row.size, quantity) else { throw Self.unknown(row) }
    case "add":
      guard words.count == 3, let partitions = Int(words[1]), let count = Int(words[2]) else {
        throw Self.unknown(row)
      }
      additions(partitions: partitions, columns: row.size, count: count)
    case "tensor" where tensorWords.contains(words[1]):
      guard products(words, row.size, quantity) else { throw Self.unknown(row) }
    default:
      guard let engine = Engine(name: words[0]) else { throw Self.unknown(row) }
      self.engine = engine
      guard try rows(engine, words, row.size, quantity) else { throw Self.unknown(row) }
    }
  }

  private var tensorWords: [String] { ["matmul", "weights", "transpose", "stream"] }

  private static func unknown(_ row: CalibrationRow) -> RunnerError {
    .badInput("\(row.location): program: '\(row.program)' means nothing")
  }

  /// The program as one invocation of one segment.
  var program: Program {
    let tensors =
      tensorBytes > 0 ? [TensorParameter(name: "memory", sizeBytes: tensorBytes)] : []
    let segment = Segment(name: "calibration", streams: streams, tensors: tensors)
    return Program(
      segments: [segment],
      invocations: [Invocation(segment: 0, tensors: Array(tensors.indices))],
      tensors: tensors.map {
        TensorAllocation(name: $0.name, address: 0, sizeBytes: $0.sizeBytes, format: .float32)
      })
  }

  mutating func add(
    _ engine: Engine, _ operation: Operation, wait: SemaphoreWait = .none,
    update: SemaphoreUpdate = .none
  ) {
    streams[Int(engine.rawValue)].append(Instruction(operation, wait: wait, update: update))
  }

  /// An operand that a word such as `psum:fp32` names.
  static func operand(_ word: String, _ columns: Int, at place: Int) -> AccessPattern? {
    let parts = word.split(separator: ":").map(String.init)
    guard parts.count == 2, let format = NumberFormat.allCases.first(where: { $0.name == parts[1] })
    else { return nil }
    switch parts[0] {
    case "sbuf": return AccessPattern(.sbuf, format, byteOffset: place, columns: columns)
    case "psum": return AccessPattern(.psum, format, byteOffset: 0, columns: columns)
    default: return nil
    }
  }
}
