import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// One refusal for each rule of GpSimd's operands, and of generations.
@Suite struct GpSimdFaultTests {
  private func expect(
    _ operation: Operation, _ operand: String, _ rule: Fault.Rule, on engine: Engine = .gpsimd,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(
      fault(operation, engine)
        == Fault(operation.opcode.name, operand: operand, rule, engine: engine),
      sourceLocation: sourceLocation)
  }

  private let lanes = 0..<32
  private func tile(_ format: NumberFormat, _ columns: Int, _ lanes: Range<Int>? = nil)
    -> AccessPattern
  {
    sbuf(format, columns, partitions: lanes ?? self.lanes)
  }

  @Test func partitionReductions() {
    let (d, s) = (tile(.float32, 4, 0..<1), tile(.float32, 4))
    #expect(fault(.partitionReduce(PartitionReduce(d, s, .add)), .gpsimd) == nil)
    expect(
      .partitionReduce(PartitionReduce(s, s, .add)), "dst",
      .partitionMismatch(found: 32, expected: 1))
    expect(
      .partitionReduce(PartitionReduce(d, tile(.float32, 5), .add)), "src",
      .elementCountMismatch(found: 5, expected: 4))
    expect(
      .partitionReduce(PartitionReduce(d, s, .or)), "dst",
      .format(found: "or on fp32", allowed: "integer formats"))
    expect(
      .partitionReduce(PartitionReduce(tile(.int32, 4, 0..<1), s, .and)), "src",
      .format(found: "and on fp32", allowed: "integer formats"))
    expect(
      .partitionReduce(PartitionReduce(d, psum(.float32, 4), .add)), "src",
      .space(found: "psum", allowed: "sbuf: GpSimd does not reach PSUM"))
    expect(
      .partitionReduce(PartitionReduce(d, s, .add)), "queue", .engine(allowed: ["gpsimd"]),
      on: .vector)
  }

  private func local(
    _ d: AccessPattern, _ s: AccessPattern, _ i: AccessPattern, run: Int = 1, valid: Int = 0
  ) -> Operation {
    .localGather(LocalGather(d, s, index: i, run: run, valid: valid))
  }

  @Test func localGathers() {
    let (d, s, i) = (tile(.bfloat16, 16), tile(.bfloat16, 9), tile(.uint16, 1))
    #expect(fault(local(d, s, i), .gpsimd) == nil)
    expect(
      local(d, s, tile(.uint32, 1)), "index", .format(found: "uint32", allowed: "uint16"))
    expect(local(tile(.float16, 16), s, i), "dst", .format(found: "fp16", allowed: "bf16"))
    let odd = 0..<24
    expect(
      local(d, tile(.bfloat16, 9, odd), tile(.uint16, 1, odd)), "src",
      .value(found: "24 partitions", allowed: "multiples of 16"))
    expect(
      local(d, s, tile(.uint16, 1, 0..<16)), "index", .partitionMismatch(found: 16, expected: 32))
    expect(
      local(tile(.bfloat16, 16, 0..<16), s, i), "dst",
      .partitionMismatch(found: 16, expected: 32))
    expect(local(d, s, i, run: 3), "run", .value(found: "3", allowed: "1, 2, 4, 8, 16, 32"))
    expect(
      local(d, s, i, valid: 17), "valid", .value(found: "17", allowed: "1 to 16 indices"))
    expect(
      local(d, s, i, run: 2), "dst", .elementCountMismatch(found: 16, expected: 32))
    expect(
      local(d, s, tile(.uint16, 257), valid: 4097), "valid",
      .value(found: "4097", allowed: "1 to 4096 indices"))
  }

  @Test func freeGathers() {
    let (d, s, i) = (tile(.int8, 5), tile(.int8, 9), tile(.uint32, 5))
    func gather(_ d: AccessPattern, _ s: AccessPattern, _ i: AccessPattern) -> Operation {
      .freeGather(FreeGather(d, s, index: i))
    }
    #expect(fault(gather(d, s, i), .gpsimd) == nil)
    expect(gather(d, s, tile(.int32, 5)), "index", .format(found: "int32", allowed: "uint32"))
    expect(gather(tile(.uint8, 5), s, i), "dst", .format(found: "uint8", allowed: "int8"))
    expect(
      gather(d, tile(.int8, 9, 0..<16), i), "src", .partitionMismatch(found: 16, expected: 32))
    expect(
      gather(d, s, tile(.uint32, 4)), "index", .elementCountMismatch(found: 4, expected: 5))
    expect(
      gather(d, s, tile(.uint32, 5, 0..<16)), "index",
      .partitionMismatch(found: 16, expected: 32))
  }

  @Test func sequences() {
    let one = 0..<1
    func bounds(_ d: AccessPattern, _ s: AccessPattern) -> Operation {
      .sequenceBounds(SequenceBounds(d, s))
    }
    #expect(fault(bounds(tile(.int32, 8, one), tile(.int32, 4, one)), .gpsimd) == nil)
    expect(
      bounds(tile(.int32, 8, one), tile(.bfloat16, 4, one)), "src",
      .format(found: "bf16", allowed: "fp32, int32"))
    expect(
      bounds(tile(.float32, 8, one), tile(.int32, 4, one)), "dst",
      .format(found: "fp32", allowed: "int32"))
    expect(
      bounds(tile(.int32, 8, one), tile(.int32, 4)), "src",
      .partitionMismatch(found: 32, expected: 1))
    expect(
      bounds(tile(.int32, 8), tile(.int32, 4, one)), "dst",
      .partitionMismatch(found: 32, expected: 1))
    expect(
      bounds(tile(.int32, 7, one), tile(.int32, 4, one)), "dst",
      .elementCountMismatch(found: 7, expected: 8))
  }

  @Test func nonzeroElements() {
    func count(_ d: AccessPattern, _ s: AccessPattern) -> Operation {
      .nonzeroWithCount(NonzeroWithCount(d, s))
    }
    #expect(fault(count(tile(.int32, 6), tile(.float32, 5)), .gpsimd) == nil)
    expect(
      count(tile(.int32, 6), tile(.float16, 5)), "src",
      .format(found: "fp16", allowed: "fp32, int32"))
    expect(
      count(tile(.uint32, 6), tile(.int32, 5)), "dst", .format(found: "uint32", allowed: "int32"))
    expect(
      count(tile(.int32, 6, 0..<16), tile(.int32, 5)), "dst",
      .partitionMismatch(found: 16, expected: 32))
    expect(
      count(tile(.int32, 5), tile(.int32, 5)), "dst",
      .elementCountMismatch(found: 5, expected: 6))
  }

  private func top(
    _ v: AccessPattern, _ p: AccessPattern, _ s: AccessPattern, _ n: Int = 32
  ) -> Operation {
    .topK(TopK(v, places: p, s, count: n))
  }

  @Test func largestValues() {
    let (v, p, s) = (tile(.bfloat16, 3), tile(.uint32, 3), tile(.bfloat16, 2))
    #expect(fault(top(v, p, s), .gpsimd) == nil)
    expect(top(tile(.float16, 3), p, s), "values", .format(found: "fp16", allowed: "bf16"))
    expect(top(v, tile(.int32, 3), s), "places", .format(found: "int32", allowed: "uint32"))
    expect(top(v, p, tile(.float32, 2)), "src", .format(found: "fp32", allowed: "bf16"))
    let odd = 0..<17
    expect(
      top(tile(.bfloat16, 3, odd), tile(.uint32, 3, odd), tile(.bfloat16, 2, odd)), "src",
      .value(found: "17 partitions", allowed: "multiples of 16"))
    expect(
      top(tile(.bfloat16, 3, 0..<16), p, s), "values",
      .partitionMismatch(found: 16, expected: 32))
    expect(
      top(v, tile(.uint32, 4), s), "places", .elementCountMismatch(found: 4, expected: 3))
    for n in [7, 33] { expect(top(v, p, s, n), "n", .value(found: "\(n)", allowed: "8 to 32")) }
    expect(
      top(tile(.bfloat16, 9), tile(.uint32, 9), s, 8), "values",
      .tooManyElements(found: 9, limit: 8))
  }

  @Test func reciprocalSquareRoots() {
    let a = sbuf(.float32, 4)
    let row = TensorScalar(a, a, .rsqrt, .immediate(0))
    #expect(fault(.tensorScalar(row), .gpsimd) == nil)
    expect(.tensorScalar(row), "op0", .engine(allowed: ["gpsimd"]), on: .vector)
    expect(
      .tensorTensor(TensorTensor(a, a, a, .rsqrt)), "op",
      .value(found: "rsqrt", allowed: "operations on two operands"))
  }

  /// What NeuronCore-v2 and v3 lack names the generation that has it.
  @Test func generationsAreNamed() {
    let exchange = SendReceive(sbuf(.float32, 4), sending: sbuf(.float32, 4), to: 1, from: 1)
    let v3: [(Operation, Engine)] = [
      (top(tile(.bfloat16, 3), tile(.uint32, 3), tile(.bfloat16, 2)), .gpsimd),
      (.nonzeroWithCount(NonzeroWithCount(tile(.int32, 6), tile(.int32, 5))), .gpsimd),
      (.sendReceive(exchange), .sync), (.coreBarrier(CoreBarrier(1, semaphore: 3)), .vector),
    ]
    for device in [Device.trainium1, .inferentia2] {
      for (operation, engine) in v3 {
        let found = fault(operation, engine, on: device)
        #expect(
          found?.rule == .generation(found: "NeuronCore-v2", needs: "NeuronCore-v3"))
        #expect(found?.description.contains("NeuronCore-v3 and later have it") == true)
      }
    }
    for (operation, engine) in v3[..<2] {
      #expect(fault(operation, engine, on: .trainium3) == nil)
    }
  }

  /// A core by itself has no partner and no fabric.
  @Test func loneCoresRefuseWhatNeedsOthers() {
    let a = sbuf(.float32, 4)
    let exchange = Operation.sendReceive(SendReceive(a, sending: a, to: 1, from: 1))
    let barrier = Operation.coreBarrier(CoreBarrier(1, semaphore: 3))
    let reduce = Operation.collective(Collective(.allReduce, .onChip(a), from: .onChip(a)))
    let pair = Fault.Rule.surroundings(needs: "a logical core of two cores (LNC=2)")
    expect(exchange, "instruction", pair, on: .sync)
    expect(barrier, "instruction", pair, on: .scalar)
    expect(
      reduce, "instruction",
      .surroundings(needs: "the other ranks of its group: a model of the chip"), on: .sync)
    #expect(fault(exchange, .sync, in: .logicalCore) == nil)
    #expect(fault(barrier, .tensor, in: .logicalCore) == nil)
    #expect(fault(reduce, .sync, in: .logicalCore) != nil)
    #expect(fault(reduce, .sync, in: .chip) == nil)
  }

  @Test func exchanges() {
    let a = tile(.bfloat16, 4)
    func exchange(
      _ d: AccessPattern, _ s: AccessPattern, to: Int = 1, from: Int = 0, gpsimd: Bool = false
    ) -> Operation {
      .sendReceive(SendReceive(d, sending: s, to: to, from: from, usesGpSimd: gpsimd))
    }
    expect(
      exchange(psum(.bfloat16, 4, partitions: lanes), a), "dst",
      .space(found: "psum", allowed: "sbuf"), on: .sync)
    expect(
      exchange(a, tile(.bfloat16, 5)), "src", .elementCountMismatch(found: 5, expected: 4),
      on: .sync)
    expect(
      exchange(a, tile(.float16, 4)), "src", .format(found: "fp16", allowed: "bf16"), on: .sync)
    expect(exchange(a, a, to: 2), "to", .value(found: "2", allowed: "0 or 1"), on: .sync)
    expect(exchange(a, a, from: -1), "from", .value(found: "-1", allowed: "0 or 1"), on: .sync)
    expect(exchange(a, a, gpsimd: true), "gpsimd", .engine(allowed: ["gpsimd"]), on: .sync)
    expect(
      exchange(tile(.bfloat16, 257), tile(.bfloat16, 257), gpsimd: true), "src",
      .outOfBounds(found: 514, limit: 512))
    expect(
      .coreBarrier(CoreBarrier(0, semaphore: 256)), "semaphore",
      .value(found: "256", allowed: "0 to 255"), on: .sync)
  }

  @Test func collectives() {
    let a = DataLocation.onChip(sbuf(.float32, 4))
    let b = DataLocation.hbm(
      TensorAccess(tensor: 0, .float32, byteOffset: 0, rows: 1, columns: 4, rowStride: 4))
    func collective(
      _ kind: CollectiveKind, _ d: DataLocation, _ s: DataLocation, _ op: ALUOperation = .add
    ) -> Operation {
      .collective(Collective(kind, d, from: s, op))
    }
    expect(
      collective(.allGather, a, b), "src",
      .space(found: "another memory than dst", allowed: "hbm or sbuf for both"), on: .sync)
    expect(
      collective(.allToAll, a, a), "src", .space(found: "sbuf", allowed: "hbm"), on: .sync)
    expect(
      collective(.reduceScatter, b, b, .multiply), "op",
      .value(found: "mul", allowed: "add, min, max"), on: .sync)
    let deep = DataLocation.onChip(pattern(.sbuf, .float32, [(2, 2), (2, 1)]))
    expect(
      collective(.allGather, deep, a), "dst", .dimensionCount(found: 2, limit: 1), on: .sync)
    var urgent = Collective(.allGather, b, from: b)
    urgent.priority = 1
    #expect(
      fault(.collective(urgent), .sync)?.rule
        == .generation(found: "NeuronCore-v3", needs: "NeuronCore-v4"))
    #expect(
      fault(collective(.allGatherVariable, b, b), .sync, on: .trainium1)?.rule
        == .generation(found: "NeuronCore-v2", needs: "NeuronCore-v3"))
  }
}
