import CoreState
import Hardware
import InstructionSet
import NumericFormats
import WorkloadCatalog

// Programs whose transfers are measured.
extension CalibrationProgram {
  /// Transfers of 8 MiB that make a stream steady.
  private static let streamLength = 24
  private static let transfersPerGibibyte = 128

  /// Fills the streams; false for words that mean nothing.
  mutating func transfers(
    _ words: [String], _ size: Int, _ quantity: CalibrationQuantity
  ) throws(RunnerError) -> Bool {
    switch words[1] {
    case "store" where words.count == 2:
      guard let one = transfer("store", partitions: 1, bytes: size) else { return false }
      add(.sync, one, update: SemaphoreUpdate(0, .add, 1))
    case "load" where words.count == 3:
      guard let partitions = Int(words[2]), (1...128).contains(partitions),
        let one = transfer("load", partitions: partitions, bytes: size)
      else { return false }
      add(.sync, one, update: SemaphoreUpdate(0, .add, UInt32((partitions + 7) / 8)))
    case "after-signal":
      guard let one = transfer("store", partitions: 128, bytes: size) else { return false }
      engine = .vector
      add(.vector, .control(ControlInstruction(.eventSemaphore)), update: SemaphoreUpdate(0))
      add(
        .sync, one, wait: SemaphoreWait(0, .atLeast, 1), update: SemaphoreUpdate(1, .add, 16))
    case "stream" where words.count == 3:
      return stream(words[2], bytes: size, count: Self.streamLength)
    case "read-gibibytes":
      return stream("load", bytes: 65_536, count: size * Self.transfersPerGibibyte)
    default: return false
    }
    return true
  }

  private mutating func stream(_ direction: String, bytes: Int, count: Int) -> Bool {
    guard let one = transfer(direction, partitions: 128, bytes: bytes) else { return false }
    transferBytes = 128 * bytes
    for _ in 0..<count { add(.sync, one, update: SemaphoreUpdate(0, .add, 16)) }
    return true
  }

  /// A transfer of `bytes` in each partition, contiguous in HBM; nil for an unknown direction.
  mutating func transfer(_ direction: String, partitions: Int, bytes: Int) -> Operation? {
    guard direction == "load" || direction == "store" else { return nil }
    let columns = max(1, bytes / 4)
    let chip = DataLocation.onChip(
      AccessPattern(
        .sbuf, .float32, partitions: 0..<partitions, byteOffset: Place.source, columns: columns))
    tensorBytes = max(tensorBytes, partitions * columns * 4)
    let memory = DataLocation.hbm(
      TensorAccess(
        tensor: 0, .float32, byteOffset: 0, rows: partitions, columns: columns,
        rowStride: columns))
    return .dma(
      direction == "load" ? DMADirect(chip, from: memory) : DMADirect(memory, from: chip))
  }

  /// c = a + b in tiles, two tiles in flight: loads by the sync engine, stores by the scalar
  /// engine, each on one ring.
  mutating func additions(partitions: Int, columns: Int, count: Int) {
    let engines = UInt32((partitions + 7) / 8)
    let bytes = columns * 4
    func tile(_ index: Int, _ place: Int) -> AccessPattern {
      AccessPattern(
        .sbuf, .float32, partitions: 0..<partitions, byteOffset: place + index % 2 * bytes,
        columns: columns)
    }
    tensorBytes = partitions * bytes
    let memory = DataLocation.hbm(
      TensorAccess(
        tensor: 0, .float32, byteOffset: 0, rows: partitions, columns: columns,
        rowStride: columns))
    for index in 0..<count {
      let (a, b) = (tile(index, Place.source), tile(index, Place.second))
      let sum = tile(index, Place.destination)
      let done = UInt32(index)
      add(
        .sync, .dma(DMADirect(.onChip(a), from: memory)),
        wait: index > 1 ? SemaphoreWait(1, .atLeast, done - 1) : .none,
        update: SemaphoreUpdate(0, .add, engines))
      add(
        .sync, .dma(DMADirect(.onChip(b), from: memory)),
        update: SemaphoreUpdate(0, .add, engines))
      if index > 1 {
        add(
          .vector, .control(ControlInstruction(.eventSemaphore)),
          wait: SemaphoreWait(2, .atLeast, engines * (done - 1)))
      }
      add(
        .vector, .tensorTensor(TensorTensor(sum, a, b, .add)),
        wait: SemaphoreWait(0, .atLeast, 2 * engines * (done + 1)), update: SemaphoreUpdate(1))
      add(
        .scalar, .dma(DMADirect(memory, from: .onChip(sum))),
        wait: SemaphoreWait(1, .atLeast, done + 1), update: SemaphoreUpdate(2, .add, engines))
    }
  }
}
