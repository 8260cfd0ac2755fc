extension Tolerance {
  /// Operators whose every element is a formula of a few elements of the inputs.
  func element(at index: Int, reference: Double) -> Double {
    let first = inputs[0]
    switch operation {
    case .add, .multiply: return binary(at: index, reference: reference)
    case .silu, .sigmoid:
      let x = first[index]
      return abs(reference) * (middle + Self.function + 2 * Self.sum * abs(x))
        + 2 * first.absoluteUncertainty(x)
    case .rotaryEmbedding(let rotary): return self.rotary(rotary, at: index)
    case .gradientDescent(let rate):
      let (weight, gradient) = (first[index], inputs[1][index])
      return 2 * Self.sum * (abs(weight) + 2 * rate * abs(gradient))
        + first.absoluteUncertainty(weight) + rate * inputs[1].absoluteUncertainty(gradient)
    case .reduceSum: return columnSum(index)
    case .relu, .reluGradient, .copy, .gather, .slice, .transpose:
      return first.absoluteUncertainty(reference)
    case .tensorScatter:
      return max(
        first.absoluteUncertainty(reference), inputs[1].absoluteUncertainty(reference))
    default: return 0
    }
  }

  private func binary(at index: Int, reference: Double) -> Double {
    let a = inputs[0][inputs[0].shape.sourceIndex(of: index, in: shape)]
    let b = inputs[1][inputs[1].shape.sourceIndex(of: index, in: shape)]
    let (errorOfA, errorOfB) = (
      inputs[0].absoluteUncertainty(a), inputs[1].absoluteUncertainty(b)
    )
    if operation == .add {
      return 2 * Self.sum * (abs(a) + abs(b)) + errorOfA + errorOfB
    }
    return 2 * Self.sum * abs(reference) + errorOfA * abs(b) + errorOfB * abs(a)
  }

  /// A column's sum is a product with ones: 4 · u · √K · Σ|x|.
  private func columnSum(_ column: Int) -> Double {
    let view = inputs[0]
    let values = view.vector(start: column, stride: shape.elementCount, count: view.shape[0])
    let size = values.reduce(0) { $0 + abs($1) }
    return Self.factor * Self.sum * Double(values.count).squareRoot() * size
      + Self.factor * norm(values.map { view.absoluteUncertainty($0) })
  }

  /// Tables are rounded to their format; without tables the angle is computed in fp32.
  private func rotary(_ rotary: RotaryEmbedding, at index: Int) -> Double {
    let pair = RotaryPair(rotary, inputs, index: index)
    let hasExactTables = rotary.angles == nil
    let table =
      inputs.count == 3
      ? (hasExactTables ? 0 : Roundoff.unit(of: inputs[1].format))
      : Self.sum * largestAngle(rotary)
    let size = abs(pair.own) + abs(pair.partner)
    return size * (table + middle + 4 * Self.sum)
      + inputs[0].absoluteUncertainty(pair.own) + inputs[0].absoluteUncertainty(pair.partner)
  }

  private func largestAngle(_ rotary: RotaryEmbedding) -> Double {
    4 * Double((rotary.angles?.firstPosition ?? 0) + rotary.lengths.tokens)
  }
}
