import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import NumericFormats
import Testing

/// Counts of waits and updates where a person can count them by hand.
@Suite struct WaitCountTests {
  /// Waits for work; the barrier's own semaphores are not counted.
  private func waits(_ segment: Segment, on engine: Engine) -> Int {
    segment.range(of: engine).count {
      let wait = segment.instructions[$0].wait
      return wait.condition == .atLeast
        && !KernelBuilder.barrierSemaphores.contains(Int(wait.semaphore))
    }
  }

  private func updates(_ segment: Segment, on engine: Engine) -> Int {
    segment.range(of: engine).count {
      let update = segment.instructions[$0].update
      return update.operation == .add
        && !KernelBuilder.barrierSemaphores.contains(Int(update.semaphore))
    }
  }

  @Test func doubleBufferedPipeline() throws {
    var builder = KernelBuilder(name: "pipeline", device: .trainium2)
    let input = builder.tensor("in", [1024, 64], .float32)
    let output = builder.tensor("out", [1024, 64], .float32)
    var inputs = try builder.pool("in", buffers: 2, 64, format: .float32)
    var outputs = try builder.pool("out", buffers: 2, 64, format: .float32)
    let count = 8
    for step in 0..<count {
      let rows = step * 128..<(step + 1) * 128
      let a = inputs.next()
      let b = outputs.next()
      builder.load(a, from: input.rows(rows))
      builder.tensorScalar(b, a, .multiply, .immediate(2))
      builder.store(output.rows(rows), from: b, on: .scalar)
    }
    let segment = try builder.finish()
    #expect(OrderChecker(segment).problems == [])
    // Load i waits for the vector engine to have read its buffer (i >= 2); the load before it on
    // the buffer is then known to be done. The barrier waits for the last store of each of two
    // rings: everything else is implied.
    #expect(waits(segment, on: .sync) == count - 2 + 2)
    // The vector engine waits for its load, and from the third step on for the store of its buffer.
    #expect(waits(segment, on: .vector) == count + count - 2)
    // Each store waits for its result.
    #expect(waits(segment, on: .scalar) == count)
    #expect(updates(segment, on: .vector) == count)
    #expect(updates(segment, on: .sync) == count)
    #expect(updates(segment, on: .scalar) == count)
  }

  @Test func accumulationNeedsOneUpdate() throws {
    var builder = KernelBuilder(name: "sum", device: .trainium2)
    let input = builder.tensor("in", [128, 1024], .bfloat16)
    let tile = try builder.tile("in", 8, 128, format: .bfloat16)
    let result = try builder.tile("out", 128, format: .float32)
    var banks = try builder.banks("bank", buffers: 1)
    let bank = banks.next(columns: 128)
    builder.load(
      tile, from: input.access(offset: 0, sizes: [128, 8, 128], strides: [1024, 128, 1]))
    for k in 0..<8 {
      builder.matmul(bank, stationary: tile.block(k), moving: tile.block(k), accumulates: k > 0)
    }
    builder.copy(result, bank)
    let segment = try builder.finish()
    #expect(OrderChecker(segment).problems == [])
    #expect(waits(segment, on: .tensor) == 1)
    #expect(updates(segment, on: .tensor) == 1)
    // The update is on the last product.
    let last = segment.range(of: .tensor).last {
      segment.instructions[$0].operation.opcode == .matmul
    }
    #expect(last.map { segment.instructions[$0].update.operation } == .add)
    #expect(waits(segment, on: .vector) == 1)
    // The barrier waits for the copy alone: it implies the products and the load.
    #expect(waits(segment, on: .sync) == 1)
  }

  @Test func fp32ProductsUpdateOnTheLastPass() throws {
    var builder = KernelBuilder(name: "fp32", device: .trainium2)
    let tile = try builder.tile("in", 128, format: .float32)
    let result = try builder.tile("out", 128, format: .float32)
    var banks = try builder.banks("bank", buffers: 1)
    let bank = banks.next(columns: 128)
    builder.memset(tile, 1)
    builder.matmul(bank, stationary: tile, moving: tile)
    builder.copy(result, bank, on: .scalar)
    let segment = try builder.finish()
    let stream = segment.range(of: .tensor).map { segment.instructions[$0] }.prefix(4)
    #expect(stream.map(\.operation.opcode) == [.loadWeights, .matmul, .loadWeights, .matmul])
    #expect(stream.map { $0.update.operation == .add } == [false, false, false, true])
    #expect(OrderChecker(segment).problems == [])
  }

  @Test func sameEngineWaitsOnlyForReads() throws {
    var builder = KernelBuilder(name: "chain", device: .trainium2)
    let a = try builder.tile("a", 64, format: .float32)
    let b = try builder.tile("b", 64, format: .float32)
    builder.memset(a, 1, on: .vector)
    builder.memset(a, 2, on: .vector)  // Write after write: in order.
    builder.copy(b, a)  // Read after write: waits.
    builder.memset(a, 3, on: .vector)  // Write after read: in order.
    let segment = try builder.finish()
    #expect(waits(segment, on: .vector) == 1)
    #expect(OrderChecker(segment).problems == [])
  }

  @Test func tablesAreLoadedOncePerChangeAndTheFirstIsHoisted() throws {
    var builder = KernelBuilder(name: "tables", device: .trainium2)
    let input = builder.tensor("in", [128, 64], .float32)
    let a = try builder.tile("a", 64, format: .float32)
    builder.load(a, from: input.rows(0..<128), on: .scalar)
    builder.activation(a, .exp, a)
    builder.activation(a, .square, a)
    builder.activation(a, .exp, a)
    builder.activation(a, .silu, a)
    let segment = try builder.finish()
    let opcodes = segment.range(of: .scalar).map { segment.instructions[$0].operation.opcode }
    #expect(opcodes.filter { $0 == .activationTableLoad }.count == 2)
    #expect(opcodes.first == .activationTableLoad)
  }

  @Test func sitesNameKernelLayerAndLine() throws {
    var builder = KernelBuilder(name: "sites", device: .trainium2)
    builder.layer = "layer 3"
    let a = try builder.tile("a", 64, format: .float32)
    builder.memset(a, 1)
    let segment = try builder.finish()
    let first = segment.range(of: .vector).lowerBound
    let site = segment.sites[Int(segment.instructions[first].site)]
    #expect(site.kernel == "sites")
    #expect(site.layer == "layer 3")
    #expect(site.source.hasPrefix("WaitCountTests.swift:"))
  }
}
