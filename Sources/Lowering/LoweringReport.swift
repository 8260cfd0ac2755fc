package import CoreState
package import Hardware
import InstructionSet
import ModelGraph
package import Units

/// What one invocation of a program does and what bounds its time.
package struct PlannedStep: Hashable, Sendable {
  /// The kernel with its shapes.
  package var kernel: String
  /// The operators that it carries out.
  package var operators: [String]
  /// The layer that it belongs to, or empty.
  package var layer: String
  /// Index of its segment: equal kernels share one.
  package var segment: Int
  /// Machine instructions by engine, in the engines' usual order.
  package var instructions: [Int]
  /// Transfers.
  package var transfers: Int
  /// Bytes read from and written to HBM.
  package var bytes: Int64
  /// The time below which it cannot stay: that of the busiest engine, or of the transfers.
  package var bound: Picoseconds
  /// What bounds it: an engine's name or `dma`.
  package var limit: String
  /// What it holds on chip, the largest first.
  package var tiles: [PlannedTile]
  /// The most bytes of a partition of SBUF that it holds at a time.
  package var sbufBytes: Int
}

/// Buffers of one name that a kernel holds on chip.
package struct PlannedTile: Hashable, Sendable {
  /// What the kernel calls it.
  package var name: String
  /// How many of them rotate.
  package var buffers: Int
  /// The memory.
  package var space: MemorySpace
  /// Bytes of each, in each of its partitions.
  package var bytes: Int
}

/// The plan of a lowered graph: every invocation in order.
///
/// The bound of an engine is the sum of its instructions' intervals back to back and of the least
/// that its triggers hold it; that of the transfers the larger of the DMA engines' service and the
/// core's share of the HBM bandwidth. Waits of engines for each other come on top.
package struct LoweringReport: Sendable {
  /// One per invocation.
  package let steps: [PlannedStep]
  /// Different kernels.
  package let segmentCount: Int
  /// Bytes of HBM that the tensors take.
  package let footprintBytes: Int

  /// The plan of a lowered graph on a device.
  package init(_ lowered: LoweredGraph, on device: Device) {
    let program = lowered.program
    let loads = program.segments.map { SegmentLoad($0, device) }
    segmentCount = loads.count
    footprintBytes = lowered.footprintBytes
    steps = zip(program.invocations, lowered.steps).map { invocation, step in
      let load = loads[invocation.segment]
      return PlannedStep(
        kernel: step.kernel, operators: step.nodes.map(\.operation.name), layer: step.layer,
        segment: invocation.segment, instructions: load.counts, transfers: load.transfers,
        bytes: load.bytes, bound: load.bound.time, limit: load.bound.limit,
        tiles: load.tiles, sbufBytes: load.sbufBytes)
    }
  }

  /// All bytes to and from HBM.
  package var bytes: Int64 { steps.reduce(0) { $0 + $1.bytes } }
  /// All machine instructions.
  package var instructions: Int { steps.reduce(0) { $0 + $1.instructions.reduce(0, +) } }
  /// The sum of the invocations' bounds.
  package var bound: Picoseconds { Picoseconds(steps.reduce(0) { $0 + $1.bound.value }) }
}

/// What a segment asks of the engines.
private struct SegmentLoad {
  var counts = Engine.allCases.map { _ in 0 }
  var transfers = 0
  var bytes: Int64 = 0
  var bound: (time: Picoseconds, limit: String)
  let tiles: [PlannedTile]
  let sbufBytes: Int

  init(_ segment: Segment, _ device: Device) {
    var busy = Engine.allCases.map { _ in Int64(0) }
    var service: Int64 = 0
    for engine in Engine.allCases {
      let index = Int(engine.rawValue)
      for instruction in segment.instructions[segment.range(of: engine)] {
        counts[index] += 1
        if let shape = instruction.operation.transferShape(on: device, engine: engine) {
          transfers += 1
          bytes += shape.hbmReadBytes + shape.hbmWriteBytes
          service += shape.serviceTenths * Int64(shape.engines)
          busy[index] += Self.leastTrigger(shape, engine, device).value
        } else {
          busy[index] +=
            instruction.operation.cost(on: device, engine: engine).intervalAfterWarm.value
        }
      }
    }
    (tiles, sbufBytes) = Self.tiles(segment.buffers)
    let engines = Int64(max(1, device.dma.enginesPerCore.value))
    let served = device.clocks.dma.value.picoseconds(tenthsOfCycles: service / engines).value
    let streamed = bytes * 1_000_000 / max(1, device.hbmBytesPerMicrosecondPerCore)
    bound = (Picoseconds(max(served, streamed)), "dma")
    for engine in Engine.allCases where busy[Int(engine.rawValue)] > bound.time.value {
      bound = (Picoseconds(busy[Int(engine.rawValue)]), engine.name)
    }
  }

  /// The least time that a trigger holds its engine.
  private static func leastTrigger(_ shape: TransferShape, _ engine: Engine, _ device: Device)
    -> Picoseconds
  {
    let law = device.dma
    // Indices are read while the transfer before is still being prepared.
    if shape.isSoftware { return law.softwareBurstInterval.value }
    if shape.isStored { return law.staticTrigger.value }
    return engine == .sync
      ? min(law.triggerSyncSoon.value, law.triggerSyncLater.value) : law.triggerScalarLater.value
  }

  /// Buffers by name, the largest first, and the most bytes of SBUF that live at a time.
  private static func tiles(_ buffers: [BufferDeclaration]) -> ([PlannedTile], Int) {
    var tiles: [String: PlannedTile] = [:]
    var changes: [(moment: Int, bytes: Int)] = []
    for buffer in buffers {
      // Those of a pool are called name.0, name.1, ….
      let parts = buffer.name.split(separator: ".")
      let isOfPool = parts.count > 1 && parts.last.flatMap { Int($0) } != nil
      let name = isOfPool ? parts.dropLast().joined(separator: ".") : buffer.name
      let key = "\(name) \(buffer.space) \(buffer.bytes.count)"
      tiles[
        key,
        default: PlannedTile(
          name: name, buffers: 0, space: buffer.space, bytes: buffer.bytes.count)
      ].buffers += 1
      guard buffer.space == .sbuf else { continue }
      changes.append((buffer.life.lowerBound, buffer.bytes.count))
      changes.append((buffer.life.upperBound, -buffer.bytes.count))
    }
    // What ends at a moment goes before what begins at it.
    var (held, most) = (0, 0)
    for change in changes.sorted(by: { ($0.moment, $0.bytes) < ($1.moment, $1.bytes) }) {
      held += change.bytes
      most = max(most, held)
    }
    let order = tiles.values.sorted {
      ($1.buffers * $1.bytes, $0.name, $0.bytes, $0.space.rawValue)
        < ($0.buffers * $0.bytes, $1.name, $1.bytes, $1.space.rawValue)
    }
    return (order, most)
  }
}
