package import Hardware
package import InstructionSet
import Lowering
package import ModelGraph
import NeuronChip

/// A graph that cores of one chip have parts of, from end to end, with the sanitizer on: what
/// `GraphExecution` is for one core.
package struct ChipExecution {
  /// One report per tensor that a kernel left on a core, per sum and per output of the model.
  package let reports: [NumericsReport]

  /// Runs a rank's graph on every core and compares it with the whole one's.
  ///
  /// - Parameters:
  ///   - part: what each of `ranks` cores runs.
  ///   - seed: what inputs and weights are drawn from.
  ///   - change: alters the program before it runs: how tests plant faults.
  /// - Throws: `LoweringError`, `ChipError` and `GraphError`; a hazard is a `ChipError`.
  package init(
    _ part: Graph, of whole: Graph, ranks: Int, on device: Device = .trainium2, seed: UInt64 = 0,
    change: (inout Program) -> Void = { _ in }
  ) throws {
    var lowered = try Lowerer(device: device).lower(part, keepsIntermediates: true)
    change(&lowered.program)
    let model = SplitModel(lowered: lowered, whole: whole, ranks: ranks)
    let loaded = try LoadedChip(
      ChipProgram(everyCore: lowered.program, count: ranks), device: device)
    var chip = try ChipModel(loaded, computes: true, checksHazards: true)
    model.fill(chip, seed: seed)
    _ = try chip.run()
    reports = try ChipVerification(model, checker: NumericsChecker(seed: seed), seed: seed)
      .reports(chip, { false })
  }
}
