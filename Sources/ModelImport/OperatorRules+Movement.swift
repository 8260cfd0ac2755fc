import ModelGraph
import ONNXSchema

extension OperatorRules {
  /// Operators that choose, join and move elements.
  static var movement: [String: Rule] {
    [
      "Concat": { reading in
        reading.apply(.concatenate(Concatenation(axis: reading.integer("axis", 0))))
      },
      "Split": { try split($0) },
      "Slice": { try slice($0) },
      "Pad": { try pad($0) },
      "Gather": { reading in
        reading.apply(.axisGather(AxisGather(axis: reading.integer("axis", 0))))
      },
      "GatherElements": { reading in
        reading.apply(.elementGather(ElementGather(axis: reading.integer("axis", 0))))
      },
      "GatherND": { reading in
        reading.apply(.tupleGather(TupleGather(batchAxes: reading.integer("batch_dims", 0))))
      },
      "Scatter": { try scatter($0, axis: $0.integer("axis", 0)) },
      "ScatterElements": { try scatter($0, axis: $0.integer("axis", 0)) },
      "ScatterND": { try scatter($0, axis: nil) },
      "Trilu": { reading in
        let diagonal = try reading.list(1, "k")?.first ?? 0
        return reading.apply(
          .triangle(Triangle(keepsUpper: reading.flag("upper", true), diagonal: diagonal)), 1)
      },
      "OneHot": { reading in
        guard let depth = try reading.list(1, "the depth")?.first else {
          throw TranslationFailure("the depth is missing")
        }
        return .apply(
          .oneHot(OneHot(depth: depth, axis: reading.integer("axis", -1))), [0, 2])
      },
      "TensorScatter": { reading in
        reading.apply(
          .cacheScatter(
            CacheScatter(
              axis: reading.integer("axis", -2),
              isCircular: reading.text("mode", "linear") == "circular")))
      },
      "DepthToSpace": { try blocks($0, toDepth: false) },
      "SpaceToDepth": { try blocks($0, toDepth: true) },
      "ReverseSequence": { reading in
        reading.apply(
          .reverseSequence(
            ReverseSequence(
              batchAxis: reading.integer("batch_axis", 1), timeAxis: reading.integer("time_axis", 0)
            )
          ))
      },
    ]
  }

  private static func scatter(_ reading: NodeReading, axis: Int?) throws -> Translation {
    guard let reduction = ScatterReduction(rawValue: reading.text("reduction", "none")) else {
      throw TranslationFailure("the reduction \(reading.text("reduction", "")) is not known")
    }
    return reading.apply(.scatter(Scatter(axis: axis, reduction: reduction)))
  }

  private static func split(_ reading: NodeReading) throws -> Translation {
    let shape = try reading.shape(0)
    let axis = try reading.axis(reading.integer("axis", 0), rank: shape.rank)
    var lengths = try reading.list("split", orInput: 1)
    if lengths == nil {
      let pieces = reading.integer("num_outputs", reading.node.output.count)
      guard pieces > 0, pieces <= reading.node.output.count else {
        throw TranslationFailure("\(pieces) pieces for \(reading.node.output.count) results")
      }
      let length = (shape[axis] + pieces - 1) / pieces
      lengths = (0..<pieces).map { min(length, max(0, shape[axis] - $0 * length)) }
    }
    return reading.apply(.split(Split(axis: axis, lengths: lengths ?? [])), 1)
  }

  private static func slice(_ reading: NodeReading) throws -> Translation {
    let shape = try reading.shape(0)
    let starts = try reading.list(1, "starts") ?? []
    let ends = try reading.list(2, "ends") ?? []
    let axes = try reading.list(3, "axes") ?? Array(0..<starts.count)
    let steps = try reading.list(4, "steps") ?? starts.map { _ in 1 }
    guard starts.count == ends.count, axes.count == starts.count, steps.count == starts.count
    else { throw TranslationFailure("starts, ends, axes and steps differ in number") }
    var (first, count, step) = (
      shape.dimensions.map { _ in 0 }, shape.dimensions, shape.dimensions.map { _ in 1 }
    )
    for index in starts.indices {
      let axis = try reading.axis(axes[index], rank: shape.rank)
      let (length, stride) = (shape[axis], steps[index])
      guard stride != 0 else { throw TranslationFailure("a step is 0") }
      func place(_ given: Int, _ range: ClosedRange<Int>) -> Int {
        min(max(given < 0 ? given + length : given, range.lowerBound), range.upperBound)
      }
      // Walking backwards may end before the first element.
      let start = place(starts[index], stride > 0 ? 0...length : 0...max(0, length - 1))
      let end = place(ends[index], stride > 0 ? 0...length : -1...max(0, length - 1))
      let distance = stride > 0 ? end - start : start - end
      first[axis] = start
      step[axis] = stride
      count[axis] = length == 0 ? 0 : max(0, (distance + abs(stride) - 1) / abs(stride))
    }
    return reading.apply(
      .stridedSlice(StridedSlice(starts: first, counts: count, steps: step)), 1)
  }

  private static func pad(_ reading: NodeReading) throws -> Translation {
    let rank = try reading.shape(0).rank
    let pads = try reading.list("pads", orInput: 1) ?? []
    let axes = try reading.list(3, "axes") ?? Array(0..<rank)
    guard pads.count == 2 * axes.count else {
      throw TranslationFailure("\(pads.count) pads for \(axes.count) axes")
    }
    guard let mode = PadMode(rawValue: reading.text("mode", "constant")) else {
      throw TranslationFailure("the mode \(reading.text("mode", "")) is not known")
    }
    var (before, after) = ([Int](repeating: 0, count: rank), [Int](repeating: 0, count: rank))
    for (index, given) in axes.enumerated() {
      let axis = try reading.axis(given, rank: rank)
      before[axis] = pads[index]
      after[axis] = pads[axes.count + index]
    }
    let value = try reading.number(2, "the value") ?? reading.real("value", 0)
    return reading.apply(
      .pad(Pad(before: before, after: after, mode: mode, value: value)), 1)
  }

  private static func blocks(_ reading: NodeReading, toDepth: Bool) throws -> Translation {
    let columnsFirst = reading.text("mode", "DCR") == "CRD"
    guard (1...1 << 15).contains(reading.integer("blocksize", 1)) else {
      throw TranslationFailure("the block size cannot be")
    }
    return reading.apply(
      .blockShuffle(
        BlockShuffle(
          size: reading.integer("blocksize", 1), toDepth: toDepth,
          channelsFirst: columnsFirst)))
  }
}
