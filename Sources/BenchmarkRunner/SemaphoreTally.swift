import InstructionSet
import NeuronCore
import TraceFile

/// What the records before a window leave in the semaphores.
///
/// Records of different tracks do not come in order of time. A value is its last write and what was
/// added since, so that changes are kept which are later than every write that has come; where no
/// instruction writes a semaphore, they are added up at once.
struct SemaphoreTally {
  /// Where a change stands among those of a semaphore, as readers order them.
  private struct Place {
    var time: Int64
    var track: Int
    var ordinal: Int

    static func < (a: Place, b: Place) -> Bool {
      (a.time, a.track, a.ordinal) < (b.time, b.track, b.ordinal)
    }
  }

  private struct Semaphore {
    /// Whether any instruction writes it.
    var isWritten = false
    var lastWrite: (place: Place, value: UInt32)?
    var added: Int64 = 0
    var later: [(place: Place, change: Int64)] = []

    var value: UInt32 {
      let sum = later.reduce(Int64(lastWrite?.value ?? 0) + added) { $0 + $1.change }
      return UInt32(truncatingIfNeeded: max(0, sum))
    }
  }

  private var semaphores: [Semaphore]
  private let updates: [ProgramUpdate]
  private let isTransfer: [Bool]
  private var ordinal = 0

  /// Nothing ran yet.
  init(_ program: LoadedProgram) {
    let instructions = program.program.segments.flatMap(\.instructions)
    updates = instructions.map { ProgramUpdate(of: $0) }
    isTransfer = instructions.indices.map {
      instructions[$0].operation.opcode.isDMA && program.transferShape(at: $0) != nil
    }
    semaphores = Array(
      repeating: Semaphore(), count: updates.reduce(0) { max($0, $1.semaphores.upperBound) })
    for update in updates where update.isWrite {
      for number in update.semaphores { semaphores[number].isWritten = true }
    }
  }

  /// By the semaphores' numbers.
  var values: [UInt32] { semaphores.map(\.value) }

  /// The end of a record on a track: a transfer adds one on each of the DMA engines.
  mutating func add(_ programCounter: UInt32, endingAt time: Int64, on track: TrackID) {
    let row = Int(programCounter)
    guard row < updates.count, isTransfer[row] == track.isDMA else { return }
    let update = updates[row]
    ordinal += 1
    let place = Place(time: time, track: Int(track.rawValue), ordinal: ordinal)
    guard !update.isWrite else { return write(update, place) }
    let size: Int64 = track.isDMA ? 1 : Int64(update.value)
    for number in update.semaphores {
      let change = update.operation == .subtract ? -size : size
      guard semaphores[number].isWritten else {
        semaphores[number].added += change
        continue
      }
      if let last = semaphores[number].lastWrite, place < last.place { continue }
      semaphores[number].later.append((place, change))
    }
  }

  private mutating func write(_ update: ProgramUpdate, _ place: Place) {
    for number in update.semaphores {
      if let last = semaphores[number].lastWrite, place < last.place { continue }
      semaphores[number].lastWrite = (place, update.applied(to: 0))
      semaphores[number].later.removeAll { $0.place < place }
    }
  }
}

extension ProgramUpdate {
  /// Whether the value does not depend on the one before.
  fileprivate var isWrite: Bool { operation == .write || operation == .clear }

  /// The semaphores that it changes.
  fileprivate var semaphores: Range<Int> {
    guard operation != .none else { return 0..<0 }
    let first = Int(semaphore)
    return first..<first + (operation == .clear ? Int(value) : 1)
  }
}
