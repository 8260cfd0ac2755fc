import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Section 3 of the captured laws: the vector engine.
@Suite struct VectorLawTests {
  /// A cold instruction followed by two warm ones of the same kind.
  private func burst(_ operation: Operation, count: Int = 3) throws -> [TestBench.Row] {
    var bench = TestBench()
    // An instruction that waits for nothing but an idle engine counts as cold: it starts the queue.
    for _ in 0..<count { bench.add(.vector, operation) }
    return try bench.run().rows[.vector]!
  }

  private let pointer = ScalarOperand.pointer(.column(at: 40_000))

  @Test func reductions() throws {
    let fromPSUM = try burst(.tensorReduce(TensorReduce(sbuf(1), psum(512), .max)))
    let fromSBUF = try burst(.tensorReduce(TensorReduce(sbuf(1), sbuf(512, at: 4_096), .max)))
    let short = try burst(.tensorReduce(TensorReduce(sbuf(1), sbuf(4, at: 4_096), .add)))
    expectLaws([
      LawRow(name: "reduce PSUM cold", observed: 689...691, modelled: fromPSUM[0].duration),
      LawRow(name: "reduce PSUM warm", observed: 678...680, modelled: fromPSUM[1].duration),
      LawRow(
        name: "reduce PSUM interval", observed: 598...598,
        modelled: fromPSUM[2].start - fromPSUM[1].start),
      LawRow(
        name: "reduce PSUM after cold", observed: 608...608,
        modelled: fromPSUM[1].start - fromPSUM[0].start),
      LawRow(name: "reduce SBUF cold", observed: 685...687, modelled: fromSBUF[0].duration),
      LawRow(name: "reduce SBUF warm", observed: 672...678, modelled: fromSBUF[1].duration),
      LawRow(
        name: "reduce SBUF interval", observed: 592...593,
        modelled: fromSBUF[2].start - fromSBUF[1].start),
      LawRow(
        name: "reduce SBUF after cold", observed: 603...603,
        modelled: fromSBUF[1].start - fromSBUF[0].start),
      LawRow(name: "reduce SBUF N=4", observed: 156...157, modelled: short[0].duration),
    ])
  }

  @Test func copies() throws {
    for target in [sbuf(512, at: 8_192), sbuf(512, .bfloat16, at: 8_192)] {
      let rows = try burst(.copy(Copy(target, from: psum(512))))
      expectLaws([
        LawRow(name: "copy PSUM 512 cold", observed: 689...691, modelled: rows[0].duration),
        LawRow(name: "copy PSUM 512 warm", observed: 679...684, modelled: rows[1].duration),
        LawRow(
          name: "copy PSUM 512 interval", observed: 598...598,
          modelled: rows[2].start - rows[1].start),
      ])
    }
    let narrow = try burst(.copy(Copy(sbuf(128, at: 8_192), from: psum(128))))
    expectLaws([
      LawRow(name: "copy PSUM 128 cold", observed: 289...291, modelled: narrow[0].duration)
    ])
  }

  @Test func scalars() throws {
    let rows = try burst(
      .tensorScalar(TensorScalar(sbuf(512, at: 8_192), sbuf(512), .multiply, pointer)))
    let fromPSUM = try burst(
      .tensorScalar(TensorScalar(sbuf(128, at: 8_192), psum(128), .multiply, pointer)))
    expectLaws([
      LawRow(name: "tensor_scalar cold", observed: 486...487, modelled: rows[0].duration),
      LawRow(name: "tensor_scalar warm", observed: 480...482, modelled: rows[1].duration),
      LawRow(
        name: "tensor_scalar interval", observed: 396...396,
        modelled: rows[2].start - rows[1].start),
      LawRow(
        name: "tensor_scalar after cold", observed: 402...402,
        modelled: rows[1].start - rows[0].start),
      LawRow(
        name: "tensor_scalar PSUM 128", observed: 348...351, modelled: fromPSUM[0].duration),
    ])
  }

  @Test func reciprocal() throws {
    let rows = try burst(.reciprocal(Reciprocal(sbuf(4, at: 8_192), sbuf(4))))
    expectLaws([
      LawRow(name: "reciprocal N=4", observed: 178...178, modelled: rows[0].duration)
    ])
  }

  @Test func controlRows() throws {
    var bench = TestBench()
    bench.add(.vector, .copy(Copy(sbuf(512, at: 8_192), from: psum(512))))
    bench.add(.vector, .control(ControlInstruction(.drain)))
    let rows = try bench.run().rows[.vector]!
    expectLaws([
      LawRow(
        name: "DVE drain after last completion", observed: 48...51,
        modelled: rows[1].end - rows[0].end)
    ])
  }
}
