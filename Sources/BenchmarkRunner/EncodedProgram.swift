import Dispatch
import Hardware
import InstructionSet
import TraceFile

/// A program as its trace keeps it, encoded and compressed on another thread while the program is
/// made and loaded: it takes as long as the step loop of a short run.
///
/// Making a program keeps one thread busy, and encoding one beside it: each segment is encoded as
/// soon as it is there. Unchecked because `state` is touched on the queue alone.
final class EncodedProgram: @unchecked Sendable {
  /// What the segments so far have become.
  private struct State: ~Copyable {
    var rows: TraceProgramRows
    var binary = ProgramEncoder()

    mutating func append(_ segment: Segment) throws(TraceError) {
      binary.append(segment)
      try rows.append(segment)
    }

    consuming func finish(_ program: Program) throws(TraceError) -> [ProgramBlocks] {
      [try rows.finish(), try ProgramBlocks(binary: ProgramBinary.bytes(of: program, binary))]
    }
  }

  private let queue = DispatchQueue(label: "trnbench.program")
  private var state: State?
  private var failure: TraceError?
  /// The rows, then the binary form.
  private var blocks: [ProgramBlocks] = []

  /// A program whose segments are handed over as they are made.
  init(on device: Device) {
    do { state = State(rows: try TraceProgramRows(on: device)) } catch { failure = error }
  }

  /// A program that is made already.
  convenience init(_ program: Program, on device: Device) {
    self.init(on: device)
    for segment in program.segments { append(segment) }
    finish(program)
  }

  /// Takes the program's next segment.
  func append(_ segment: Segment) {
    queue.async { [self] in
      do throws(TraceError) { try state?.append(segment) } catch { fail(error) }
    }
  }

  /// Takes what stands beside the segments; all of these were handed over.
  func finish(_ program: Program) {
    queue.async { [self] in
      guard let state = state.take() else { return }
      do throws(TraceError) { blocks = try state.finish(program) } catch { fail(error) }
    }
  }

  private func fail(_ error: TraceError) {
    failure = error
    state = nil
  }

  /// Writes the rows and then the binary form, as soon as all is there.
  func append(to writer: inout TraceWriter) throws(TraceError) {
    let (blocks, failure) = queue.sync { (self.blocks, self.failure) }
    if let failure { throw failure }
    for part in blocks { try writer.append(part) }
  }
}
