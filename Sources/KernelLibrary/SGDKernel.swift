import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Stochastic gradient descent with fp32 master weights and a copy for computing.
///
/// velocity = momentum · velocity + gradient (when momentum is not zero);
/// master −= rate · (velocity or gradient); weights = master, cast.
/// Layout: as `ElementwiseKernel`. Bound: the DMA, 14 bytes per parameter with a bf16 copy and an
/// fp32 gradient, 22 with momentum.
///
/// Parameters in order: master (in and out), gradient, velocity (in and out, with momentum),
/// weights.
package struct SGDKernel: Kernel {
  /// Parameters that are updated.
  package var count: Int
  /// The learning rate.
  package var rate: Float
  /// What is kept of the last velocity; zero for plain descent.
  package var momentum: Float
  /// Format of the gradient.
  package var gradient: NumberFormat
  /// Format of the copy for computing.
  package var weights: NumberFormat

  /// An update of `count` parameters.
  package init(
    count: Int, rate: Float, momentum: Float = 0, gradient: NumberFormat = .float32,
    weights: NumberFormat = .bfloat16
  ) {
    self.count = count
    self.rate = rate
    self.momentum = momentum
    self.gradient = gradient
    self.weights = weights
  }

  package var name: String { "sgd \(count)" }

  package var parameters: [KernelParameter] {
    let shape = FlatTiles.shape(count)
    var list = [
      KernelParameter("master", shape, .float32, .inOut),
      KernelParameter("gradient", shape, gradient),
    ]
    if momentum != 0 { list.append(KernelParameter("velocity", shape, .float32, .inOut)) }
    list.append(KernelParameter("weights", shape, weights, .output))
    return list
  }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    try builder.scope { builder throws(BuilderError) in
      let columns = FlatTiles.columns
      var masters = try builder.pool("master", buffers: 3, columns, format: .float32)
      var gradients = try builder.pool("gradient", buffers: 3, columns, format: gradient)
      var velocities = try builder.pool("velocity", buffers: 3, columns, format: .float32)
      var copies = try builder.pool("weights", buffers: 3, columns, format: weights)
      builder.pipelined(FlatTiles.pieces(count)) { builder, piece in
        let master = piece.view(masters.next())
        let step = piece.view(gradients.next())
        builder.load(master, from: piece.access(tensors[0]))
        builder.load(step, from: piece.access(tensors[1]))
        var velocity: Tile?
        if momentum != 0 {
          let tile = piece.view(velocities.next())
          builder.load(tile, from: piece.access(tensors[2]))
          velocity = tile
        }
        return (master: master, step: step, velocity: velocity)
      } compute: { builder, piece, loaded in
        let master = loaded.master
        let direction = loaded.velocity ?? loaded.step
        if momentum != 0 {
          builder.scalarTensorTensor(
            direction, direction, .multiply, .immediate(momentum), .add, loaded.step)
          builder.store(piece.access(tensors[2]), from: direction, on: .scalar)
        }
        builder.scalarTensorTensor(
          master, direction, .multiply, .immediate(-rate), .add, master)
        builder.store(piece.access(tensors[0]), from: master, on: .scalar)
        let copy = piece.view(copies.next())
        builder.copy(copy, master)
        builder.store(piece.access(tensors[tensors.count - 1]), from: copy, on: .scalar)
      }
    }
  }
}
