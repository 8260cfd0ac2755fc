extension InterfaceOperation {
  private static let reference = "NKI instruction reference, SDK 2.26"
  private static let measured = "third-party micro-benchmarks"
  private static let any = "any in, any out; computed in fp32"

  /// Operations of the vector engine, some of them on other engines too.
  static let vectorEngine: [InterfaceOperation] = [
    InterfaceOperation(
      "tensor_copy", [.copy], as: "COPY, or CAST when formats differ", operands: "dst, src",
      formats: "any; equal formats copy bits",
      cost: "SBUF: fp32 N/2, 16-bit N/4 cycles, + 149; PSUM N + 151; on the scalar engine N + 190",
      source: "profiler captures; \(measured)"),
    InterfaceOperation(
      "tensor_tensor", [.tensorTensor], operands: "dst, data1, data2, op; not both inputs in PSUM",
      formats: any, cost: "N + 154 cycles; all 16-bit in SBUF N/2; GpSimd N + 150",
      source: measured),
    InterfaceOperation(
      "tensor_scalar", [.tensorScalar],
      operands: "dst, data, op0, operand0, op1, operand1: constant or [P,1]", formats: any,
      cost: "SBUF: fp32 N/2, 16-bit N/4 cycles; PSUM N; + 154, a pointer 65 more",
      source: "profiler captures; \(measured)"),
    InterfaceOperation(
      "scalar_tensor_tensor", [.scalarTensorTensor],
      operands: "dst, data, op0, operand0, op1, operand1 [P,N]", formats: any,
      cost: "as tensor_tensor", source: reference),
    InterfaceOperation(
      "tensor_reduce", [.tensorReduce], operands: "dst, data, op: add, mul, max, min, absmax",
      formats: any, cost: "N + 146 cycles, from PSUM N + 151", source: "profiler captures"),
    InterfaceOperation(
      "tensor_tensor_scan", [.tensorTensorScan],
      operands: "dst, data0, data1, initial: constant or [P,1], op0, op1", formats: any,
      cost: "2 N + 151 cycles, 60 ns more for a seed in memory", source: measured),
    InterfaceOperation(
      "reciprocal", [.reciprocal], operands: "dst, data", formats: any, cost: "6 N + 146 cycles",
      source: "profiler captures; documented 8 N"),
    InterfaceOperation(
      "select", [.select], operands: "dst, predicate, on_true, on_false", formats: any,
      cost: "as tensor_tensor (assumed)", source: "not published"),
    InterfaceOperation(
      "memset", [.memset], operands: "dst, value", formats: "any",
      cost: "58 ns + 0.833 ns x N", source: measured),
    InterfaceOperation(
      "bn_stats", [.batchNormStatistics], operands: "dst [P,6] fp32, data; N up to 512",
      formats: any, cost: "N + 146 cycles", source: reference),
    InterfaceOperation(
      "bn_aggr", [.batchNormAggregate], operands: "dst [P,2], data [P,3n]", formats: any,
      cost: "13 N / 3 + 146 cycles", source: reference),
    InterfaceOperation(
      "max8", [.max8], operands: "dst [P,8], src; N 8 to 16,384", formats: any,
      cost: "N + 144 cycles", source: "\(reference); nki-library cost model"),
    InterfaceOperation(
      "nc_find_index8", [.findIndex8], operands: "dst [P,8], data, vals [P,8]; N 8 to 16,384",
      formats: "any; indices uint16, uint32", cost: "N + 144 cycles",
      source: "\(reference); nki-library cost model"),
    InterfaceOperation(
      "nc_transpose (vector)", [.streamTranspose],
      operands: "dst, data: blocks of 32 x 32 within quadrants", formats: "any; bits unchanged",
      cost: "233 ns for a block, 93 ns from block to block", source: measured),
  ]
}
