import CoreState
import Hardware
import InstructionSet
import NumericFormats
import TraceAnalysis

/// What the instructions of a run read from and wrote to each memory, by the operands of the
/// program that the trace carries.
struct MemoryTraffic: Encodable, Equatable {
  /// `SBUF`, `PSUM` or `HBM`.
  let memory: String
  private(set) var readBytes: Int64 = 0
  private(set) var writtenBytes: Int64 = 0
  /// The highest byte of a partition that any access names, of SBUF and PSUM: what the program
  /// occupies at most.
  private(set) var highWaterBytes: Int?
  /// Bytes of a partition.
  let partitionBytes: Int?

  private init(_ memory: String, partitionBytes: Int?) {
    self.memory = memory
    self.partitionBytes = partitionBytes
    highWaterBytes = partitionBytes.map { _ in 0 }
  }

  /// All three memories. Transfers count in SBUF and PSUM with the operands of their trigger, in
  /// HBM with what their records moved.
  static func memories(
    _ embedded: EmbeddedProgram, _ summary: TraceSummary, on device: Device
  ) -> [MemoryTraffic] {
    var sbuf = MemoryTraffic("SBUF", partitionBytes: device.memory.sbufBytesPerPartition.value)
    var psum = MemoryTraffic("PSUM", partitionBytes: device.memory.psumBytesPerPartition.value)
    var counter: UInt32 = 0
    for segment in embedded.program.segments {
      for instruction in segment.instructions {
        let executions = summary.executions(counter).instructions
        counter += 1
        guard executions > 0 else { continue }
        instruction.operation.memoryAccesses { location, isWrite in
          guard case .onChip(let access) = location else { return }
          if access.space == .sbuf {
            sbuf.add(access, isWrite, executions)
          } else {
            psum.add(access, isWrite, executions)
          }
        }
      }
    }
    var hbm = MemoryTraffic("HBM", partitionBytes: nil)
    (hbm.readBytes, hbm.writtenBytes) = summary.hbmBytes
    return [sbuf, psum, hbm]
  }

  /// The same memories of several cores: their traffic added up, and the highest of one core.
  static func sum(_ cores: [[MemoryTraffic]]) -> [MemoryTraffic] {
    var sums: [MemoryTraffic] = []
    for memory in cores.joined() {
      guard let index = sums.firstIndex(where: { $0.memory == memory.memory }) else {
        sums.append(memory)
        continue
      }
      sums[index].readBytes += memory.readBytes
      sums[index].writtenBytes += memory.writtenBytes
      let highest = [sums[index].highWaterBytes, memory.highWaterBytes].compactMap(\.self).max()
      sums[index].highWaterBytes = highest
    }
    return sums
  }

  private mutating func add(_ access: AccessPattern, _ isWrite: Bool, _ executions: Int64) {
    let bytes =
      Int64(access.columns * Int(access.partitionCount) * access.format.sizeBytes) * executions
    if isWrite { writtenBytes += bytes } else { readBytes += bytes }
    highWaterBytes = max(highWaterBytes ?? 0, access.byteExtent.upperBound)
  }
}
