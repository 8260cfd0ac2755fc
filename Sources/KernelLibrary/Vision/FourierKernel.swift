import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Batched discrete Fourier transforms of length N = n1 · n2 as two steps of matrix products.
///
/// With x[i · n2 + j] as a matrix [n1, n2] the transform of its columns, A[k, j] = Σ x[i, j] w1^(i
/// k), is a product of the tensor engine with x as the stationary tile, so that the result comes
/// out turned: j on partitions, k along the row. It is multiplied by the twiddle factors w^(j k)
/// there, and the transform over j is a product with the second matrix of factors as the stationary
/// tile. X[k + n1 · l] then lies with l on partitions and k in runs: no transpose anywhere.
///
/// Real and imaginary parts are apart; a complex product is two products of real matrices that
/// accumulate. Bound: the vector engine, which multiplies by the twiddle factors.
///
/// Parameters in order: x [2, batch, N], first fp [2, n1, 2 n1] (factors of the first step and
/// their turned pair), second [3, n2, n2] (real, imaginary, minus imaginary), twiddle [2, n2, n1],
/// out [2, batch, N]. `FourierTransform.tables` makes the tables.
package struct FourierKernel: Kernel {
  /// Transforms.
  package var batch: Int
  /// Points of a transform.
  package var length: Int
  /// Points of the transforms of the first step.
  package var first: Int
  /// Points of the transforms of the second step.
  package var second: Int
  /// Format of x, factors and out.
  package var format: NumberFormat

  /// Transforms of length `first` · `second`.
  package init(batch: Int, first: Int, second: Int, format: NumberFormat = .bfloat16) {
    self.batch = batch
    self.first = first
    self.second = second
    self.format = format
    length = first * second
  }

  package var name: String { "fourier \(batch)x\(first)x\(second) \(format.name)" }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("x", [2, batch, length], format),
      KernelParameter("first", [2, first, 2 * first], format),
      KernelParameter("second", [3, second, second], format),
      KernelParameter("twiddle", [2, second, first], .float32),
      KernelParameter("out", [2, batch, length], format, .output),
    ]
  }

  /// Transforms that one product of the second step takes.
  private var together: Int { max(1, 512 / first) }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard first <= 128, second <= 128, first * second == length, batch > 0 else {
      throw unsupported("length \(length)", allowed: "products of two factors of at most 128")
    }
    try builder.scope { builder throws(BuilderError) in
      let factors = try Factors(self, tensors, &builder)
      let count = together
      var inputs = try builder.pool(
        "x", buffers: 3, partitions: first, 2 * count * second, format: format)
      var turned = try builder.pool(
        "turned", buffers: 2, partitions: second, 2 * count * first, format: format)
      var work = try builder.pool(
        "work", buffers: 2, partitions: second, 2 * first, format: .float32)
      var outputs = try builder.pool(
        "out", buffers: 3, partitions: second, 2 * count * first, format: format)
      var columns = try builder.banks("columns", buffers: 4)
      var rows = try builder.banks("rows", buffers: 4)
      builder.pipelined(pieces(batch, count)) { builder, group in
        let x = inputs.next().shaped(2, count, second)
        for part in 0..<2 {
          builder.load(
            x.block(part).blocks(0..<group.count),
            from: tensors[0].access(
              offset: (part * batch + group.lowerBound) * length,
              sizes: [first, group.count, second], strides: [second, length, 1]),
            on: part == 0 ? .sync : .scalar)
        }
        return x
      } compute: { builder, group, x in
        let middle = turned.next().shaped(2, count, first)
        for place in 0..<group.count {
          let bank = columns.next(partitions: second, columns: 2 * first)
          for part in 0..<2 {
            builder.matmul(
              bank, stationary: x.block(part).block(place), moving: factors.first.block(part),
              accumulates: part > 0)
          }
          twist(bank, factors.twiddle, middle, place, work.next(), &builder)
        }
        let out = outputs.next().shaped(2, count, first)
        for part in 0..<2 {
          let bank = rows.next(partitions: second, columns: group.count * first)
          finish(bank, part, middle, group.count, factors.second, &builder)
          let target = out.block(part).blocks(0..<group.count)
          builder.copy(target, bank, on: .scalar)
          builder.store(
            tensors[4].access(
              offset: (part * batch + group.lowerBound) * length,
              sizes: [second, group.count, first], strides: [first, length, 1]), from: target)
        }
      }
    }
  }

  /// The factors in SBUF.
  private struct Factors {
    let first: Tile
    let second: Tile
    let twiddle: Tile

    init(
      _ kernel: FourierKernel, _ tensors: [TensorHandle], _ builder: inout KernelBuilder
    ) throws(BuilderError) {
      let (n1, n2) = (kernel.first, kernel.second)
      first = try builder.tile("first", partitions: n1, 2, 2 * n1, format: kernel.format)
      second = try builder.tile("second", partitions: n2, 3, n2, format: kernel.format)
      twiddle = try builder.tile("twiddle", partitions: n2, 2, n1, format: .float32)
      builder.load(
        first,
        from: tensors[1].access(
          offset: 0, sizes: [n1, 2, 2 * n1], strides: [2 * n1, 2 * n1 * n1, 1]))
      builder.load(
        second,
        from: tensors[2].access(offset: 0, sizes: [n2, 3, n2], strides: [n2, n2 * n2, 1]),
        on: .scalar)
      builder.load(
        twiddle,
        from: tensors[3].access(offset: 0, sizes: [n2, 2, n1], strides: [n1, n2 * n1, 1]),
        on: .scalar)
    }
  }

  /// (a + i b) · (c + i d) for one transform, out of PSUM: six passes of the vector engine.
  private func twist(
    _ bank: Tile, _ twiddle: Tile, _ middle: Tile, _ place: Int, _ work: Tile,
    _ builder: inout KernelBuilder
  ) {
    let real = bank.columns(0..<first)
    let imaginary = bank.columns(first..<2 * first)
    let (cosines, sines) = (twiddle.block(0), twiddle.block(1))
    let one = work.columns(0..<first)
    let other = work.columns(first..<2 * first)
    builder.tensorTensor(one, real, cosines, .multiply)
    builder.tensorTensor(other, imaginary, sines, .multiply)
    builder.tensorTensor(middle.block(0).block(place), one, other, .subtract)
    builder.tensorTensor(one, real, sines, .multiply)
    builder.tensorTensor(other, imaginary, cosines, .multiply)
    builder.tensorTensor(middle.block(1).block(place), one, other, .add)
  }

  /// One part of the result: real = Fr·Ar − Fi·Ai, imaginary = Fi·Ar + Fr·Ai.
  private func finish(
    _ bank: Tile, _ part: Int, _ middle: Tile, _ count: Int, _ factors: Tile,
    _ builder: inout KernelBuilder
  ) {
    for source in 0..<2 {
      let index = part == 0 ? (source == 0 ? 0 : 2) : (source == 0 ? 1 : 0)
      builder.matmul(
        bank, stationary: factors.block(index),
        moving: middle.block(source).blocks(0..<count), accumulates: source > 0)
    }
  }
}
