extension InterfaceOperation {
  private static let reference = "NKI instruction reference, SDK 2.26"
  private static let guide = "NKI architecture guide, trainium3"
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
      "tensor_tensor", [.tensorTensor],
      operands:
        "dst, data1, data2, op; not both inputs in PSUM; power, and "
        + "32-bit integers unless told otherwise, on GpSimd",
      formats: any, cost: "N + 154 cycles; all 16-bit in SBUF N/2; GpSimd N + 150",
      source: measured),
    InterfaceOperation(
      "tensor_scalar", [.tensorScalar],
      operands:
        "dst, data, op0, operand0, op1, operand1: constant or [P,1]; invert and reciprocal of data "
        + "alone, from NeuronCore-v4 on abs, square and relu as op0; scalar engine from v3 on",
      formats: any,
      cost: "SBUF: fp32 N/2, 16-bit N/4 cycles; PSUM N; + 154, a pointer 65 more",
      source: "profiler captures; \(measured)"),
    InterfaceOperation(
      "scalar_tensor_tensor", [.scalarTensorTensor],
      operands: "dst, data, op0, operand0, op1, operand1 [P,N]", formats: any,
      cost: "as tensor_tensor", source: reference),
    InterfaceOperation(
      "tensor_reduce", [.tensorReduce],
      operands: "dst, data, op: arithmetic, logical, raw bits; negate",
      formats: any, cost: "N + 146 cycles, from PSUM N + 151", source: "profiler captures"),
    InterfaceOperation(
      "tensor_tensor_scan", [.tensorTensorScan],
      operands: "dst, data0, data1, initial: constant or [P,1], op0, op1, reversed", formats: any,
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
      "tensor_scalar_reduce", [.tensorScalarReduce, .vectorReadAccumulator],
      as: "TENSOR_SCALAR_REDUCE [VECTOR_READ_ACCUMULATOR]",
      operands: "dst, data, op0, operand0, reduction add, mul, max, min, command, reduce_res [P,1]",
      formats: any, cost: "N + 146 cycles, and 64 to read the registers", source: reference),
    InterfaceOperation(
      "tensor_scalar_cumulative", [.tensorScalarCumulative],
      operands: "dst, src, op0, imm0, op1 add, sub, mul, max, min, command, imm1",
      formats: "all but int32, uint32", cost: "N + 146 cycles (assumed)",
      source: "not published"),
    InterfaceOperation(
      "select_reduce", [.selectReduce], as: "SELECT_REDUCE [VECTOR_READ_ACCUMULATOR]",
      operands: "dst, predicate, on_true, on_false: constant or [P,1], reversed, command",
      formats: "predicate int8, uint8, int16, uint16; on_true not tf32, int32, uint32",
      cost: "as tensor_tensor (assumed)", source: "not published"),
    InterfaceOperation(
      "range_select", [.rangeSelect], as: "RANGE_SELECT [VECTOR_READ_ACCUMULATOR]",
      operands: "dst, on_true, op0, bound0 [P,1], op1, bound1 [P,1], start; NeuronCore-v3",
      formats: "floating-point; bounds fp32", cost: "N + 146 cycles, 65 more for each bound",
      source: reference),
    InterfaceOperation(
      "tensor_copy_predicated", [.copyPredicated],
      operands: "dst, src, predicate, reversed; src and predicate not both in PSUM",
      formats: "src as dst; predicate uint8, uint16, uint32", cost: "1.06 N + 149 cycles, PSUM N",
      source: measured),
    InterfaceOperation(
      "tensor_copy_predicated (number)", [.copyPredicatedScalar],
      operands: "dst, constant, predicate, reversed", formats: "predicate uint8, uint16, uint32",
      cost: "1.06 N + 149 cycles, PSUM N", source: measured),
    InterfaceOperation(
      "tensor_copy_dynamic_src", [.tensorLoad, .copy], as: "[TENSOR_LOAD] COPY",
      operands: "dst, src at a register's offset", formats: "as tensor_copy",
      cost: "max(600, N) cycles", source: reference),
    InterfaceOperation(
      "tensor_copy_dynamic_dst", [.tensorLoad, .copy], as: "[TENSOR_LOAD] COPY",
      operands: "dst at a register's offset, src", formats: "as tensor_copy",
      cost: "max(600, N) cycles", source: reference),
    InterfaceOperation(
      "nc_match_replace8", [.matchReplace8],
      operands: "dst, data, vals [P,8], constant, dst_idx [P,8]; N up to 16,384",
      formats: "any; indices uint16, uint32", cost: "N + 144 cycles",
      source: "\(reference); nki-library cost model"),
    InterfaceOperation(
      "nc_stream_shuffle", [.streamShuffle], operands: "dst, src, mask of 32 partitions or 255",
      formats: "any; bits unchanged", cost: "N + 137 cycles", source: measured),
    InterfaceOperation(
      "dropout", [.dropout], operands: "dst, data, probability: constant or [P,1]",
      formats: "any; integers keep their format", cost: "N + 146 cycles", source: reference),
    InterfaceOperation(
      "rng", [.random], operands: "dst; GpSimd from NeuronCore-v3 on", formats: "integers",
      cost: "N + 146 cycles (assumed), NeuronCore-v4 N/4; GpSimd 4 N + 150 (assumed)",
      source: guide),
    InterfaceOperation(
      "rand2", [.randomUniform], operands: "dst, min, max: constant or [P,1]; NeuronCore-v4",
      formats: "floating-point", cost: "N/4 + 146 cycles", source: guide),
    InterfaceOperation(
      "rand_set_state", [.setRandomState],
      operands: "src SBUF [P,6] (GpSimd), [P,24] (vector engine of NeuronCore-v4)",
      formats: "uint32", cost: "a cycle per word (assumed)", source: "not published"),
    InterfaceOperation(
      "rand_get_state", [.getRandomState],
      operands: "dst [P,6] (GpSimd), [P,24] (vector engine of NeuronCore-v4)",
      formats: "uint32", cost: "a cycle per word (assumed)", source: "not published"),
    InterfaceOperation(
      "set_rng_seed", [.setRandomSeed], operands: "seed [1,1]", formats: "int32, uint32",
      cost: "147 cycles (assumed)", source: "not published"),
    InterfaceOperation(
      "exponential", [.exponential], as: "EXPONENTIAL [VECTOR_READ_ACCUMULATOR]",
      operands: "dst, src, max: constant or [P,1], command, reduce_init; NeuronCore-v4",
      formats: "all but fp8e3m4, e4m3fn, uint32", cost: "N/4 + 146 cycles", source: guide),
    InterfaceOperation(
      "quantize_mx", [.quantizeMX],
      operands: "dst SBUF [P,F/4] x4, src SBUF [P,F], scales SBUF; P in steps of 32; NeuronCore-v4",
      formats: "fp16, bf16 to packed fp8 (e4m3fn, e5m2), scales uint8", cost: "N/4 + 146 cycles",
      source: "\(reference); \(guide)"),
    InterfaceOperation(
      "nc_transpose (vector)", [.streamTranspose],
      operands: "dst, data: blocks of 32 x 32 within quadrants", formats: "any; bits unchanged",
      cost: "233 ns for a block, 93 ns from block to block", source: measured),
  ]
}
