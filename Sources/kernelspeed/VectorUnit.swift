import Foundation

/// What the vector units that this program was compiled for can do in a cycle.
///
/// Two units for fused multiply-adds of that width are assumed, and two loads and one store in a
/// cycle: what Zen 2 to 5, Skylake and later server cores have; NEON cores have four narrower
/// units. Zen 4 works AVX-512 off in halves: one fused multiply-add in a cycle, and beside it
/// another instruction on the units for additions.
/// Source: AMD, Software Optimization Guide for the Zen 4 Microarchitecture (57647), floating-point
/// execution.
struct VectorUnit: Encodable {
  let name: String
  let floatLanes: Int
  /// Fused multiply-adds in a cycle.
  let units: Int
  /// Arithmetic instructions of all kinds in a cycle.
  let instructionsPerCycle: Int

  #if TRNBENCH_AVX512
    static let own = VectorUnit(
      name: "AVX-512", floatLanes: 16, units: halvesWideVectors ? 1 : 2, instructionsPerCycle: 2)
  #elseif TRNBENCH_NEON
    static let own = VectorUnit(
      name: "NEON", floatLanes: 4, units: 4, instructionsPerCycle: 4)
  #else
    static let own = VectorUnit(
      name: "AVX2", floatLanes: 8, units: 2, instructionsPerCycle: 2)
  #endif

  /// True on Zen 4: of AMD's family 25 the members that know AVX-512.
  private static var halvesWideVectors: Bool {
    let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    return info.contains("AuthenticAMD")
      && info.split(separator: "\n").contains {
        $0.hasPrefix("cpu family") && $0.hasSuffix(": 25")
      }
  }

  /// Floating-point operations in a cycle; a fused multiply-add counts as two.
  var operationsPerCycle: Int { 2 * units * floatLanes }

  /// Cycles that one fp32 element of a row takes at least, by its memory accesses and by its
  /// arithmetic: `instructions` on vectors of fp32, or of half as many fp64.
  func cyclesPerElement(loads: Int, stores: Int, instructions: Int, inDoubles: Bool) -> Double {
    let lanes = Double(floatLanes)
    let arithmetic =
      Double(instructions) / Double(instructionsPerCycle) * (inDoubles ? 2 : 1)
    return max(Double(loads) / 2, Double(stores), arithmetic) / lanes
  }
}
