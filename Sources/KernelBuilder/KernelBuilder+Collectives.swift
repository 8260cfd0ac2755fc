package import CoreState
import Hardware
import InstructionSet

extension KernelBuilder {
  /// all_reduce over the ranks of a group: `destination` receives the sum of every rank's `source`,
  /// both in HBM.
  ///
  /// The sync queue triggers it and goes on; what reads the destination waits for the end.
  package mutating func allReduce(
    _ destination: TensorAccess, from source: TensorAccess, group: Int = 0,
    file: String = #fileID, line: UInt = #line
  ) {
    appendTransfer(
      .collective(Collective(.allReduce, .hbm(destination), from: .hbm(source), group: group)),
      on: .sync, ring: .collectives, engines: 1, site: site(file, line))
  }
}
