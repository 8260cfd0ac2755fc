package import TraceFile

/// One executed instruction of a report. Times in picoseconds, from the report's beginning.
package struct ProfileInstruction: Sendable {
  /// The physical core, as the report names it; empty when it names none.
  package var core = ""
  /// The engine that ran it.
  package var engine = TrackID.sync
  /// The instruction's name.
  package var opcode = ""
  /// The operands as the profiler prints them.
  package var operands = ""
  /// When its row begins.
  package var start: Int64 = 0
  /// How long its row is; cut to whole nanoseconds by the profiler.
  package var duration: Int64 = 0
  /// What the row says it waited, counted from the dispatch of the instruction before.
  package var wait: Int64 = 0
  /// The program counter.
  package var programCounter: Int64 = 0
  /// True for instructions that the compiler emitted; the rest belongs to the runtime.
  package var isCompiled = false
  /// True where the report calls it a transpose.
  package var isTranspose = false
  /// The layer or operator.
  package var layer = ""
  /// The compiler's name of the instruction.
  package var name = ""
  /// Bytes that it (or its transfer) reads and writes, as the report counts them.
  package var bytes = ProfileBytes()
  /// True where the report says that it moves PSUM to SBUF.
  package var isEvacuation = false
  /// Bytes of one partition that it moves from PSUM to SBUF.
  package var evacuatedBytes: Int64 = 0

  /// When its row ends.
  package var end: Int64 { start + duration }
}

/// Bytes by memory and direction.
package struct ProfileBytes: Equatable, Sendable {
  /// Bytes read from HBM.
  package var hbmRead: Int64 = 0
  /// Bytes written to HBM.
  package var hbmWrite: Int64 = 0
  /// Bytes read from SBUF; of one partition for instructions of an engine.
  package var sbufRead: Int64 = 0
  /// Bytes written to SBUF; of one partition for instructions of an engine.
  package var sbufWrite: Int64 = 0
  /// Bytes of one partition read from PSUM.
  package var psumRead: Int64 = 0
  /// Bytes of one partition written to PSUM.
  package var psumWrite: Int64 = 0

  static func += (total: inout ProfileBytes, more: ProfileBytes) {
    total.hbmRead &+= more.hbmRead
    total.hbmWrite &+= more.hbmWrite
    total.sbufRead &+= more.sbufRead
    total.sbufWrite &+= more.sbufWrite
    total.psumRead &+= more.psumRead
    total.psumWrite &+= more.psumWrite
  }
}

/// One descriptor that a DMA engine carried out. Times in picoseconds.
package struct ProfileDescriptor: Sendable {
  /// The physical core whose queue it came from.
  package var core = ""
  /// The DMA engine of the core, 0 to 15.
  package var engine = 0
  /// The queue's number on its engine.
  package var queue = 0
  /// How its descriptors were made: `software_dynamic`, `hardware_dynamic`, `data` and the like.
  package var kind = ""
  /// When it began.
  package var start: Int64 = 0
  /// How long it took.
  package var duration: Int64 = 0
  /// Bytes moved.
  package var bytes: Int64 = 0
  /// True for a row that stands for descriptors which have rows of their own.
  package var isAggregate = false
}

/// A semaphore's new value. Times in picoseconds.
package struct ProfileSemaphoreUpdate: Sendable {
  /// The physical core.
  package var core = ""
  /// The semaphore's number.
  package var semaphore = 0
  /// When the value was seen.
  package var time: Int64 = 0
  /// The value from then on.
  package var value: Int64 = 0
}

/// A stretch of one state of the tensor engine's activity limiter. Times in picoseconds.
package struct ProfileLimiterWindow: Sendable {
  /// The physical core.
  package var core = ""
  /// When it began.
  package var start: Int64 = 0
  /// How long it lasted.
  package var duration: Int64 = 0
  /// Rows let through, of `period`.
  package var allowed = 0
  /// See `allowed`.
  package var period = 0
  /// The profiler's number of the sort of state: 0 and 1 for the two rates.
  package var sort = 0
}
