import Hardware
import InstructionSet
import Lowering
import ModelGraph
import Results
import WorkloadCatalog

/// The program that a workload becomes.
enum LoweredWorkload {
  /// Lowers the workload's graph. Throws `unsupported` for workloads that are no graph, and
  /// `badProgram` for graphs that no kernels carry out.
  static func program(
    _ workload: WorkloadSpecification, on device: Device
  ) throws -> Program {
    guard let graph = try workload.graph() else {
      throw CommandFailure.unsupported(
        what: "\(workload.name) is no graph that is lowered to kernels",
        advice: "choose a kernel, a layer or a model; 'trnbench list' shows the kinds")
    }
    do {
      return try Lowerer(device: device).lower(graph, keepsIntermediates: false).program
    } catch {
      throw CommandFailure.badProgram("\(workload.name) on \(device.name): \(error)")
    }
  }
}
