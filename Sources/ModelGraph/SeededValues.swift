import Foundation

/// The values of a given tensor as its declaration says, any range of them at a time, not yet
/// rounded to its format. The stream of random numbers has the tensor's name.
package struct SeededValues: Sendable {
  /// The number of elements.
  package let count: Int
  private let fill: TensorFill
  private let generator: SeededGenerator
  private let columns: Int
  private let lattice: ParticleLattice

  /// The values of a tensor under a seed.
  package init(of tensor: TensorDeclaration, seed: UInt64) {
    count = tensor.shape.elementCount
    fill = tensor.fill
    generator = SeededGenerator(seed: seed, stream: tensor.name)
    columns = max(1, tensor.shape.columnCount)
    lattice =
      switch tensor.fill {
      case .lattice: ParticleLattice(particles: tensor.shape[0])
      case .latticeNeighbours:
        ParticleLattice(particles: tensor.shape[0], places: tensor.shape.columnCount)
      default: ParticleLattice(particles: 0)
      }
  }

  /// The values of a range.
  package subscript(range: Range<Int>) -> [Float] {
    switch fill {
    case .zeros: [Float](repeating: 0, count: range.count)
    case .values(let constant): range.map { Float(constant.view[$0]) }
    case .constant(let value): [Float](repeating: Float(value), count: range.count)
    case .normal(let deviation): range.map { Float(deviation * generator.normal(at: $0)) }
    case .leading(let width, let deviation):
      range.map {
        $0 % columns < width ? Float(deviation * generator.normal(at: $0)) : 0
      }
    case .uniform(let low, let high):
      range.map { Float(low + (high - low) * generator.uniform(at: $0)) }
    case .indices(let limit):
      range.map { Float(generator.integer(below: max(1, limit), at: $0)) }
    case .wholeNumbers(let low, let high):
      range.map { Float(low + Int(generator.integer(below: max(1, high - low), at: $0))) }
    case .lattice(let spacing):
      range.map { Float(lattice.coordinate($0, spacing: spacing, generator)) }
    case .latticeNeighbours: range.map { Float(lattice.neighbour($0)) }
    case .powerLaw(let counts, let exponent):
      range.map {
        Float(generator.powerLaw(counts[$0 % counts.count], exponent: exponent, at: $0))
      }
    case .raggedPowerLaw(let rows, let places, let exponent):
      range.map { index in
        let place = index % places
        // Lengths are drawn behind the rows.
        let length = 1 + generator.integer(below: places, at: count + index / places)
        return Float(
          place < length ? generator.powerLaw(rows, exponent: exponent, at: index) : rows)
      }
    case .rotaryCosine(let angles): range.map { Float(turn(angles, $0).cosine) }
    case .rotarySine(let angles): range.map { Float(turn(angles, $0).sine) }
    }
  }

  private func turn(_ angles: RotaryAngles, _ index: Int) -> (cosine: Double, sine: Double) {
    angles.turn(token: index / columns, pair: index % columns)
  }
}
