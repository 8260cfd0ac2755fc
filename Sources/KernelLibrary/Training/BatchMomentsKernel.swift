import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Mean and variance of each of some channels over all images and places.
///
/// Layout: channels on partitions, a channel's elements in parts of at most `partColumns`. bn_stats
/// takes 512 elements at a time, bn_aggr joins what it finds. Bound: the vector engine, one pass.
///
/// Parameters in order: x [channels, elements], moments [2, channels] fp32: means, then variances.
package struct BatchMomentsKernel: Kernel {
  /// Channels.
  package var channels: Int
  /// Elements of a channel.
  package var elements: Int
  /// Format of x.
  package var format: NumberFormat

  /// The moments of `channels` rows of `elements`.
  package init(channels: Int, elements: Int, format: NumberFormat) {
    self.channels = channels
    self.elements = elements
    self.format = format
  }

  package var name: String { "batch-moments \(channels)x\(elements) \(format.name)" }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("x", [channels, elements], format),
      KernelParameter("moments", [2 * channels, 1], .float32, .output),
    ]
  }

  /// Elements that one bn_stats takes.
  private static let statisticsColumns = 512
  /// Elements of a part: a transfer of 16 KiB per partition in 16 bits.
  private static let partColumns = 8_192
  /// Parts whose statistics are joined by one bn_aggr; their numbers stay in SBUF.
  private static let mostElements = 1 << 20

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard channels > 0, (1...Self.mostElements).contains(elements) else {
      throw unsupported(
        "\(elements) elements of a channel", allowed: "1 to \(Self.mostElements) elements")
    }
    let parts = pieces(elements, Self.partColumns)
    let cuts = parts.flatMap { part in pieces(part.count, Self.statisticsColumns) }
    try builder.scope { builder throws(BuilderError) in
      var inputs = try builder.pool(
        "x", buffers: 4, min(elements, Self.partColumns), format: format)
      var statistics = try builder.pool("statistics", buffers: 2, 6 * cuts.count, format: .float32)
      var moments = try builder.pool("moments", buffers: 2, 2, format: .float32)
      for tile in pieces(channels, 128) {
        let own = statistics.next().rows(0..<tile.count)
        var column = 0
        builder.pipelined(parts, ahead: 3) { builder, part in
          let x = inputs.next()[0..<tile.count, 0..<part.count]
          builder.load(x, from: tensors[0].block(rows: tile, columns: part))
          return x
        } compute: { builder, _, x in
          for cut in pieces(x.columns, Self.statisticsColumns) {
            builder.batchNormStatistics(own.columns(column..<column + 6), x.columns(cut))
            column += 6
          }
        }
        let found = moments.next().rows(0..<tile.count)
        builder.batchNormAggregate(found, own)
        for half in 0..<2 {
          let rows = half * channels + tile.lowerBound..<half * channels + tile.upperBound
          builder.store(tensors[1].rows(rows), from: found.columns(half..<half + 1), on: .scalar)
        }
      }
    }
  }
}
