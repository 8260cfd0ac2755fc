/// What an instruction waits for before it is dispatched.
package struct ProgramWait: Hashable, Sendable, BitwiseCopyable {
  /// How the semaphore's value is compared.
  package enum Condition: UInt8, Sendable, BitwiseCopyable { case none, atLeast, equal }

  /// How the value is compared; `none` waits for nothing.
  package var condition: Condition
  /// The semaphore's number.
  package var semaphore: UInt16
  /// The value compared with.
  package var value: UInt32

  package init(_ semaphore: UInt16, _ condition: Condition, _ value: UInt32) {
    self.condition = condition
    self.semaphore = semaphore
    self.value = value
  }

  /// No wait.
  package static let none = ProgramWait(0, .none, 0)

  /// True when a semaphore of that value lets the instruction go.
  package func isMet(by current: UInt32) -> Bool {
    switch condition {
    case .none: true
    case .atLeast: current >= value
    case .equal: current == value
    }
  }
}

/// What an instruction does to semaphores when it completes.
package struct ProgramUpdate: Hashable, Sendable, BitwiseCopyable {
  /// How semaphores change; `clear` sets as many as `value` says to zero, from the named one on.
  package enum Operation: UInt8, Sendable, BitwiseCopyable {
    case none, add, subtract, write, clear
  }

  /// How semaphores change; `none` leaves all of them alone.
  package var operation: Operation
  /// The semaphore's number, or the first one's.
  package var semaphore: UInt16
  /// The number added, subtracted or written, or the number of semaphores cleared.
  package var value: UInt32

  package init(_ semaphore: UInt16, _ operation: Operation, _ value: UInt32) {
    self.operation = operation
    self.semaphore = semaphore
    self.value = value
  }

  /// No update.
  package static let none = ProgramUpdate(0, .none, 0)

  /// The value of a semaphore in the update's range after it; subtraction stops at zero.
  package func applied(to current: UInt32) -> UInt32 {
    switch operation {
    case .none: current
    case .add: current &+ value
    case .subtract: current >= value ? current - value : 0
    case .write: value
    case .clear: 0
    }
  }
}

/// What is known of one instruction before it runs; the same for each of its executions.
package struct ProgramRow: Hashable, Sendable {
  /// The machine instruction's name, as device profiles spell it.
  package var opcode: String
  /// The engine in whose stream it stands.
  package var engine: TrackID
  /// The kernel that emitted it.
  package var kernel: String
  /// The layer of the model that it belongs to; empty when none.
  package var layer: String
  /// The source file that emitted it; empty when unknown.
  package var sourceFile: String
  /// The line in `sourceFile`; 0 when unknown.
  package var sourceLine: UInt32
  /// The operand shapes as text.
  package var shape: String
  /// Bytes that one record of this row on a DMA track moves; 0 when it moves none.
  package var bytes: Int64
  /// Floating-point operations of one execution.
  package var flops: Int64
  /// Those of `flops` that only transpose.
  package var transposeFlops: Int64
  /// Those of `bytes` that come from HBM.
  package var hbmReadBytes: Int64
  /// Those of `bytes` that go to HBM.
  package var hbmWriteBytes: Int64
  /// What it waits for.
  package var wait: ProgramWait
  /// What it does to semaphores. Of a transfer, each record on a DMA track adds 1 at its end.
  package var update: ProgramUpdate
  /// The ring of the DMA engines that it triggers; nil when it is no transfer.
  package var ring: UInt8?

  package init(
    opcode: String, engine: TrackID, kernel: String = "", layer: String = "",
    sourceFile: String = "", sourceLine: UInt32 = 0, shape: String = "", bytes: Int64 = 0,
    flops: Int64 = 0, transposeFlops: Int64 = 0, hbmReadBytes: Int64 = 0,
    hbmWriteBytes: Int64 = 0, wait: ProgramWait = .none, update: ProgramUpdate = .none,
    ring: UInt8? = nil
  ) {
    self.opcode = opcode
    self.engine = engine
    self.kernel = kernel
    self.layer = layer
    self.sourceFile = sourceFile
    self.sourceLine = sourceLine
    self.shape = shape
    self.bytes = bytes
    self.flops = flops
    self.transposeFlops = transposeFlops
    self.hbmReadBytes = hbmReadBytes
    self.hbmWriteBytes = hbmWriteBytes
    self.wait = wait
    self.update = update
    self.ring = ring
  }

  /// `file:line` of the statement that emitted it; empty when unknown.
  package var source: String {
    sourceFile.isEmpty ? "" : sourceLine == 0 ? sourceFile : "\(sourceFile):\(sourceLine)"
  }
}

/// Each distinct text once, named by its number.
package struct StringTable: Sendable {
  /// The texts in order of first use.
  package private(set) var strings: [String] = []
  private var numbers: [String: Int] = [:]

  /// An empty table.
  package init() {}

  /// The number of `text`, which is added when new.
  package mutating func intern(_ text: String) -> Int {
    if let known = numbers[text] { return known }
    numbers[text] = strings.count
    strings.append(text)
    return strings.count - 1
  }
}

/// The rows of all segments, indexed by program counter; rows lost to damage are absent.
package struct ProgramTable: Sendable {
  private var rows: [ProgramRow?] = []

  /// An empty table.
  package init() {}

  /// One more than the highest program counter with a row.
  package var count: Int { rows.count }

  /// The row of that program counter; nil when the trace has none or it was lost.
  package subscript(_ programCounter: UInt32) -> ProgramRow? {
    Int(programCounter) < rows.count ? rows[Int(programCounter)] : nil
  }

  /// Puts `new` rows at `first` and up.
  mutating func insert(_ new: [ProgramRow], at first: Int) {
    if rows.count < first + new.count {
      rows.append(contentsOf: repeatElement(nil, count: first + new.count - rows.count))
    }
    for (index, row) in new.enumerated() { rows[first + index] = row }
  }
}
