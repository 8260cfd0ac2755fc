import ModelGraph
import ONNXSchema

extension OperatorRules {
  static var images: [String: Rule] {
    var rules: [String: Rule] = [
      "Conv": { reading in
        let shape = try reading.shape(0)
        let kernel = Array(try reading.shape(1).dimensions.dropFirst(2))
        let window = try window(reading, kernel: kernel, sizes: places(shape))
        return reading.apply(
          .convolution(Convolution(window, groups: reading.integer("group", 1))), 3)
      },
      "ConvTranspose": { try transposed($0) },
      "MaxPool": { try pool($0, .max) },
      "AveragePool": { try pool($0, .average(countsPadding: $0.flag("count_include_pad"))) },
      "GlobalAveragePool": { try global($0, .average(countsPadding: false)) },
      "GlobalMaxPool": { try global($0, .max) },
      "LpPool": { reading in
        let window = try window(reading, sizes: places(try reading.shape(0)))
        return reading.apply(
          .windowNorm(WindowNorm(window, power: reading.integer("p", 2))), 1)
      },
      "GlobalLpPool": { reading in
        let window = SlidingWindow(places(try reading.shape(0)))
        return reading.apply(
          .windowNorm(WindowNorm(window, power: reading.integer("p", 2))), 1)
      },
      "BatchNormalization": { reading in
        guard !reading.flag("training_mode") else {
          throw TranslationFailure("the statistics of a batch are for training")
        }
        return reading.apply(
          .channelNormalization(
            ChannelNormalization(.given, epsilon: reading.real("epsilon", Double(Float(1e-5))))),
          5)
      },
      "InstanceNormalization": { reading in
        let channels = try reading.shape(1).elementCount
        return reading.apply(
          .channelNormalization(
            ChannelNormalization(
              .groups(channels), epsilon: reading.real("epsilon", Double(Float(1e-5))))), 3)
      },
      "GroupNormalization": { reading in
        let (shape, groups) = (try reading.shape(0), reading.integer("num_groups", 1))
        guard shape.rank >= 2, try reading.shape(1).elementCount == shape[1] else {
          throw TranslationFailure("scale and bias are one per group, not one per channel")
        }
        return reading.apply(
          .channelNormalization(
            ChannelNormalization(
              .groups(groups), epsilon: reading.real("epsilon", Double(Float(1e-5))))), 3)
      },
      "LRN": { reading in
        guard (1...1 << 20).contains(reading.integer("size", 1)) else {
          throw TranslationFailure("the size cannot be")
        }
        return reading.apply(
          .localResponse(
            LocalResponse(
              size: reading.integer("size", 1), alpha: reading.real("alpha", Double(Float(1e-4))),
              beta: reading.real("beta", 0.75), bias: reading.real("bias", 1))))
      },
      "LpNormalization": { reading in
        reading.apply(
          .lpNormalization(
            LpNormalization(axis: reading.integer("axis", -1), power: reading.integer("p", 2))))
      },
    ]
    rules["Resize"] = { try ResizeReading($0).translation() }
    rules["Upsample"] = { try ResizeReading($0).translation() }
    return rules
  }

  /// Lengths of all axes but the first two.
  static func places(_ shape: TensorShape) -> [Int] { Array(shape.dimensions.dropFirst(2)) }

  /// The window that a node's attributes describe. Throws `TranslationFailure`.
  static func window(_ reading: NodeReading, kernel given: [Int]? = nil, sizes: [Int]) throws
    -> SlidingWindow
  {
    let kernel = reading.integers("kernel_shape") ?? given ?? []
    let strides = reading.integers("strides") ?? kernel.map { _ in 1 }
    let dilations = reading.integers("dilations") ?? kernel.map { _ in 1 }
    let lists = [kernel, strides, dilations]
    guard
      lists.allSatisfy({ $0.count == sizes.count && $0.allSatisfy { (1...1 << 20).contains($0) } })
    else { throw TranslationFailure("kernel, strides or dilations do not fit \(sizes.count) axes") }
    let pads = try pads(reading, kernel, strides, dilations, sizes)
    var window = SlidingWindow(
      kernel, strides: strides, dilations: dilations, before: pads.before, after: pads.after)
    window.coversEnd = reading.flag("ceil_mode")
    return window
  }

  /// Padding as given, or as `auto_pad` says. Throws `TranslationFailure`.
  private static func pads(
    _ reading: NodeReading, _ kernel: [Int], _ strides: [Int], _ dilations: [Int], _ sizes: [Int]
  ) throws -> (before: [Int], after: [Int]) {
    let zeros = kernel.map { _ in 0 }
    switch reading.text("auto_pad", "NOTSET") {
    case "VALID": return (zeros, zeros)
    case "SAME_UPPER", "SAME_LOWER":
      let totals = sizes.indices.map { axis in
        let places = (sizes[axis] + strides[axis] - 1) / strides[axis]
        let reach = (kernel[axis] - 1) * dilations[axis] + 1
        return max(0, (places - 1) * strides[axis] + reach - sizes[axis])
      }
      let halves = totals.map { $0 / 2 }
      let rest = zip(totals, halves).map { $0 - $1 }
      return reading.text("auto_pad", "") == "SAME_UPPER" ? (halves, rest) : (rest, halves)
    default:
      let pads = reading.integers("pads") ?? zeros + zeros
      guard pads.count == 2 * kernel.count, pads.allSatisfy({ (0...1 << 20).contains($0) }) else {
        throw TranslationFailure("the pads \(pads) do not fit \(kernel.count) axes")
      }
      return (Array(pads.prefix(kernel.count)), Array(pads.suffix(kernel.count)))
    }
  }

  private static func pool(_ reading: NodeReading, _ mode: Pooling.Mode) throws -> Translation {
    let window = try window(reading, sizes: places(try reading.shape(0)))
    if mode == .max, reading.node.output.count > 1 {
      return reading.apply(
        .indexedMaxPool(
          IndexedMaxPool(window, countsColumnsFirst: reading.flag("storage_order"))), 1)
    }
    return reading.apply(.pool(Pooling(window, mode: mode)), 1)
  }

  private static func global(_ reading: NodeReading, _ mode: Pooling.Mode) throws -> Translation {
    let sizes = places(try reading.shape(0))
    guard !sizes.isEmpty, !sizes.contains(0) else {
      throw TranslationFailure("X has no places")
    }
    return reading.apply(.pool(Pooling(SlidingWindow(sizes), mode: mode)), 1)
  }

  private static func transposed(_ reading: NodeReading) throws -> Translation {
    let sizes = places(try reading.shape(0))
    let weights = places(try reading.shape(1))
    let kernel = reading.integers("kernel_shape") ?? weights
    let strides = reading.integers("strides") ?? kernel.map { _ in 1 }
    let dilations = reading.integers("dilations") ?? kernel.map { _ in 1 }
    let extra = reading.integers("output_padding") ?? kernel.map { _ in 0 }
    let lists = [kernel, strides, dilations, extra]
    guard
      lists.allSatisfy({ $0.count == sizes.count && $0.allSatisfy { (0...1 << 20).contains($0) } }),
      !sizes.isEmpty
    else { throw TranslationFailure("kernel, strides or dilations do not fit \(sizes.count) axes") }
    let full = sizes.indices.map {
      strides[$0] * (sizes[$0] - 1) + extra[$0] + (kernel[$0] - 1) * dilations[$0] + 1
    }
    var before = sizes.map { _ in 0 }
    var lengths = full
    let automatic = reading.text("auto_pad", "NOTSET")
    if let wanted = reading.integers("output_shape") {
      guard wanted.count >= sizes.count else {
        throw TranslationFailure("output_shape is too short")
      }
      lengths = Array(wanted.suffix(sizes.count))
      before = cuts(full, lengths, automatic)
    } else if automatic.hasPrefix("SAME") {
      lengths = sizes.indices.map { sizes[$0] * strides[$0] }
      before = cuts(full, lengths, automatic)
    } else {
      let pads = reading.integers("pads") ?? sizes.map { _ in 0 } + sizes.map { _ in 0 }
      guard pads.count == 2 * sizes.count else {
        throw TranslationFailure("the pads \(pads) do not fit \(sizes.count) axes")
      }
      before = Array(pads.prefix(sizes.count))
      lengths = sizes.indices.map { full[$0] - pads[$0] - pads[sizes.count + $0] }
    }
    // Blocks of places that do not meet: the form that kernels take.
    if strides == kernel, kernel == weights, before.allSatisfy({ $0 == 0 }),
      dilations.allSatisfy({ $0 == 1 }), reading.integer("group", 1) == 1,
      lengths == zip(sizes, strides).map({ $0 * $1 }), lengths.allSatisfy({ $0 > 0 })
    {
      let window = SlidingWindow(kernel, strides: strides)
      return reading.apply(.transposedConvolution(TransposedConvolution(window)), 3)
    }
    return reading.apply(
      .convTranspose(
        ConvTranspose(
          kernel: kernel, strides: strides, dilations: dilations, before: before,
          lengths: lengths, groups: reading.integer("group", 1))), 3)
  }

  /// What is cut off in front when a full result becomes one of these lengths.
  private static func cuts(_ full: [Int], _ lengths: [Int], _ automatic: String) -> [Int] {
    zip(full, lengths).map { whole, length in
      let total = max(0, whole - length)
      return automatic == "SAME_UPPER" ? total / 2 : total - total / 2
    }
  }
}
