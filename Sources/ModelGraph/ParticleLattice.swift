/// Particles on a cubic lattice: where each stands, and who its neighbours are.
struct ParticleLattice {
  /// Particles along each edge of the cube; the last layers may not be full.
  let side: Int
  let particles: Int
  /// The cells around one, nearest first.
  private let offsets: [[Int]]

  /// - Parameter places: how many neighbours are asked for.
  init(particles: Int, places: Int = 0) {
    var side = 1
    while side * side * side < particles { side += 1 }
    self.side = side
    self.particles = particles
    offsets = Self.offsets(places)
  }

  private func cell(_ particle: Int) -> [Int] {
    [particle / (side * side), particle / side % side, particle % side]
  }

  /// Element `index` of positions [particles, 4].
  func coordinate(_ index: Int, spacing: Double, _ generator: SeededGenerator) -> Double {
    let (particle, axis) = index.quotientAndRemainder(dividingBy: 4)
    guard axis < 3 else { return 0 }
    let shift = 0.2 * generator.uniform(at: index) - 0.1
    return spacing * (Double(cell(particle)[axis]) + shift)
  }

  /// Element `index` of neighbours [particles, places].
  func neighbour(_ index: Int) -> Int {
    let (particle, place) = index.quotientAndRemainder(dividingBy: offsets.count)
    let around = offsets[place]
    let cell = zip(cell(particle), around).map { $0 + $1 }
    guard cell.allSatisfy({ (0..<side).contains($0) }) else { return Int(Int32.max) }
    let other = (cell[0] * side + cell[1]) * side + cell[2]
    return other < particles ? other : Int(Int32.max)
  }

  private static func offsets(_ count: Int) -> [[Int]] {
    var reach = 1
    while (2 * reach + 1) * (2 * reach + 1) * (2 * reach + 1) - 1 < count { reach += 1 }
    let range = -reach...reach
    var cells: [[Int]] = []
    for a in range { for b in range { for c in range { cells.append([a, b, c]) } } }
    func distance(_ cell: [Int]) -> Int { cell.reduce(0) { $0 + $1 * $1 } }
    let sorted = cells.enumerated().sorted {
      (distance($0.element), $0.offset) < (distance($1.element), $1.offset)
    }
    return Array(sorted.map(\.element).dropFirst().prefix(count))
  }
}
