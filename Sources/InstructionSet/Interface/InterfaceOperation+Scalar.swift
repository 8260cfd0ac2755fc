extension InterfaceOperation {
  private static let captures = "profiler captures"
  private static let measured = "third-party micro-benchmarks"
  private static let any = "any in, any out; computed in fp32"

  /// Operations of the scalar engine.
  static let scalarEngine: [InterfaceOperation] = [
    InterfaceOperation(
      "activation", [.activationTableLoad, .activate],
      as: "[ACT_TABLE_LOAD] ACTIVATE [ACTIVATION_READ_ACCUMULATOR]",
      operands:
        "dst, function, data, scale and bias: constant or [P,1] (NeuronCore-v2: bias [P,1]); "
        + "reduce command: reset, idle, reduce, reset_reduce",
      formats: any,
      cost: "PSUM N + 312 cycles, SBUF N + 353, with one bias pointer; a table load 1,283 ns",
      source: "\(captures); \(measured)"),
    InterfaceOperation(
      "activation_reduce", [.activationTableLoad, .activate, .activationReadAccumulator],
      as: "[ACT_TABLE_LOAD] ACTIVATE ACTIVATION_READ_ACCUMULATOR",
      operands: "as activation, and reduce_res [P,1]", formats: any,
      cost: "as activation, and 279 ns to the sums", source: measured),
    InterfaceOperation(
      "activate2", [.activationTableLoad, .activate2],
      as: "[ACT_TABLE_LOAD] ACTIVATE2 [ACTIVATION_READ_ACCUMULATOR]",
      operands:
        "dst, function, data, op0, imm0, op1, imm1: mul with add, sub or bypass; add, sub, bypass; "
        + "slope; reduction add, max, min, absmax, absmin; NeuronCore-v4",
      formats: any, cost: "as activation (assumed); narrow formats N/2", source: "not published"),
  ]
}
