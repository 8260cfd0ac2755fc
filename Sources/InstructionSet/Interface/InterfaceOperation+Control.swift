import Hardware

extension InterfaceOperation {
  private static let reference = "NKI instruction reference"
  private static let measured = "third-party micro-benchmarks"
  private static let captures = "profiler captures"

  /// Registers, loops and branches: every engine's sequencer has its own 64 registers.
  static let control: [InterfaceOperation] = [
    InterfaceOperation(
      "register_alloc", [], as: "nothing: a name for one of 64 registers", operands: "none",
      formats: "int32", cost: "0", source: reference, only: Engine.allCases),
    InterfaceOperation(
      "register_move", [.registerMove], operands: "register, constant or register",
      formats: "int32", cost: "68 ns", source: measured),
    InterfaceOperation(
      "register_load", [.tensorLoad], operands: "register, word of HBM or SBUF",
      formats: "32 bits", cost: "574 ns", source: captures),
    InterfaceOperation(
      "register_store", [.tensorStore], operands: "word of HBM or SBUF, register",
      formats: "32 bits", cost: "574 ns (assumed)", source: "not published"),
    InterfaceOperation(
      "register arithmetic", [.registerArithmetic],
      operands: "register, register, constant or register; add, sub, mul, min, max, and, or, xor, "
        + "shl, shr", formats: "int32, wraps around", cost: "68 ns (assumed)",
      source: "as a move"),
    InterfaceOperation(
      "fori_loop", [.registerMove, .registerArithmetic, .compareBranch],
      as: "MOVE COMPARE_BRANCH body REGISTER_ALU COMPARE_BRANCH",
      operands: "from, to: constant or register; step; body", formats: "int32",
      cost: "68 ns, and per turn 182 + 68 + 63 ns", source: captures),
    InterfaceOperation(
      "while_loop", [.compareBranch], as: "COMPARE_BRANCH body COMPARE_BRANCH",
      operands: "register, comparison, constant or register; body", formats: "int32",
      cost: "per turn 182 + 63 ns", source: captures),
    InterfaceOperation(
      "dynamic_range", [.registerMove, .registerArithmetic, .compareBranch], as: "as fori_loop",
      operands: "as fori_loop", formats: "int32", cost: "as fori_loop", source: captures),
  ]

  /// What a core does for a collective: a trigger over local buffers. The transfer belongs to a
  /// model of the chip; a core by itself refuses.
  static let collectives: [InterfaceOperation] = [
    collective("all_reduce", "op add, min, max"), collective("all_gather", "equal parts"),
    collective("all_gather_v", "parts of their own sizes; LNC=2, four ranks of a chip", since: 3),
    collective("reduce_scatter", "op add, min, max"), collective("all_to_all", "HBM only"),
    collective("all_to_all_v", "HBM only; counts and displacements uint32"),
    collective("collective_permute", "pairs of source and target"),
    collective("collective_permute_implicit", "the next rank, up to four channels"),
    collective("collective_permute_implicit_reduce", "op add, min, max; the next rank"),
    rank("rank_id"), rank("current_processing_rank_id"),
  ]

  private static func collective(_ name: String, _ operands: String, since: Int = 2)
    -> InterfaceOperation
  {
    InterfaceOperation(
      name, [.collective], operands: "dst, src both in HBM or both in SBUF [P,N]; \(operands)",
      formats: "any", cost: "trigger 68 ns (assumed); the transfer is the chip's",
      source: "NKI collectives reference", since: since)
  }

  private static func rank(_ name: String) -> InterfaceOperation {
    InterfaceOperation(
      name, [.tensorLoad], as: "TENSOR_LOAD of a word that the runtime sets",
      operands: "register", formats: "int32", cost: "574 ns", source: captures)
  }
}
