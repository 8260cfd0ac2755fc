import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
import NumericFormats

/// Lennard-Jones forces of molecular dynamics over neighbour lists, in fp32.
///
/// Layout: particles on partitions. GpSimd gathers the positions of one neighbour of 128 particles
/// at a time; once all are there, the vector engine works on [128, neighbours] at once:
/// differences, squared distance, (σ / r)⁶ by products, the cutoff as a comparison, and a sum per
/// axis. Bound: GpSimd's descriptors, one per pair.
///
/// Parameters in order: positions fp32 [particles, 4], neighbours uint32 [particles, places] (a
/// number beyond the particles marks an empty place), out fp32 [particles, 4], its last column
/// zero.
package struct NeighbourForceKernel: Kernel {
  /// Particles.
  package var particles: Int
  /// Places of a neighbour list.
  package var places: Int
  /// The depth of the potential.
  package var epsilon: Float
  /// The distance at which the potential is zero.
  package var sigma: Float
  /// The distance beyond which there is no force.
  package var cutoff: Float

  /// Forces among so many particles.
  package init(particles: Int, places: Int, epsilon: Float, sigma: Float, cutoff: Float) {
    self.particles = particles
    self.places = places
    self.epsilon = epsilon
    self.sigma = sigma
    self.cutoff = cutoff
  }

  package var name: String { "neighbour-force \(particles)x\(places)" }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("positions", [particles, 4], .float32),
      KernelParameter("neighbours", [particles, places], .uint32),
      KernelParameter("out", [particles, 4], .float32, .output),
    ]
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard particles > 0, (1...2048).contains(places) else {
      throw unsupported("\(places) places", allowed: "1 to 2,048 and at least one particle")
    }
    try builder.scope { builder throws(BuilderError) in
      var indices = try builder.pool("neighbours", buffers: 3, places, format: .uint32)
      var own = try builder.pool("own", buffers: 3, 4, format: .float32)
      var others = try builder.pool("others", buffers: 2, places, 4, format: .float32)
      var work = try builder.pool("work", buffers: 2, 6, places, format: .float32)
      var outputs = try builder.pool("out", buffers: 2, 4, format: .float32)
      builder.pipelined(pieces(particles, 128)) { builder, tile in
        let index = indices.next().rows(0..<tile.count)
        builder.load(index, from: tensors[1].rows(tile))
        let position = own.next().rows(0..<tile.count)
        builder.load(position, from: tensors[0].rows(tile), on: .scalar)
        return (index: index, position: position)
      } compute: { builder, tile, loaded in
        let other = others.next().rows(0..<tile.count)
        // An empty place is left as it is: further away than any cutoff.
        builder.memset(other, 1e6)
        for place in 0..<places {
          builder.gather(
            other.block(place), rowsOf: tensors[0],
            index: loaded.index.columns(place..<place + 1))
        }
        let out = outputs.next().rows(0..<tile.count)
        forces(loaded.position, other, work.next().rows(0..<tile.count), out, &builder)
        builder.store(tensors[2].rows(tile), from: out)
      }
    }
  }

  /// Force on a particle: Σ 24 ε (2 s¹² − s⁶) / r² · (own − other), s = σ / r.
  private func forces(
    _ own: Tile, _ other: Tile, _ work: Tile, _ out: Tile, _ builder: inout KernelBuilder
  ) {
    let square = work.block(3)
    let inverse = work.block(4)
    let sixth = work.block(5)
    for axis in 0..<3 {
      let difference = work.block(axis)
      let coordinate = other.viewed(offset: axis, sizes: [places], strides: [4])
      builder.tensorScalar(
        difference, coordinate, .subtract, own.columns(axis..<axis + 1).pointer, .multiply,
        .immediate(-1))
      let target = axis == 0 ? square : inverse
      builder.tensorTensor(target, difference, difference, .multiply)
      if axis > 0 { builder.tensorTensor(square, square, inverse, .add) }
    }
    builder.reciprocal(inverse, square)
    builder.tensorScalar(sixth, inverse, .multiply, .immediate(sigma * sigma))
    // The third power in two products; square becomes the cutoff's mask first.
    builder.tensorScalar(
      square, square, .lessThan, .immediate(cutoff * cutoff), .multiply,
      .immediate(24 * epsilon))
    builder.tensorTensor(inverse, inverse, square, .multiply)
    builder.tensorTensor(square, sixth, sixth, .multiply)
    builder.tensorTensor(sixth, square, sixth, .multiply)
    builder.tensorScalar(square, sixth, .multiply, .immediate(2), .subtract, .immediate(1))
    builder.tensorTensor(sixth, sixth, square, .multiply)
    builder.tensorTensor(sixth, sixth, inverse, .multiply)
    for axis in 0..<3 {
      builder.tensorTensor(work.block(axis), work.block(axis), sixth, .multiply)
      builder.tensorReduce(out.columns(axis..<axis + 1), work.block(axis), .add)
    }
    builder.memset(out.columns(3..<4), 0)
  }
}
