import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Section 4 of the captured laws: the scalar engine.
@Suite struct ScalarLawTests {
  private func burst(_ operation: Operation, count: Int = 4) throws -> [TestBench.Row] {
    var bench = TestBench()
    for _ in 0..<count { bench.add(.scalar, operation) }
    return try bench.run().rows[.scalar]!
  }

  private let bias = ScalarOperand.pointer(.column(at: 40_000))

  @Test func exponentialFromPSUM() throws {
    let rows = try burst(
      .activate(Activate(sbuf(512, at: 8_192), .exp, psum(512), bias: bias)))
    expectLaws([
      LawRow(name: "EXP PSUM cold", observed: 686...687, modelled: rows[0].duration),
      LawRow(name: "EXP PSUM warm", observed: 679...699, modelled: rows[2].duration),
      LawRow(
        name: "EXP PSUM dispatch interval", observed: 570...570,
        modelled: rows[2].start - rows[1].start),
      LawRow(
        name: "EXP PSUM after cold", observed: 585.5...585.5,
        modelled: rows[1].start - rows[0].start),
      LawRow(
        name: "EXP PSUM completion interval", observed: 577...581,
        modelled: rows[2].end - rows[1].end),
    ])
  }

  @Test func exponentialFromSBUF() throws {
    let rows = try burst(
      .activate(Activate(sbuf(512, at: 8_192), .exp, sbuf(512), bias: bias)))
    expectLaws([
      LawRow(name: "EXP SBUF cold", observed: 720...721, modelled: rows[0].duration),
      LawRow(name: "EXP SBUF warm", observed: 705...707, modelled: rows[1].duration),
      LawRow(
        name: "EXP SBUF interval", observed: 612.5...612.5,
        modelled: rows[2].start - rows[1].start),
      LawRow(
        name: "EXP SBUF after cold", observed: 627.5...627.5,
        modelled: rows[1].start - rows[0].start),
      LawRow(
        name: "EXP SBUF completion interval", observed: 611...615,
        modelled: rows[2].end - rows[1].end),
    ])
  }

  @Test func copies() throws {
    for target in [sbuf(512, at: 8_192), sbuf(512, .bfloat16, at: 8_192)] {
      let rows = try burst(.copy(Copy(target, from: psum(512))))
      expectLaws([
        LawRow(name: "ACT copy 512", observed: 584...586, modelled: rows[0].duration),
        LawRow(
          name: "ACT copy after cold", observed: 482...482,
          modelled: rows[1].start - rows[0].start),
        LawRow(
          name: "ACT copy after warm", observed: 465...476,
          modelled: rows[2].start - rows[1].start),
        LawRow(
          name: "ACT copy completion interval", observed: 486...489,
          modelled: rows[2].end - rows[1].end),
      ])
    }
    let narrow = try burst(.copy(Copy(sbuf(128, at: 8_192), from: psum(128))))
    expectLaws([
      LawRow(name: "ACT copy 128", observed: 264...265, modelled: narrow[0].duration)
    ])
  }

  @Test func tableLoadAndControl() throws {
    let load = try burst(.tableLoad(ActivationTableLoad(ActivationFunction.exp.table)), count: 1)
    var bench = TestBench()
    bench.tensors = [TensorParameter(name: "t", sizeBytes: 1 << 20)]
    bench.add(.scalar, .control(ControlInstruction(.eventSemaphore)))
    let trigger = Operation.dma(
      DMADirect(
        .hbm(.init(tensor: 0, .float32, byteOffset: 0, rows: 128, columns: 128, rowStride: 128)),
        from: .onChip(sbuf(128))))
    bench.add(.scalar, trigger)
    bench.add(.scalar, trigger)
    bench.add(.scalar, .copy(Copy(sbuf(128, at: 8_192), from: psum(128))))
    bench.add(.scalar, .control(ControlInstruction(.drain)))
    let rows = try bench.run().rows[.scalar]!
    expectLaws([
      LawRow(name: "ACT_TABLE_LOAD", observed: 1_283...1_283, modelled: load[0].duration),
      LawRow(name: "EVENT_SEMAPHORE", observed: 40...40, modelled: rows[0].duration),
      LawRow(
        name: "trigger after EVENT_SEMAPHORE", observed: 90...95,
        modelled: rows[1].start - rows[0].start),
      LawRow(name: "first HWDGE trigger", observed: 612...613, modelled: rows[1].duration),
      LawRow(name: "HWDGE trigger", observed: 571...572, modelled: rows[2].duration),
      LawRow(
        name: "DRAIN after completion", observed: 35...37,
        modelled: rows[4].end - rows[3].end),
    ])
  }

  @Test func triggerHidesUnderCompute() throws {
    var bench = TestBench()
    bench.add(.scalar, .copy(Copy(sbuf(512, at: 8_192), from: psum(512))))
    bench.add(.scalar, .control(ControlInstruction(.eventSemaphore)))
    let rows = try bench.run().rows[.scalar]!
    expectLaws([
      LawRow(
        name: "control row under compute", observed: 5...7,
        modelled: rows[1].start - rows[0].start)
    ])
  }
}
