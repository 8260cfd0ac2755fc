import Foundation

/// A small capture in the profiler's schema, made up for these tests.
enum Capture {
  /// One row of instructions.
  static func row(
    _ engine: String, _ opcode: String, _ operands: String, at start: Int, for duration: Int,
    pc: Int, core: String = "sg00", extra: String = "\"compiler_pc\": 1"
  ) -> String {
    """
    {"subgroup": "\(engine)", "label": "\(engine)", "subgraph": "\(core)", "opcode": "\(opcode)",
     "operands": "\(operands)", "timestamp": \(start), "duration": \(duration), "pc": \(pc),
     "evt_wait_time": 40, "layer": "layer \\"a\\" \\u00e9", \(extra)}
    """
  }

  /// Two products (one transposes), a reduction that waits, a barrier row and another core's row.
  static let instructions = [
    row(
      "Vector", "EVENT_SEMAPHORE", " setter=0 $S[2]==3 $S[2]++@complete ", at: 5, for: 90, pc: 1,
      extra: "\"crc_in\": null"),
    row(
      "Tensor", "MATMUL",
      "S[5] (Tensor)++@complete acc_flags=3 src=bfloat16@0x400[1,0,0][512,1,1] "
        + "dst=0x2000000[1,0,0][512,1,1] 128*128 ", at: 100, for: 630, pc: 2,
      extra: "\"compiler_pc\": 2, \"sbuf_read_bytes\": 1024, \"instruction_type\": \"REGULAR\""),
    row(
      "Tensor", "MATMUL", " src=bfloat16@0x400[1,0,0][128,1,1] dst=0x2000800[1,0,0][128,1,1] 64*32",
      at: 500, for: 310, pc: 3,
      extra: "\"compiler_pc\": 3, \"sbuf_read_bytes\": 256, \"instruction_type\": \"TRANSPOSE\""),
    row(
      "Vector", "TENSOR_REDUCE",
      "S[5] (Tensor)>=1 S[6] (Vector)++@complete op=MAX dim=X "
        + "src=fp32@0x2000000[1,1,1,1][512,1,1,1] dst=fp32@0x4800[1,1,1,1][1,1,1,1] channels=128",
      at: 780, for: 690, pc: 2),
    row("Scalar", "NOP", "", at: 30, for: 20, pc: 9, core: "sg01", extra: "\"x\": [1, {\"y\": 2}]"),
  ]

  /// The whole document.
  static let text = """
    {"instruction": [\(instructions.joined(separator: ",\n"))],
     "dma": [
      {"subgraph": "sg00", "dma_engine": "65", "dma_queue": "2", "queue_type": "hardware_dynamic",
       "timestamp": 20, "duration": 27, "transfer_size": 512, "semaphore_id": "-1"},
      {"subgraph": "sg01", "dma_engine": "80", "dma_queue": "0", "queue_type": "instruction",
       "timestamp": 10, "duration": 9, "transfer_size": 4}],
     "semaphore_update": [{"subgraph": "sg00", "id": "S[5] (Tensor)", "timestamp": 745, "value": 1},
      {"subgraph": "sg00", "id": "2", "timestamp": 96, "value": 4}],
     "ham": [{"subgraph": "sg00", "timestamp": 700, "duration": 100, "k": 8, "n": 8, "type": 0}],
     "dma_queues_info": [{"subgraph": "sg00", "q_name": "qSyncDynamicHW", "q_idx": 2}],
     "profile_info": [{"profile_name": "two products"}],
     "summary": [{"tensor_engine_active_time": 7.101e-07, "hardware_flops": 17301504,
      "instance_type": "trn2.3xlarge", "note": null}],
     "warnings": []}
    """

  static let bytes = Array(text.utf8)
}

/// A folder that goes away with its owner.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "profile-tests-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }
}

/// A seeded generator, so that a failure repeats.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
