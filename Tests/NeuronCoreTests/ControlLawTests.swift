import CoreState
import Hardware
import InstructionSet
import Testing
import Units

/// Section 6 of the captured laws: rows that the sequencer carries out alone.
@Suite struct ControlLawTests {
  /// A control row on an idle engine, and the row after it.
  private func pair(_ opcode: Opcode, _ engine: Engine) throws -> (duration: Double, next: Double) {
    var bench = TestBench()
    bench.add(engine, .control(ControlInstruction(opcode)))
    bench.add(engine, .control(ControlInstruction(opcode)))
    let rows = try bench.run().rows[engine]!
    return (rows[0].duration, rows[1].start - rows[0].start)
  }

  @Test func eventSemaphores() throws {
    let tensor = try pair(.eventSemaphore, .tensor)
    let scalar = try pair(.eventSemaphore, .scalar)
    let vector = try pair(.eventSemaphore, .vector)
    let gpsimd = try pair(.eventSemaphore, .gpsimd)
    expectLaws([
      LawRow(name: "PE row", observed: 52...52, modelled: tensor.duration),
      LawRow(name: "PE next", observed: 77...77, modelled: tensor.next),
      LawRow(name: "ACT row", observed: 40...40, modelled: scalar.duration),
      LawRow(name: "ACT next", observed: 90...95, modelled: scalar.next),
      LawRow(name: "DVE row", observed: 23...23, modelled: vector.duration),
      LawRow(name: "DVE next", observed: 103...103, modelled: vector.next),
      LawRow(name: "GpSimd row", observed: 19...19, modelled: gpsimd.duration),
    ])
  }

  @Test func otherRows() throws {
    let drains: [(Engine, ClosedRange<Double>)] = [
      (.tensor, 12...12), (.vector, 13...13), (.scalar, 7...7), (.gpsimd, 29...29), (.sync, 8...8),
    ]
    let modes: [(Engine, ClosedRange<Double>)] = [
      (.tensor, 44...44), (.vector, 56...56), (.scalar, 41...41), (.gpsimd, 41...41),
      (.sync, 24...24),
    ]
    let notifies: [(Engine, ClosedRange<Double>)] = [
      (.vector, 13...13), (.scalar, 4...9), (.gpsimd, 10...20), (.sync, 10...10),
    ]
    var rows: [LawRow] = []
    for (opcode, list) in [
      (Opcode.drain, drains), (.setOrderingMode, modes), (.notify, notifies),
    ] {
      for (engine, observed) in list where opcode != .drain {
        rows.append(
          LawRow(
            name: "\(opcode.name) on \(engine.name)", observed: observed,
            modelled: try pair(opcode, engine).duration))
      }
      for (engine, observed) in list where opcode == .drain {
        // An idle engine: nothing of its data path is under way.
        let cost = ControlInstruction(.drain).cost(on: .trainium2, engine: engine)
        rows.append(
          LawRow(
            name: "DRAIN on \(engine.name)", observed: observed,
            modelled: cost.coldDuration.nanoseconds))
      }
    }
    rows.append(
      LawRow(
        name: "NOP on gpsimd", observed: 17...17, modelled: try pair(.nop, .gpsimd).duration))
    expectLaws(rows)
  }

  /// From the start of a row to that of the next, its like; captures show other rows as well, which
  /// the ranges hold.
  @Test func intervals() throws {
    let observed: [(Opcode, Engine, ClosedRange<Double>)] = [
      (.notify, .tensor, 74...88), (.notify, .vector, 62...72), (.notify, .scalar, 55...74),
      (.notify, .gpsimd, 50...68), (.notify, .sync, 46...80), (.setOrderingMode, .tensor, 97...140),
      (.setOrderingMode, .vector, 73...119), (.setOrderingMode, .scalar, 47...128),
      (.setOrderingMode, .gpsimd, 85...96), (.setOrderingMode, .sync, 74...107),
      (.nop, .tensor, 92...101), (.nop, .gpsimd, 59...60),
    ]
    // Here a DRAIN would wait for the DRAIN before it, so that its law alone is compared.
    let drains: [(Engine, ClosedRange<Double>)] = [
      (.tensor, 92...99), (.vector, 70...76), (.scalar, 76...76), (.gpsimd, 77...77),
      (.sync, 64...72),
    ]
    expectLaws(
      try observed.map { opcode, engine, range in
        LawRow(
          name: "\(opcode.name) on \(engine.name) to the next", observed: range,
          modelled: try pair(opcode, engine).next)
      }
        + drains.map { engine, range in
          let cost = ControlInstruction(.drain).cost(on: .trainium2, engine: engine)
          return LawRow(
            name: "DRAIN on \(engine.name) to the next", observed: range,
            modelled: cost.intervalAfterCold.nanoseconds)
        })
  }

  @Test func rangeClear() throws {
    let observed: [(Engine, ClosedRange<Double>)] = [
      (.sync, 99...99), (.scalar, 277...277), (.gpsimd, 287...287), (.vector, 312...312),
      (.tensor, 375...375),
    ]
    for (engine, range) in observed {
      var bench = TestBench()
      bench.add(engine, .control(ControlInstruction(clear: 100, count: 50)))
      expectLaws([
        LawRow(
          name: "range clear on \(engine.name)", observed: range,
          modelled: try bench.run().rows[engine]![0].duration)
      ])
    }
  }

  @Test func branches() throws {
    var bench = TestBench()
    bench.add(.vector, .register(.branch(0, .equal, .immediate(1), to: 1)))
    bench.add(.vector, .register(.branch(to: 2)))
    bench.add(.vector, .control(ControlInstruction(.nop)))
    let rows = try bench.run().rows[.vector]!
    expectLaws([
      LawRow(name: "conditional branch", observed: 123...240, modelled: rows[0].duration),
      LawRow(name: "unconditional branch", observed: 55...70, modelled: rows[1].duration),
    ])
  }
}
