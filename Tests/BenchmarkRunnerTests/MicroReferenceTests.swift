import BenchmarkRunner
import CoreState
import Foundation
import Hardware
import InstructionSet
import ModelGraph
import NeuronCore
import NumericFormats
import Testing
import WorkloadCatalog

/// Values of micro workloads against their float64 reference, and faults that it must see.
@Suite struct MicroReferenceTests {
  private func catalog() throws -> WorkloadCatalog {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    return try WorkloadCatalog(root: root.appendingPathComponent("Workloads").path)
  }

  private func programs(_ workload: String) throws -> [MicroProgram] {
    let specification = try catalog().specification(named: "micro/\(workload)")
    guard case .micro(let programs) = specification.body else { return [] }
    return programs
  }

  /// Runs a program, its instructions changed by `fault`, and checks what it left.
  private func reports(
    _ program: MicroProgram, seed: UInt64 = 7,
    fault: (MachineOperation) -> MachineOperation = { $0 }
  ) throws -> [NumericsReport] {
    var segment = MicroSegment(program, device: .trainium2).segment
    for index in segment.instructions.indices {
      segment.instructions[index].operation = fault(segment.instructions[index].operation)
    }
    let tensors = segment.tensors.map {
      TensorAllocation(name: $0.name, address: 0, sizeBytes: $0.sizeBytes, format: .float32)
    }
    let loaded = try LoadedProgram(
      Program(
        segments: [segment],
        invocations: [Invocation(segment: 0, tensors: Array(tensors.indices))], tensors: tensors),
      device: .trainium2)
    var model = try CoreModel(loaded, computes: true, checksHazards: false)
    let reference = MicroReference(program, seed: seed)
    reference.fill(&model.core)
    _ = try model.run()
    return reference.reports(model.core)
  }

  @Test(arguments: [
    "activation", "copy", "dma-load", "dma-store", "elementwise", "gpsimd", "handoff",
    "matmul-bf16", "matmul-fp16", "matmul-fp32", "matmul-fp8", "matmul-tf32", "memset", "reduce",
    "scan", "search", "transpose",
  ])
  func everyProgramMatchesItsReference(_ workload: String) throws {
    for program in try programs(workload) {
      var short = program
      short.repeatCount = min(program.repeatCount, 2)
      let reports = try reports(short)
      // A hand-off moves no data: there is nothing to compare.
      #expect(reports.isEmpty == (workload == "handoff"), "\(program.label)")
      for report in reports { #expect(report.passed, "\(report.summary)") }
    }
  }

  @Test func everyShippedMicroWorkloadIsCoveredAbove() throws {
    let shipped = try catalog().resolve(["micro/*"])
    #expect(shipped.count == 17, "add the new one to the test above: \(shipped)")
  }

  @Test func anotherSeedDrawsOtherOperands() throws {
    let program = try #require(try programs("copy").first)
    let one = try reports(program, seed: 1)
    let two = try reports(program, seed: 2)
    #expect(one.map(\.expected) != two.map(\.expected))
  }

  /// A fault planted in the instructions named by the first words of a program's label.
  struct Plant: Sendable, CustomStringConvertible {
    var description: String
    var workload: String
    var label: String
    var change: @Sendable (MachineOperation) -> MachineOperation
  }

  @Test(arguments: Self.plants)
  func plantedFaultsAreSeen(_ plant: Plant) throws {
    var program = try #require(
      try programs(plant.workload).first { $0.label.hasPrefix(plant.label) })
    program.repeatCount = 2
    #expect(try reports(program).allSatisfy(\.passed))
    let faulty = try reports(program, fault: plant.change)
    #expect(faulty.contains { !$0.passed }, "\(plant.description)")
  }
}
