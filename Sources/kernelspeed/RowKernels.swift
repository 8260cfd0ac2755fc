import CoreState
import Hardware
import NumericFormats
import VectorKernels

/// One kernel over rows: how fast it is, and what limits it.
struct RowMeasurement: Encodable {
  let name: String
  let elements: Int
  /// Nanoseconds for one element.
  let nanosecondsPerElement: Double
  /// Bytes of operands and results that pass in a second, in GB.
  let gigabytesPerSecond: Double
  /// What a plain copy of rows of the same length reaches, in GB/s.
  let copyGigabytesPerSecond: Double
  /// What the vector unit allows at least, in nanoseconds for one element.
  let vectorUnitNanosecondsPerElement: Double
}

/// Element-wise and activation kernels, by way of the rows that the model's engines compute in.
struct RowKernels {
  private struct Kernel {
    var name: String
    /// fp32 rows that are read; one is written.
    var loads: Int
    /// Vector instructions for one vector of elements, loads and stores aside.
    var instructions: Int
    /// Computed in fp64, as transcendental functions are.
    var inDoubles = false
    var run: @Sendable (borrowing CoreState, Int) -> Void
  }

  /// Counts of instructions are estimates for inner loops of AVX2, not taken from compiled code.
  private static let kernels = [
    Kernel(name: "add", loads: 2, instructions: 1) { core, count in
      core.rows.binary(.add, .a, .b, into: .c, count: count)
    },
    Kernel(name: "multiply, add (tensor_scalar)", loads: 1, instructions: 2) { core, count in
      core.rows.tensorScalar(
        .a, .multiply, 1.5, reverse0: false, .add, 0.25, reverse1: false, into: .c, count: count)
    },
    Kernel(name: "max", loads: 2, instructions: 3) { core, count in
      core.rows.binary(.max, .a, .b, into: .c, count: count)
    },
    Kernel(name: "relu (activation)", loads: 1, instructions: 2) { core, count in
      _ = core.rows.activate(
        .relu, .a, scale: 1, bias: 0, sums: false, into: .c, count: count)
    },
    Kernel(name: "exp (activation)", loads: 1, instructions: 22, inDoubles: true) { core, count in
      _ = core.rows.activate(.exp, .a, scale: 1, bias: 0, sums: false, into: .c, count: count)
    },
    Kernel(name: "gelu (activation)", loads: 1, instructions: 60, inDoubles: true) { core, count in
      _ = core.rows.activate(.gelu, .a, scale: 1, bias: 0, sums: false, into: .c, count: count)
    },
    Kernel(name: "silu (activation)", loads: 1, instructions: 30, inDoubles: true) { core, count in
      _ = core.rows.activate(.silu, .a, scale: 1, bias: 0, sums: false, into: .c, count: count)
    },
  ]

  /// A row of a tile, in the first-level cache, and the longest that an instruction may name.
  static let lengths = [2_048, 65_536]

  static func measure(clock: Double) throws -> [RowMeasurement] {
    let core = try CoreState(device: .trainium2, hbmBytes: 1 << 20)
    for index in 0..<(lengths.max() ?? 0) {
      core.rows[.a, index] = Float(index % 37) / 9 - 2
      core.rows[.b, index] = Float(index % 11) / 4
    }
    return lengths.flatMap { count in
      let copy = Stopwatch.seconds {
        core.rows.binary(.bypass, .a, .b, into: .c, count: count)
      }
      return kernels.map { kernel in
        let seconds = Stopwatch.seconds { kernel.run(core, count) }
        let cycles = VectorUnit.own.cyclesPerElement(
          loads: kernel.loads, stores: 1, instructions: kernel.instructions,
          inDoubles: kernel.inDoubles)
        return RowMeasurement(
          name: kernel.name, elements: count,
          nanosecondsPerElement: seconds / Double(count) * 1e9,
          gigabytesPerSecond: Double((kernel.loads + 1) * 4 * count) / seconds / 1e9,
          copyGigabytesPerSecond: Double(2 * 4 * count) / copy / 1e9,
          vectorUnitNanosecondsPerElement: cycles / clock * 1e9)
      }
    }
  }
}
