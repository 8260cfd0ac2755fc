import NumericFormats
import WorkloadCatalog

/// What is published about a quantity that a micro-program measures.
///
/// Sources: profiler captures of four attention kernels on Trainium2 (rows read to the nanosecond),
/// and third-party micro-benchmarks of Trainium2 (start-up plus slope).
struct PublishedLaw {
  let range: ClosedRange<Double>
  let source: String

  /// Where all of it was measured.
  static let device = "trn2"

  private static let captures = "profiler captures, attention s=512"
  private static let probes = "third-party micro-benchmarks of Trainium2"

  /// The published range for a micro-program's quantity, if there is one.
  static func find(_ program: MicroProgram, _ quantity: String) -> PublishedLaw? {
    guard program.chain == .stream else { return nil }
    switch (program.instruction, quantity) {
    case (.tensorReduce(_, let move), _): return reduction(move, quantity)
    case (.matrixProduct(let format, 128, 128, let columns, false, _), "interval"):
      return product(format, columns)
    case (.matrixProduct(.float32, 64, 128, 512, false, _), "interval"):
      return PublishedLaw(range: 1_707...1_707, source: probes)
    case (.transpose(let format, 128), "interval"):
      if format == .float32 { return PublishedLaw(range: 109...110, source: captures) }
      return format.sizeBytes == 2 ? PublishedLaw(range: 55...55, source: probes) : nil
    case (.tensorCopy(let move, .scalar), _): return scalarCopy(move, quantity)
    case (.tensorCopy(let move, .vector), _): return vectorCopy(move, quantity)
    case (.activation(.exp, let move, false), _): return exponential(move, quantity)
    case (.tensorTensor(_, let move, let second), "first duration"):
      let all16 = [move.source, move.destination, second].allSatisfy {
        $0.format.sizeBytes == 2 && $0.memory == .sbuf
      }
      let allWide = [move.source, second].allSatisfy { $0.format == .float32 && $0.memory == .sbuf }
      if all16 { return line(161.5, 0.5166, move.columns) }
      return allWide ? line(158.7, 1.042, move.columns) : nil
    case (.tensorScalar(_, let move), "first duration")
    where move.source.format == .float32 && move.source.memory == .sbuf:
      return line(160.3, 0.521, move.columns)
    case (.scan(let columns, let seed), "first duration"):
      return line(157.7 + (seed == .tensor ? 60 : 0), 2.083, columns)
    case (.reciprocal(let move), "first duration"): return line(153, 6.247, move.columns)
    case (.affineSelect(let columns), "first duration"): return line(176.9, 0.846, columns)
    case (.memset(_, let columns, .vector), "first duration"): return line(58, 0.8325, columns)
    default: return nil
    }
  }

  /// A measured law: start-up and nanoseconds per element.
  private static func line(_ startup: Double, _ slope: Double, _ columns: Int) -> PublishedLaw {
    let value = startup + slope * Double(columns)
    return PublishedLaw(range: value...value, source: probes)
  }

  private static func reduction(_ move: MicroMove, _ quantity: String) -> PublishedLaw? {
    guard move.source.format == .float32 else {
      return quantity == "first duration" ? line(142.7, 1.044, move.columns) : nil
    }
    switch (move.source.memory, move.columns, quantity) {
    case (.sbuf, 512, "first duration"): return PublishedLaw(range: 685...687, source: captures)
    case (.sbuf, 512, "last duration"): return PublishedLaw(range: 672...678, source: captures)
    case (.sbuf, 512, "interval"): return PublishedLaw(range: 592...593, source: captures)
    case (.psum, 512, "first duration"): return PublishedLaw(range: 689...691, source: captures)
    case (.psum, 512, "last duration"): return PublishedLaw(range: 678...680, source: captures)
    case (.psum, 512, "interval"): return PublishedLaw(range: 598...598, source: captures)
    case (.sbuf, _, "first duration"): return line(153, 1.0417, move.columns)
    case (.psum, _, "first duration"): return line(157, 1.042, move.columns)
    default: return nil
    }
  }

  private static func product(_ format: NumberFormat, _ columns: Int) -> PublishedLaw? {
    switch (format.sizeBytes, columns) {
    case (2, 512): PublishedLaw(range: 215...215, source: probes)
    case (2, 128): PublishedLaw(range: 55...55, source: probes)
    case (4, 512) where format == .float32:
      PublishedLaw(range: 858...860, source: captures)
    case (4, 128) where format == .float32:
      PublishedLaw(range: 218...226, source: captures)
    default: nil
    }
  }

  private static func scalarCopy(_ move: MicroMove, _ quantity: String) -> PublishedLaw? {
    guard move.destination.memory == .sbuf else { return nil }
    return scalarCopyToSBUF(move, quantity)
  }

  private static func scalarCopyToSBUF(_ move: MicroMove, _ quantity: String) -> PublishedLaw? {
    switch (move.source.memory, move.columns, quantity) {
    case (.psum, 512, "first duration"): PublishedLaw(range: 584...586, source: captures)
    case (.psum, 128, "first duration"): PublishedLaw(range: 264...265, source: captures)
    case (.psum, 512, "interval"): PublishedLaw(range: 486...489, source: captures)
    case (.sbuf, _, "first duration") where move.source.format == .float32:
      line(189, 0.833, move.columns)
    default: nil
    }
  }

  private static func vectorCopy(_ move: MicroMove, _ quantity: String) -> PublishedLaw? {
    guard quantity == "first duration", move.destination.memory == .sbuf else { return nil }
    switch (move.source.memory, move.source.format, move.destination.format) {
    case (.psum, .float32, _) where move.columns == 512:
      return PublishedLaw(range: 689...691, source: captures)
    case (.psum, .float32, _) where move.columns == 128:
      return PublishedLaw(range: 289...291, source: captures)
    case (.sbuf, .float32, .float32): return line(157, 0.5275, move.columns)
    case (.sbuf, .float32, .bfloat16): return line(155.5, 0.5219, move.columns)
    case (.sbuf, .bfloat16, .bfloat16): return line(155.7, 0.2691, move.columns)
    case (.sbuf, .bfloat16, .float32): return line(152.7, 0.8033, move.columns)
    default: return nil
    }
  }

  private static func exponential(_ move: MicroMove, _ quantity: String) -> PublishedLaw? {
    guard move.columns == 512, move.source.format == .float32 else { return nil }
    switch (move.source.memory, quantity) {
    case (.psum, "first duration"): return PublishedLaw(range: 686...687, source: captures)
    case (.psum, "interval"): return PublishedLaw(range: 577...581, source: captures)
    case (.sbuf, "first duration"): return PublishedLaw(range: 720...721, source: captures)
    case (.sbuf, "last duration"): return PublishedLaw(range: 705...707, source: captures)
    case (.sbuf, "interval"): return PublishedLaw(range: 611...615, source: captures)
    default: return nil
    }
  }
}
