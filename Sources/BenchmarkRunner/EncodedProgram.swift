import Dispatch
import Hardware
import InstructionSet
import Synchronization
import TraceFile

/// A program as its trace keeps it, encoded and compressed on other threads while the program is
/// loaded: it takes as long as the step loop of a short run.
final class EncodedProgram: Sendable {
  private let rows: Part
  private let binary: Part

  init(_ program: Program, on device: Device) {
    binary = Part { () throws(TraceError) in
      try ProgramBlocks(binary: ProgramBinary.bytes(of: program))
    }
    rows = Part { () throws(TraceError) in
      let rows = TraceProgramRows(program, on: device)
      return try ProgramBlocks(rows.rows, rows.texts)
    }
  }

  /// Writes the rows and then the binary form, as soon as each is there.
  func append(to writer: inout TraceWriter) throws(TraceError) {
    try writer.append(rows.blocks())
    try writer.append(binary.blocks())
  }

  /// What a thread of its own makes.
  private final class Part: Sendable {
    private let work = DispatchGroup()
    private let result = Mutex<Result<ProgramBlocks, TraceError>?>(nil)

    init(_ make: @escaping @Sendable () throws(TraceError) -> ProgramBlocks) {
      DispatchQueue.global().async(group: work) {
        let made = Result(catching: make)
        self.result.withLock { $0 = made }
      }
    }

    /// What was made, waited for.
    func blocks() throws(TraceError) -> ProgramBlocks {
      work.wait()
      return try result.withLock { $0! }.get()
    }
  }
}
