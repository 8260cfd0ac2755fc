import Dispatch
import Hardware
import InstructionSet
import Synchronization
import TraceFile

/// A program as its trace keeps it, encoded and compressed on another thread while the program is
/// made and loaded: it takes as long as the step loop of a short run.
///
/// Making a program keeps one thread busy, and encoding one beside it: each segment is encoded as
/// soon as it is there, in the order of a queue.
final class EncodedProgram: Sendable {
  /// What the segments so far have become.
  private struct Encoding: ~Copyable {
    private var rows: TraceProgramRows
    private var binary = ProgramEncoder()

    init(on device: Device) throws(TraceError) { rows = try TraceProgramRows(on: device) }

    mutating func append(_ segment: Segment) throws(TraceError) {
      binary.append(segment)
      try rows.append(segment)
    }

    consuming func finish(_ program: Program) throws(TraceError) -> [ProgramBlocks] {
      [try rows.finish(), try ProgramBlocks(binary: ProgramBinary.bytes(of: program, binary))]
    }
  }

  private struct State: ~Copyable {
    /// Nil when all is done, or something failed.
    var encoding: Encoding?
    /// The rows, then the binary form.
    var result: Result<[ProgramBlocks], TraceError> = .success([])

    mutating func append(_ segment: Segment) {
      do throws(TraceError) { try encoding?.append(segment) } catch { fail(error) }
    }

    mutating func finish(_ program: Program) {
      guard let encoding = encoding.take() else { return }
      do throws(TraceError) { result = .success(try encoding.finish(program)) } catch {
        fail(error)
      }
    }

    mutating func fail(_ error: TraceError) {
      result = .failure(error)
      encoding = nil
    }
  }

  private let queue = DispatchQueue(label: "trnbench.program")
  private let state = Mutex(State())

  /// A program whose segments are handed over as they are made.
  init(on device: Device) {
    state.withLock { state in
      do throws(TraceError) { state.encoding = try Encoding(on: device) } catch {
        state.fail(error)
      }
    }
  }

  /// A program that is made already.
  convenience init(_ program: Program, on device: Device) {
    self.init(on: device)
    for segment in program.segments { append(segment) }
    finish(program)
  }

  /// Takes the program's next segment.
  func append(_ segment: Segment) {
    queue.async { self.state.withLock { $0.append(segment) } }
  }

  /// Takes what stands beside the segments; all of these were handed over.
  func finish(_ program: Program) {
    queue.async { self.state.withLock { $0.finish(program) } }
  }

  /// Writes the rows and then the binary form, as soon as all is there.
  func append(to writer: inout TraceWriter) throws(TraceError) {
    let result = queue.sync { state.withLock { $0.result } }
    for part in try result.get() { try writer.append(part) }
  }
}
