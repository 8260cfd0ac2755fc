import Hardware

extension InterfaceOperation {
  private static let reference = "NKI instruction reference"
  private static let measured = "third-party micro-benchmarks"
  private static let any = "any in, any out; computed in fp32"

  /// Operations of the GpSimd engine. All operands lie in SBUF.
  static let gpsimdEngine: [InterfaceOperation] = [
    InterfaceOperation(
      "iota", [.iota], operands: "dst, up to four (step, size), offset, channel multiplier",
      formats: "32-bit integers, cast to any", cost: "N + 150 cycles", source: reference),
    InterfaceOperation(
      "affine_select", [.affineSelect],
      operands:
        "dst, data, up to four (step, size), offset, channel multiplier, comparison, constant",
      formats: any, cost: "176.9 ns + 0.846 ns x N", source: measured),
    InterfaceOperation(
      "tensor_partition_reduce", [.partitionReduce],
      operands: "dst [1,N], data [P,N], op: add, average, max, or, and",
      formats: "any in fp32; or, and: integers", cost: "128 N + 150 cycles (assumed)",
      source: "not published; measured kernels call it very slow"),
    InterfaceOperation(
      "local_gather", [.localGather],
      operands:
        "dst, src, index: per 16 partitions, up to 4,096; 1, 2, 4, 8, 16 or 32 elements each; "
        + "P in steps of 16", formats: "any, bits unchanged; index uint16",
      cost: "150 + I E (28 + 4 E) / (4 E min(4 / bytes, E)) cycles for I indices of E elements",
      source: "\(reference), SDK 2.26"),
    InterfaceOperation(
      "nc_n_gather", [.freeGather], operands: "dst [P,N], data [P,M], indices [P,N]",
      formats: "any, bits unchanged; indices uint32",
      cost: "4 N + 150 cycles for each 512 elements (assumed)", source: "not published"),
    InterfaceOperation(
      "sequence_bounds", [.sequenceBounds], operands: "dst [1,2,N], segment_ids [1,N]",
      formats: "fp32, int32", cost: "4 N + 150 cycles (assumed)", source: "not published"),
    InterfaceOperation(
      "nonzero_with_count", [.nonzeroWithCount],
      operands: "dst [P,N+1], src [P,N], offset, padding; partitions 0, 16, ..., 112 only",
      formats: "fp32, int32; dst int32", cost: "4 N + 150 cycles (assumed)",
      source: "not published", since: 3),
    InterfaceOperation(
      "topk", [.topK],
      operands:
        "val_dst [P,K], idx_dst [P,K], src; n from 8 to 65,535, K to 32,767; P in steps of 16",
      formats: "bf16; idx_dst uint32", cost: "4 n + K cycles", source: reference, since: 3),
    InterfaceOperation(
      "tensor_tensor (power, int32)", [.tensorTensor],
      operands: "dst, data1, data2; power in fp32, or add, sub, mul, max, min on whole numbers",
      formats: "power any; int32 and uint32 without fp32 between",
      cost: "power 8 N + 150, integers N + 150 cycles (assumed)", source: "not published",
      only: [.gpsimd]),
    InterfaceOperation(
      "tensor_scalar (rsqrt)", [.tensorScalar],
      operands: "dst, data, op0 or op1 rsqrt, whose scalar is not looked at", formats: any,
      cost: "4 N + 150 cycles", source: "\(reference): a quarter of the scalar engine's rate",
      only: [.gpsimd]),
  ]
}
