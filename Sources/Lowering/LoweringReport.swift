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
}

/// The plan of a lowered graph: every invocation in order.
///
/// The bound of an engine is the sum of its instructions' intervals back to back; that of the
/// transfers the larger of the DMA engines' service and the core's share of the HBM bandwidth.
/// Waits of engines for each other come on top.
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
        bytes: load.bytes, bound: load.bound.time, limit: load.bound.limit)
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
        } else {
          busy[index] +=
            instruction.operation.cost(on: device, engine: engine).intervalAfterWarm.value
        }
      }
    }
    let engines = Int64(max(1, device.dma.enginesPerCore.value))
    let served = device.clocks.dma.value.picoseconds(tenthsOfCycles: service / engines).value
    let streamed = bytes * 1_000_000 / max(1, device.hbmBytesPerMicrosecondPerCore)
    bound = (Picoseconds(max(served, streamed)), "dma")
    for engine in Engine.allCases where busy[Int(engine.rawValue)] > bound.time.value {
      bound = (Picoseconds(busy[Int(engine.rawValue)]), engine.name)
    }
  }
}
