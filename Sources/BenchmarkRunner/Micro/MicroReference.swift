package import CoreState
package import ModelGraph
import NumericFormats
package import WorkloadCatalog

/// What a micro-program must compute: seeded operands, and the float64 value of every element that
/// its measured instruction writes, worked out from the interface operation's meaning in plain
/// scalar code that shares nothing with the kernels.
///
/// Every repetition reads the same operands, so that the last one's results are those of one.
package struct MicroReference {
  private let program: MicroProgram
  private let inputs: [MicroInput]
  private let rounding: RunOptions.Rounding

  /// The reference of a program whose operands are drawn from `seed`.
  package init(
    _ program: MicroProgram, seed: UInt64, rounding: RunOptions.Rounding = .nearest
  ) {
    self.program = program
    self.rounding = rounding
    inputs = MicroInput.all(of: program, seed: seed)
  }

  /// Puts the operands into the core's memories.
  package func fill(_ core: inout CoreState) {
    for input in inputs {
      switch input.place {
      case .onChip(let pattern): core.setElementBits(pattern, to: input.bits)
      case .hbm: core.hbm.upload(input.bits, at: 0)
      }
    }
  }

  /// Where `fill` puts operands on chip.
  package var presets: [AccessPattern] {
    inputs.compactMap { input in
      if case .onChip(let pattern) = input.place { pattern } else { nil }
    }
  }

  /// Compares everything that the program wrote; empty for programs that move no data.
  package func reports(_ core: borrowing CoreState) -> [NumericsReport] {
    var reports: [NumericsReport] = []
    for expectation in MicroExpectation.all(of: program, inputs.map(\.values)) {
      let found = Self.elements(of: expectation, core)
      let elements = expectation.elements
      reports.append(
        NumericsReport(
          node: "\(program.label)\(expectation.name)", indices: Array(elements.indices),
          reference: elements.map(\.value),
          bounds: elements.map { expectation.bound(of: $0, rounding) },
          outputCount: elements.count
        ) { found[$0] })
    }
    return reports
  }

  private static func elements(
    of expectation: MicroExpectation, _ core: borrowing CoreState
  ) -> [Double] {
    switch expectation.place {
    case .onChip(let pattern): core.elements(pattern).map(Double.init)
    case .accumulators: core.scalarAccumulators.map(Double.init)
    case .hbm:
      core.hbm.download(UInt32.self, count: expectation.elements.count, at: 0)
        .map { Double(NumberFormat.float32.decode($0)) }
    }
  }
}
