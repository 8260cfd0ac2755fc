import CoreState
import Hardware
import InstructionSet
import Testing

/// Loops over registers, walked through as a sequencer does.
@Suite struct LoopTests {
  /// Runs one queue to its end and returns how often each instruction ran.
  private func run(_ stream: [Operation], _ core: inout CoreState) throws -> [Int] {
    var counts = Array(repeating: 0, count: stream.count)
    var next = 0
    var steps = 0
    while next < stream.count {
      steps += 1
      try #require(steps < 10_000)
      counts[next] += 1
      stream[next].execute(on: &core, engine: .sync)
      if case .register(let row) = stream[next], row.isTaken(on: core, engine: .sync) {
        next = Int(row.target)
      } else {
        next += 1
      }
    }
    return counts
  }

  @Test(arguments: [(0, 5, 1, 5), (0, 0, 1, 0), (3, 17, 4, 4), (10, 0, -3, 4), (-2, 2, 1, 4)])
  func countedLoops(_ start: Int, _ end: Int, _ step: Int, _ turns: Int) throws {
    var core = try makeCore()
    var stream: [Operation] = [.register(.move(9, from: .immediate(0)))]
    NkiLoop(
      counting: 1, from: .immediate(Int32(start)), to: .immediate(Int32(end)), step: step
    ).expand(into: &stream) { stream in
      stream.append(.register(.arithmetic(9, 9, .add, .register(1))))
    }
    for row in stream {
      #expect(fault(row, .sync) == nil)
    }
    _ = try run(stream, &core)
    let values = (0..<turns).map { start + $0 * step }
    #expect(core.register(9, of: .sync) == Int32(values.reduce(0, +)))
  }

  @Test func loopsNestAndEndByARegister() throws {
    var core = try makeCore()
    var stream: [Operation] = [
      .register(.move(4, from: .immediate(3))), .register(.move(9, from: .immediate(0))),
    ]
    NkiLoop(counting: 1, from: .immediate(0), to: .register(4)).expand(into: &stream) { outer in
      NkiLoop(counting: 2, from: .immediate(0), to: .register(1)).expand(into: &outer) { inner in
        inner.append(.register(.arithmetic(9, 9, .add, .immediate(1))))
      }
    }
    _ = try run(stream, &core)
    #expect(core.register(9, of: .sync) == 0 + 1 + 2)
  }

  @Test func loopsThatTheirBodyEnds() throws {
    var core = try makeCore()
    var stream: [Operation] = [.register(.move(1, from: .immediate(100)))]
    NkiLoop(while: 1, .greater, .immediate(3)).expand(into: &stream) { stream in
      stream.append(.register(.arithmetic(1, 1, .shiftRight, .immediate(1))))
    }
    let counts = try run(stream, &core)
    #expect(core.register(1, of: .sync) == 3)
    #expect(counts[2] == 5)
  }

  @Test func registersAreHandedOutOnce() {
    var pool = RegisterPool(count: 64)
    let all = (0..<64).map { _ in pool.allocate() }
    #expect(all == (0..<64).map { Optional($0) })
    #expect(pool.allocate() == nil)
    pool.release(7)
    pool.release(3)
    #expect(pool.allocate() == 3 && pool.allocate() == 7 && pool.allocate() == nil)
  }
}
