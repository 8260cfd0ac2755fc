import KernelLibrary
import ModelGraph

extension Boxes {
  /// Part of an axis of a padded tensor.
  private struct Stretch {
    /// Where it begins and how long it is in the result.
    var start: Int
    var count: Int
    /// The first element of the input and the step to the next; nil for the constant.
    var source: (first: Int, step: Int)?
  }

  /// The input and what stands around it.
  static func pad(_ shape: TensorShape, _ pad: Pad) -> [MoveKernel.Piece] {
    let result = TensorShape(
      (0..<shape.rank).map { shape[$0] + pad.before[$0] + pad.after[$0] })
    var list: [MoveKernel.Piece] = []
    // Sizes and both sides of the axes so far, all of which lie on the input.
    var boxes = [MoveKernel.Piece(.input(0), sizes: [], from: [], to: [])]
    for axis in 0..<shape.rank {
      let stretches = stretches(
        shape[axis], before: pad.before[axis], after: pad.after[axis], pad.mode)
      var next: [MoveKernel.Piece] = []
      for box in boxes {
        for stretch in stretches {
          var longer = box
          longer.sizes.append(stretch.count)
          longer.outputStrides.append(result.strides[axis])
          longer.outputOffset += stretch.start * result.strides[axis]
          if let source = stretch.source {
            longer.sourceStrides.append(source.step * shape.strides[axis])
            longer.sourceOffset += source.first * shape.strides[axis]
            next.append(longer)
          } else {
            // Whatever the axes behind hold there.
            longer.source = .constant(Float(pad.value))
            longer.sizes += result.dimensions.dropFirst(axis + 1)
            longer.outputStrides += result.strides.dropFirst(axis + 1)
            longer.sourceStrides = longer.sizes.map { _ in 0 }
            longer.sourceOffset = 0
            list.append(longer)
          }
        }
      }
      boxes = next
    }
    return list + boxes
  }

  private static func stretches(_ length: Int, before: Int, after: Int, _ mode: PadMode)
    -> [Stretch]
  {
    let places = -before..<length + after
    var list: [Stretch] = []
    for place in places {
      let source = source(place, length, mode)
      if var last = list.popLast() {
        if let joined = joined(last, source) {
          last = joined
          list.append(last)
          continue
        }
        list.append(last)
      }
      list.append(
        Stretch(start: place + before, count: 1, source: source.map { ($0, 1) }))
    }
    return list
  }

  /// A stretch that is one element longer, if that element continues it.
  private static func joined(_ stretch: Stretch, _ source: Int?) -> Stretch? {
    var longer = stretch
    longer.count += 1
    guard let own = stretch.source else { return source == nil ? longer : nil }
    guard let source else { return nil }
    let step = source - (own.first + (stretch.count - 1) * own.step)
    if stretch.count == 1, abs(step) <= 1 {
      longer.source = (own.first, step)
      return longer
    }
    return step == own.step ? longer : nil
  }

  /// The element of an axis that stands at a place in or outside it; nil for the constant.
  private static func source(_ place: Int, _ length: Int, _ mode: PadMode) -> Int? {
    if (0..<length).contains(place) { return place }
    switch mode {
    case .constant: return nil
    case .edge: return min(max(place, 0), length - 1)
    case .wrap: return (place % length + length) % length
    case .reflect:
      if length == 1 { return 0 }
      let period = 2 * (length - 1)
      let folded = (place % period + period) % period
      return folded < length ? folded : period - folded
    }
  }
}
