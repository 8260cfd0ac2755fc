import CoreState
import Hardware
package import InstructionSet

extension KernelBuilder {
  /// activation: destination = function(source · scale + bias), and optionally the sum of a row.
  ///
  /// The builder knows which function table is loaded and loads another only when it changes; the
  /// first load moves to the beginning of the scalar engine's stream, where it hides behind the
  /// first transfers.
  /// - Parameter sum: [P, 1]; receives the sum of the outputs of each partition, before the cast.
  package mutating func activation(
    _ destination: Tile, _ function: ActivationFunction, _ source: Tile,
    scale: ScalarOperand = .immediate(1), bias: ScalarOperand = .immediate(0), sum: Tile? = nil,
    file: String = #fileID, line: UInt = #line
  ) {
    let site = site(file, line)
    let activate = Activate(
      destination.access, function, source.access, scale: scale,
      bias: self.bias(bias, for: destination.access, file: file, line: line),
      accumulate: sum == nil ? .idle : .resetReduce)
    var operations: [Operation] = []
    NkiActivation(activate, sums: sum?.access).expand(into: &operations, loaded: &loadedTable)
    for operation in operations {
      if case .tableLoad = operation {
        appendTableLoad(operation, site: site)
      } else {
        append(operation, on: .scalar, site: site)
      }
    }
  }

  private mutating func appendTableLoad(_ operation: Operation, site: UInt32) {
    if firstTable == nil {
      firstTable = Entry(operation: operation, site: site, engine: .scalar, domain: nil)
    } else {
      appendControl(operation, on: .scalar, site: site)
    }
  }
}
