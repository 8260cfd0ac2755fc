import Foundation
import Testing
import TraceAnalysis
import TraceFile
import Units

@Suite struct DifferenceTests {
  private func difference(
    _ base: SmallMachine, _ new: SmallMachine, rows: [ProgramRow] = SmallMachine.rows
  ) throws -> TraceDifference {
    let (first, second) = (TemporaryTrace(), TemporaryTrace())
    try base.write(first.path)
    try new.write(second.path, rows: rows)
    return try TraceDifference(
      base: TraceReader(path: first.path), new: TraceReader(path: second.path), cells: 40)
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func thePartsAddUpToTheChange(seed: UInt64) throws {
    let difference = try difference(
      SmallMachine(rounds: 20, seed: seed), SmallMachine(rounds: 23, seed: seed + 9))
    #expect(difference.change != 0)
    let path = try #require(difference.path)
    #expect(path.reduce(0) { $0 + $1.change } == difference.change)
    #expect(path.reduce(0) { $0 + $1.base } == difference.base.duration.value)
    for engine in ["tensor", "vector", "scalar", "gpsimd", "sync"] {
      let own = difference.engines.filter { $0.engine == engine }
      #expect(own.reduce(0) { $0 + $1.change } == difference.change, "\(engine)")
    }
  }

  @Test func aSlowerProductIsFoundWhereItIs() throws {
    let difference = try difference(
      SmallMachine(rounds: 20), SmallMachine(rounds: 20, productLength: 1_000))
    #expect(difference.change == 20 * 100)
    let first = try #require(difference.path?.first)
    #expect(
      (first.engine, first.cause, first.kernel, first.change)
        == ("tensor", "busy", "product", 2_000))
    #expect(difference.path?.dropFirst().allSatisfy { $0.change == 0 } == true)
    #expect(difference.instructions.groups.isEmpty)
    #expect(difference.instructions.sameRows == SmallMachine.rows.count)
  }

  @Test func equalRunsDifferInNothing() throws {
    let machine = SmallMachine(rounds: 8)
    let difference = try difference(machine, machine)
    #expect(difference.change == 0)
    #expect(difference.path?.allSatisfy { $0.change == 0 } == true)
    let document = DifferenceDocument(difference)
    #expect(document.changePs == 0)
    #expect(try document.json() == document.json())
  }

  /// Strips share one scale: the shorter run leaves its end empty.
  @Test func stripsShareOneScale() throws {
    let difference = try difference(SmallMachine(rounds: 10), SmallMachine(rounds: 20))
    #expect(difference.base.strips[0].borders == difference.new.strips[0].borders)
    #expect(difference.base.strips[0].busy.suffix(10).allSatisfy { $0 == 0 })
  }

  @Test func addedRemovedAndMovedInstructionsAreTold() throws {
    var rows = SmallMachine.rows
    rows.append(ProgramRow(opcode: "ACTIVATE", engine: .scalar, kernel: "new"))
    let added = try difference(SmallMachine(rounds: 2), SmallMachine(rounds: 2), rows: rows)
    #expect(added.instructions.groups.map(\.change) == [.added])
    #expect(added.instructions.groups.first?.opcode == "ACTIVATE")
    var gone = SmallMachine.rows
    gone[2].opcode = "TENSOR_TENSOR"
    let changed = try difference(SmallMachine(rounds: 2), SmallMachine(rounds: 2), rows: gone)
    #expect(Set(changed.instructions.groups.map(\.change)) == [.added, .removed])
    #expect(changed.instructions.groups.allSatisfy { $0.executions == 2 })
  }

  @Test func anInstructionInAnotherPlaceHasMoved() throws {
    func rows(_ order: [Int]) -> [ProgramRow] {
      order.map {
        ProgramRow(opcode: "MATMUL", engine: .tensor, kernel: "k", sourceLine: UInt32($0))
      }
    }
    let (first, second) = (TemporaryTrace(), TemporaryTrace())
    for (trace, order) in [(first, [1, 2, 3, 4, 5, 6]), (second, [1, 5, 2, 3, 4, 6])] {
      var writer = try TraceWriter(path: trace.path, metadata: TraceMetadata())
      _ = try writer.append(program: rows(order))
      try writer.finish()
    }
    let difference = try TraceDifference(
      base: TraceReader(path: first.path), new: TraceReader(path: second.path))
    #expect(difference.instructions.rows(.moved) == 1)
    #expect(difference.instructions.rows(.added) == 0)
    #expect(difference.instructions.rows(.removed) == 0)
    #expect(difference.instructions.sameRows == 5)
  }

  /// Random edits of random programs, against the definition: what both have in common.
  @Test func randomProgramsKeepTheirCounts() throws {
    var state: UInt64 = 5
    func draw(_ limit: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % limit
    }
    for size in [0, 1, 5, 60, 3_000] {
      let base = (0..<size).map { _ in UInt32(draw(40)) }
      var new = base
      for _ in 0..<size {
        let place = Int(draw(UInt64(new.count + 1)))
        if draw(2) == 0, place < new.count {
          new.remove(at: place)
        } else {
          new.insert(UInt32(draw(40)), at: place)
        }
      }
      let (first, second) = (TemporaryTrace(), TemporaryTrace())
      for (trace, lines) in [(first, base), (second, new)] {
        var writer = try TraceWriter(path: trace.path, metadata: TraceMetadata())
        _ = try writer.append(
          program: lines.map { ProgramRow(opcode: "X", engine: .vector, sourceLine: $0) })
        try writer.finish()
      }
      let found = try TraceDifference(
        base: TraceReader(path: first.path), new: TraceReader(path: second.path)
      ).instructions
      #expect(found.sameRows + found.rows(.moved) + found.rows(.added) == new.count)
      #expect(found.sameRows + found.rows(.moved) + found.rows(.removed) == base.count)
    }
  }
}
