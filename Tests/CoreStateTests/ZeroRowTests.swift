import CoreState
import Hardware
import NumericFormats
import Testing

/// Zeros of a moving tile may be left out of products, and an identity may be taken as it is: no
/// bit of a result tells.
@Suite struct ZeroRowTests {
  /// What a case puts among ordinary numbers.
  enum Spice: CaseIterable, Sendable { case nothing, tiny, infinite, tinyWeights }

  private static func values(
    _ count: Int, _ spice: [Float], _ generator: inout Generator
  ) -> [Float] {
    (0..<count).map { _ in
      if let odd = spice.randomElement(using: &generator),
        Int.random(in: 0..<20, using: &generator) == 0
      {
        return odd
      }
      return Float.random(in: -8...8, using: &generator)
    }
  }

  /// weightsᵀ · moving added to what was there, fused and k upward, as bits; NaN as one pattern.
  private static func sums(
    _ weights: [Float], _ moving: [Float], onto old: Float, k: Int, m: Int, n: Int
  ) -> [UInt32] {
    var all: [UInt32] = []
    for row in 0..<m {
      for column in 0..<n {
        var sum: Float = 0
        for depth in 0..<k { sum.addProduct(weights[depth * m + row], moving[depth * n + column]) }
        all.append(Self.bits(old + sum))
      }
    }
    return all
  }

  private static func bits(_ value: Float) -> UInt32 {
    value.isNaN ? Float.nan.bitPattern : value.bitPattern
  }

  /// The product on the core and by the loop, of tiles where most rows of most panels are zero.
  private func check(
    _ core: inout CoreState, _ weights: [Float], _ moving: AccessPattern, k: Int, m: Int
  ) {
    let tile = pattern(
      .sbuf, .float32, partitions: 0..<k, byte: 65_536, [(m, 1)])
    let result = pattern(
      .psum, .float32, partitions: 0..<m, byte: 0, [(moving.columns, 1)])
    core.setElements(tile, to: weights)
    core.setElements(result, to: [Float](repeating: -0.0, count: m * moving.columns))
    core.loadWeights(tile, part: .whole, row: 0, column: 0, engine: .tensor)
    core.multiply(
      moving, columns: m, to: result, accumulate: true, row: 0, column: 0, engine: .tensor)
    let expected = Self.sums(
      core.elements(tile), core.elements(moving), onto: -0.0, k: k, m: m, n: moving.columns)
    #expect(core.elements(result).map(Self.bits) == expected)
  }

  @Test(arguments: Spice.allCases, [NumberFormat.bfloat16, .float32, .float16])
  func zerosLeaveNoTrace(_ spice: Spice, _ format: NumberFormat) throws {
    var core = try makeCore()
    var generator = Generator(seed: 5)
    let (k, m) = (70, 50)
    let tiny: [Float] = [1e-38, -1e-38, 1e-7, -1e-7, -0.0]
    let shapes: [[(Int, Int)]] = [
      [(100, 1)], [(9, 40), (13, 1)], [(9, 40), (13, 2)], [(5, 20), (6, 1)], [(4, 50), (3, 3)],
    ]
    for dimensions in shapes {
      let moving = pattern(
        .sbuf, format, partitions: 0..<k, byte: 4096, dimensions)
      let count = moving.columns
      var rows = Self.values(k * count, spice == .tiny ? tiny : [], &generator)
      for index in rows.indices where (index % count / 33 + index / count) % 3 != 0 {
        rows[index] = index % 2 == 0 ? 0 : -0.0
      }
      core.setElements(moving, to: rows)
      let odd: [Float] =
        switch spice {
        case .nothing, .tiny: []
        case .infinite: [.infinity, .nan]
        case .tinyWeights: [1e-38, -.leastNormalMagnitude / 64, .leastNonzeroMagnitude * 9]
        }
      check(&core, Self.values(k * m, odd, &generator), moving, k: k, m: m)
    }
  }

  @Test func anIdentityPassesRowsOn() throws {
    var core = try makeCore()
    var generator = Generator(seed: 6)
    let moving = pattern(
      .sbuf, .bfloat16, partitions: 0..<40, byte: 4096, [(3, 40), (20, 1)])
    let identity = (0..<1600).map { Float($0 / 40 == $0 % 40 ? 1 : 0) }
    for odd: [Float] in [[], [0, -0.0, .leastNormalMagnitude / 64], [.infinity], [.nan]] {
      core.setElements(moving, to: Self.values(2400, odd, &generator))
      check(&core, identity, moving, k: 40, m: 40)
    }
  }

  @Test func whatTheWeightsAllowIsAskedForEachOfThem() throws {
    var core = try makeCore()
    let moving = pattern(
      .sbuf, .bfloat16, partitions: 0..<8, byte: 4096, [(64, 1)])
    core.setElements(moving, to: (0..<512).map { $0 / 64 == 2 ? 3 : 0 })
    // The same moving tile, packed once without its zeros and then with them.
    for last: Float in [1, .infinity, 2] {
      check(&core, (0..<64).map { $0 == 63 ? last : 0.5 }, moving, k: 8, m: 8)
    }
  }
}
