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
    try graph(workload, on: device).program
  }

  /// The same with what each kernel carries out; of cores that work together, one core's part.
  static func graph(
    _ workload: WorkloadSpecification, on device: Device
  ) throws -> LoweredGraph {
    guard let graph = try workload.graph() else {
      throw CommandFailure.unsupported(
        what: "\(workload.name) is no graph that is lowered to kernels",
        advice: "choose a kernel, a layer or a model; 'trnbench list' shows the kinds")
    }
    do {
      let sharing = min(device.memory.coresPerStack.value, workload.coreCount)
      return try Lowerer(device: device, coresOnStack: sharing).lower(
        graph, keepsIntermediates: false)
    } catch {
      throw CommandFailure.badProgram("\(workload.name) on \(device.name): \(error)")
    }
  }
}
