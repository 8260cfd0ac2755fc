package import NumericFormats

/// The memories that an instruction's operand can stand in.
package enum MicroMemory: String, Hashable, Sendable, CaseIterable { case sbuf, psum }

/// The engines by the vendor's nouns.
package enum MicroEngine: String, Hashable, Sendable, CaseIterable {
  case tensor, vector, scalar, gpsimd, sync
}

/// Where an operand stands and in which format; all 128 partitions.
package struct MicroOperand: Hashable, Sendable, CustomStringConvertible {
  /// The memory.
  package var memory: MicroMemory
  /// The number format.
  package var format: NumberFormat

  /// An operand.
  package init(memory: MicroMemory, format: NumberFormat) {
    self.memory = memory
    self.format = format
  }

  /// As in workload files: `sbuf fp32`.
  package var description: String { "\(memory.rawValue) \(format.name)" }
}

/// Source and destination of an elementwise instruction, and elements per partition.
package struct MicroMove: Hashable, Sendable {
  /// What is read.
  package var source: MicroOperand
  /// What is written.
  package var destination: MicroOperand
  /// Elements per partition.
  package var columns: Int

  /// A move.
  package init(source: MicroOperand, destination: MicroOperand, columns: Int) {
    self.source = source
    self.destination = destination
    self.columns = columns
  }
}

/// The functions of the scalar engine that micro-programs use.
package enum MicroFunction: String, Hashable, Sendable, CaseIterable {
  case copy, exp, sigmoid, silu, rsqrt, square, relu
}

/// The arithmetic of the vector engine that micro-programs use.
package enum MicroArithmetic: String, Hashable, Sendable, CaseIterable {
  case add, subtract, multiply, max, min
}

/// Where a running sum starts.
package enum MicroSeed: String, Hashable, Sendable, CaseIterable { case constant, tensor }

/// Who makes the descriptors of a transfer.
package enum MicroQueue: String, Hashable, Sendable, CaseIterable { case hardware, software }

/// The direction of a transfer between HBM and SBUF.
package enum MicroDirection: String, Hashable, Sendable, CaseIterable { case load, store }

/// One instruction as a micro-program repeats it. The names in workload files are the vendor's
/// interface names; see `MicroInstructionName`.
package enum MicroInstruction: Hashable, Sendable {
  /// A product of a stationary `[depth, rows]` and a moving `[depth, columns]` tile; with
  /// `isDoubleRow` the depth is twice the partitions (fp8 alone). `reloads` says that each product
  /// brings its own stationary tile.
  case matrixProduct(
    format: NumberFormat, depth: Int, rows: Int, columns: Int, isDoubleRow: Bool, reloads: Bool)
  /// A transpose of `[128, columns]` on the tensor engine; `columns` is at most 128.
  case transpose(format: NumberFormat, columns: Int)
  /// A copy.
  case tensorCopy(MicroMove, engine: MicroEngine)
  /// Arithmetic of two tensors.
  case tensorTensor(MicroArithmetic, MicroMove, second: MicroOperand)
  /// Arithmetic of a tensor and a constant.
  case tensorScalar(MicroArithmetic, MicroMove)
  /// A reduction along the partition to one element.
  case tensorReduce(MicroArithmetic, MicroMove)
  /// 1/x.
  case reciprocal(MicroMove)
  /// A function of the scalar engine, with `accumulates` also summed along the partition.
  case activation(MicroFunction, MicroMove, accumulates: Bool)
  /// A running multiply-add along the partition, fp32.
  case scan(columns: Int, seed: MicroSeed)
  /// A fill with one value.
  case memset(MicroOperand, columns: Int, engine: MicroEngine)
  /// Affine indices.
  case iota(columns: Int)
  /// A selection by affine indices.
  case affineSelect(columns: Int)
  /// The eight largest elements of each partition.
  case max8(columns: Int)
  /// Count, mean and variance of each partition.
  case batchStatistics(columns: Int)
  /// A transfer.
  case dma(MicroDirection, bytesPerPartition: Int, partitions: Int, queue: MicroQueue)
  /// One engine signals, the other waits and signals back.
  case handoff(from: MicroEngine, to: MicroEngine)
}

/// How the repetitions of an instruction follow each other.
package enum MicroChain: String, Hashable, Sendable, CaseIterable {
  /// Independent, one behind the other: shows the interval.
  case stream
  /// Each reads what the one before wrote: shows the latency.
  case dependent
}

/// One instruction repeated: what a law of one engine is measured with.
package struct MicroProgram: Hashable, Sendable {
  /// Unique within its workload: instruction, operands, size, chain and count.
  package var label: String
  /// What is repeated.
  package var instruction: MicroInstruction
  /// How often.
  package var repeatCount: Int
  /// How the repetitions follow each other.
  package var chain: MicroChain
}
