extension InterfaceOperation {
  private static let reference = "NKI instruction reference"
  private static let captures = "profiler captures"

  /// Transfers, and what the two cores of a logical core do together.
  static let transfers: [InterfaceOperation] = [
    InterfaceOperation(
      "dma_copy", [.pseudoDMATrigger, .dmaDirect],
      as: "DMA_DIRECT2D; dge_mode none: PSEUDO_DMA_TRIGGER",
      operands:
        "dst, src in HBM or SBUF, as many elements in each; add; dge_mode auto, none, swdge, "
        + "hwdge (NeuronCore-v3); scalar offset with bound, error or skip beyond; priority 0 to 3 "
        + "(NeuronCore-v4)", formats: "any; differing ones and sums by way of fp32",
      cost: "trigger 550 to 612 ns (none: 68; an address from a register: at least 600 cycles), "
        + "665 ns to the first byte, (bytes/32 + 4) cycles a "
        + "descriptor; adding twice that",
      source: "\(captures); DMA bandwidth guide"),
    InterfaceOperation(
      "dma_copy (vector offset)", [.dmaIndirect],
      operands:
        "SBUF [P,N], HBM table rows, index SBUF [P,1]; gather or scatter; add; error or skip "
        + "beyond the table", formats: "any; index uint32",
      cost: "as dma_copy in software, and 30 ns per index row (assumed)",
      source: "\(reference); the time per row is assumed"),
    InterfaceOperation(
      "dma_transpose", [.dmaTranspose],
      operands:
        "dst SBUF, src HBM or SBUF; axes (1,0), (2,1,0), (3,1,2,0); hwdge: two bytes, first of "
        + "1, 2, 4, 8, 16, last up to 128; priority (NeuronCore-v4)",
      formats: "formats of two and four bytes", cost: "as dma_copy at 90 % (HBM) or 50 % (SBUF)",
      source: "NKI DMA overview"),
    InterfaceOperation(
      "dma_transpose (vector offset)", [.dmaGatherTranspose],
      operands: "dst SBUF [D,I], HBM table rows of D, index SBUF [16 to 128 in steps of 16, n]",
      formats: "formats of two bytes; index uint32",
      cost: "as dma_copy in software at 90 %, and 30 ns per index row (assumed)",
      source: reference),
    InterfaceOperation(
      "dma_compute", [.dmaCompute],
      operands: "dst, 1 to 16 sources in HBM or SBUF with a scale each; add; fixed addresses",
      formats: "any by way of fp32",
      cost: "as dma_copy, a pass per source; two sources in SBUF one pass on NeuronCore-v4",
      source: "\(reference); Neuron NEFF guide"),
    InterfaceOperation(
      "dma_compute (vector offset)", [.dmaIndirect],
      operands: "as dma_copy (vector offset) with add; row numbers differ",
      formats: "any by way of fp32; index uint32",
      cost: "as dma_copy (vector offset), two passes", source: reference),
    InterfaceOperation(
      "sendrecv", [.sendReceive],
      operands:
        "src, dst in SBUF, ranks 0 and 1, pipe; GpSimd's DMA up to 256 elements; needs LNC=2",
      formats: "any, bits unchanged", cost: "2 us", source: "notes on DeltaNet, measured",
      since: 3),
    InterfaceOperation(
      "core_barrier", [.coreBarrier], operands: "id, semaphore; needs LNC=2", formats: "none",
      cost: "1 us once both cores have come (assumed)", source: "not published", since: 3),
  ]
}
