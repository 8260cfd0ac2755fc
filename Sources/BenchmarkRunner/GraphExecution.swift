import CoreState
package import Hardware
package import InstructionSet
package import Lowering
package import ModelGraph
import NeuronCore
import Units

/// A graph from end to end: lowered, executed with seeded values, every kernel's results compared
/// with the float64 reference.
package struct GraphExecution {
  /// The program and what each of its kernels carries out.
  package let lowered: LoweredGraph
  /// One report per tensor that a kernel left in HBM, and one per view.
  package let reports: [NumericsReport]
  /// Simulated time of the whole program.
  package let picoseconds: Int64

  /// Runs a graph.
  ///
  /// - Parameters:
  ///   - seed: what inputs and weights are drawn from.
  ///   - change: alters the program before it runs: how tests plant faults.
  /// - Throws: `LoweringError`, `RunnerError` and `GraphError`; a hazard is a `RunnerError`.
  package init(
    _ graph: Graph, on device: Device = .trainium2, seed: UInt64 = 0,
    change: (inout Program) -> Void = { _ in }
  ) throws {
    var lowered = try Lowerer(device: device).lower(graph, keepsIntermediates: true)
    change(&lowered.program)
    var options = RunOptions(device: device)
    options.checksHazards = true
    let loaded = try GraphRun.load(lowered.program, device)
    let filled = lowered
    let run = try ProgramRun(
      loaded, computes: true, options: options, traceFile: nil, isCancelled: { false },
      prepare: { core in
        for (tensor, index) in filled.fillings {
          DeviceTensor(filling: tensor, seed: seed)
            .upload(to: core.hbm, at: filled.program.tensors[index].address)
        }
      })
    reports = try GraphVerification(lowered, checker: NumericsChecker(seed: seed))
      .reports(run.core)
    picoseconds = run.totals.duration.value
    self.lowered = lowered
  }
}
