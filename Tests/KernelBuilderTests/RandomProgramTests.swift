import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats
import Testing

@Suite struct RandomProgramTests {
  /// A program of random loads, stores, copies, sums and products on overlapping tiles.
  private func program(seed: UInt64, steps: Int) throws -> Segment {
    var random = SplitMix(seed)
    var builder = KernelBuilder(name: "random \(seed)", device: .trainium2)
    let tensors = (0..<3).map { builder.tensor("t\($0)", [256, 64], .float32) }
    let arena = try builder.tile("arena", 256, format: .float32)
    var banks = try builder.banks("bank", buffers: 3)
    let pick = { (random: inout SplitMix) -> Tile in
      let start = Int.random(in: 0..<12, using: &random) * 16
      let partitions = [32, 64, 128].randomElement(using: &random)!
      return arena[0..<partitions, start..<start + 64]
    }
    for _ in 0..<steps {
      let a = pick(&random)
      let like = { (random: inout SplitMix) -> Tile in
        let start = Int.random(in: 0..<12, using: &random) * 16
        return arena[0..<a.partitions, start..<start + 64]
      }
      let first = Int.random(in: 0..<128, using: &random)
      let access = tensors.randomElement(using: &random)!.block(
        rows: first..<first + a.partitions, columns: 0..<64)
      let queue = [Engine.sync, .scalar, .gpsimd].randomElement(using: &random)!
      switch Int.random(in: 0..<7, using: &random) {
      case 0: builder.load(a, from: access, on: queue)
      case 1: builder.store(access, from: a, on: queue)
      case 2:
        builder.copy(
          a, like(&random), on: [.vector, .scalar, .gpsimd].randomElement(using: &random)!)
      case 3: builder.tensorTensor(a, like(&random), like(&random), .add)
      case 4: builder.activation(a, [.exp, .silu].randomElement(using: &random)!, like(&random))
      case 5:
        let bank = banks.next(partitions: 64, columns: 64)
        builder.matmul(bank, stationary: a, moving: like(&random))
        builder.matmul(bank, stationary: like(&random), moving: a, accumulates: true)
        builder.copy(
          a.rows(0..<32), bank.rows(0..<32), on: Bool.random(using: &random) ? .vector : .scalar)
      default: builder.memset(a, 1, on: .gpsimd)
      }
    }
    return try builder.finish()
  }

  @Test(arguments: 1...24) func everyConflictIsOrdered(seed: Int) throws {
    let segment = try program(seed: UInt64(seed), steps: 40)
    #expect(OrderChecker(segment).problems == [])
  }

  @Test func theCheckerNoticesAMissingWait() throws {
    var noticed = 0
    var removed = 0
    let segment = try program(seed: 7, steps: 30)
    for index in segment.instructions.indices
    where segment.instructions[index].wait.condition == .atLeast
      && !KernelBuilder.barrierSemaphores.contains(Int(segment.instructions[index].wait.semaphore))
    {
      var broken = segment
      broken.instructions[index].wait = .none
      removed += 1
      if !OrderChecker(broken).problems.isEmpty { noticed += 1 }
    }
    // Every wait is there for a reason: without it something is no longer ordered.
    #expect(removed > 20)
    #expect(noticed == removed)
  }

  @Test func equalProgramsGiveEqualSegments() throws {
    let first = try program(seed: 3, steps: 50)
    let second = try program(seed: 3, steps: 50)
    #expect(first.instructions == second.instructions)
    #expect(first.sites == second.sites)
  }

  @Test func everyInstructionKeepsTheDevicesRules() throws {
    let segment = try program(seed: 11, steps: 60)
    for engine in Engine.allCases {
      for index in segment.range(of: engine) {
        let operation = segment.instructions[index].operation
        try operation.validate(
          OperandRules(
            device: .trainium2, engine: engine, instruction: operation.opcode.name,
            tensorCount: segment.tensors.count, queueLength: segment.range(of: engine).count))
      }
    }
  }
}
