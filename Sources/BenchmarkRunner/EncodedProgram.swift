import Dispatch
import InstructionSet
import Synchronization

/// A program's binary form, for its trace, made on another thread while the program is loaded: it
/// takes as long as the step loop of a short run.
final class EncodedProgram: Sendable {
  private let work = DispatchGroup()
  private let encoded = Mutex<[UInt8]>([])

  init(_ program: Program) {
    DispatchQueue.global().async(group: work) {
      let bytes = ProgramBinary.bytes(of: program)
      self.encoded.withLock { $0 = bytes }
    }
  }

  /// The file's contents, waited for.
  var bytes: [UInt8] {
    work.wait()
    return encoded.withLock(\.self)
  }
}
