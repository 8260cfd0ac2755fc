import BenchmarkRunner
import ModelGraph
import ModelImport
import Results
import TerminalUI

/// Evaluates models in float64 on the host: what every kernel is compared with. There is no device
/// and no time, so that no result is kept.
struct ReferenceRun {
  let context: CommandContext
  let sources: [ModelSource]

  func run() throws -> Outcome {
    var table = Table(columns: [
      .text("model", minimumWidth: 12), .text("output", minimumWidth: 8),
      .text("type", minimumWidth: nil), .text("shape", minimumWidth: 8), Column("smallest"),
      Column("largest"), Column("mean"),
    ])
    for source in sources {
      let imported = try source.model.imported(source.options)
      for tensor in imported.nonFinite {
        try context.warn("\(source.name): \(NonFiniteValues(tensor).text)")
      }
      for output in imported.outputs {
        guard let view = output.constant else { continue }
        if let folder = source.outputFolder {
          try ModelOutputs.write(view, named: output.name, to: folder)
        }
        let values = view.allValues
        let mean = values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
        let ends = Self.ends(view, values)
        table.append([
          .text(source.name), .text(output.name), .text(view.type.name),
          .text("\(view.shape)"), ends.smallest, ends.largest,
          Self.number(values.isEmpty ? nil : mean),
        ])
      }
    }
    try context.show(table)
    return .done
  }

  /// The smallest and the largest element; whole numbers to the last digit.
  private static func ends(_ view: TensorView, _ values: [Double])
    -> (smallest: Cell, largest: Cell)
  {
    guard view.type.isInteger, view.type != .uint64 else {
      return (number(values.min()), number(values.max()))
    }
    let whole = view.integerValues
    func text(_ value: Int64?) -> Cell { value.map { .text("\($0)") } ?? .missing }
    return (text(whole.min()), text(whole.max()))
  }

  private static func number(_ value: Double?) -> Cell {
    value.map { .text(ReaderNumber.significant($0)) } ?? .missing
  }
}
