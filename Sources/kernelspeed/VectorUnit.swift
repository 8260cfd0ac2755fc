/// What the vector units that this program was compiled for can do in a cycle.
///
/// Two units for fused multiply-adds of that width are assumed, and two loads and one store in a
/// cycle: what Zen 2 to 5, Skylake and later server cores have; NEON cores have four narrower
/// units.
struct VectorUnit: Encodable {
  let name: String
  let floatLanes: Int
  let units: Int

  #if TRNBENCH_AVX512
    static let own = VectorUnit(name: "AVX-512", floatLanes: 16, units: 2)
  #elseif TRNBENCH_NEON
    static let own = VectorUnit(name: "NEON", floatLanes: 4, units: 4)
  #else
    static let own = VectorUnit(name: "AVX2", floatLanes: 8, units: 2)
  #endif

  /// Floating-point operations in a cycle; a fused multiply-add counts as two.
  var operationsPerCycle: Int { 2 * units * floatLanes }

  /// Cycles that one fp32 element of a row takes at least, by its memory accesses and by its
  /// arithmetic: `instructions` on vectors of fp32, or of half as many fp64.
  func cyclesPerElement(loads: Int, stores: Int, instructions: Int, inDoubles: Bool) -> Double {
    let lanes = Double(floatLanes)
    let arithmetic = Double(instructions) / Double(units) * (inDoubles ? 2 : 1)
    return max(Double(loads) / 2, Double(stores), arithmetic) / lanes
  }
}
