import ModelGraph

extension OperatorRules {
  /// Operators that change the shape and keep the elements.
  static var shapes: [String: Rule] {
    [
      "Reshape": { try reshape($0) },
      "Flatten": { reading in
        let shape = try reading.shape(0)
        let axis = reading.integer("axis", 1)
        let cut = axis < 0 ? axis + shape.rank : axis
        guard (0...shape.rank).contains(cut) else {
          throw TranslationFailure("there is no axis \(axis) of \(shape.rank)")
        }
        let rows = shape.dimensions.prefix(cut).reduce(1, *)
        let columns = shape.dimensions.dropFirst(cut).reduce(1, *)
        return reading.apply(.reshape(Reshape(to: [rows, columns])), 1)
      },
      "Squeeze": { reading in
        let shape = try reading.shape(0)
        let axes = try reading.list("axes", orInput: 1)
        let removed = try axes.map { try Set($0.map { try reading.axis($0, rank: shape.rank) }) }
        var lengths: [Int] = []
        for axis in 0..<shape.rank {
          let goes = removed?.contains(axis) ?? (shape[axis] == 1)
          guard !goes || shape[axis] == 1 else {
            throw TranslationFailure("axis \(axis) has \(shape[axis]) places, not one")
          }
          if !goes { lengths.append(shape[axis]) }
        }
        return reading.apply(.reshape(Reshape(to: TensorShape(lengths))), 1)
      },
      "Unsqueeze": { reading in
        let shape = try reading.shape(0)
        let axes = try reading.list("axes", orInput: 1) ?? []
        let rank = shape.rank + axes.count
        let added = try Set(axes.map { try reading.axis($0, rank: rank) })
        guard added.count == axes.count else { throw TranslationFailure("axes name one twice") }
        var rest = shape.dimensions[...]
        let lengths = (0..<rank).map { added.contains($0) ? 1 : rest.removeFirst() }
        return reading.apply(.reshape(Reshape(to: TensorShape(lengths))), 1)
      },
      "Expand": { reading in
        reading.apply(.expand(Expand(to: try lengths(reading, 1))), 1)
      },
      "Tile": { reading in
        let repeats = try reading.list(1, "repeats") ?? []
        return reading.apply(.tile(Tile(repeats: repeats)), 1)
      },
      "Transpose": { reading in
        let rank = try reading.shape(0).rank
        let permutation = reading.integers("perm") ?? Array((0..<rank).reversed())
        return reading.apply(.transpose(permutation: permutation), 1)
      },
      "Shape": { reading in
        let shape = try reading.shape(0)
        let range = placeRange(
          reading.integer("start", 0), reading.integer("end", shape.rank), shape.rank)
        let lengths = shape.dimensions[range].map { Int64($0) }
        return try reading.made(lengths, [lengths.count], .int64)
      },
      "Size": { reading in
        try reading.made([Int64(try reading.shape(0).elementCount)], [], .int64)
      },
    ]
  }

  /// A range of places; negative ends count from the back, both are clamped.
  private static func placeRange(_ start: Int, _ end: Int, _ count: Int) -> Range<Int> {
    func clamped(_ place: Int) -> Int { min(max(place < 0 ? place + count : place, 0), count) }
    let first = clamped(start)
    return first..<max(first, clamped(end))
  }

  /// Known lengths as a shape.
  static func lengths(_ reading: NodeReading, _ index: Int) throws -> TensorShape {
    let lengths = try reading.list(index, "the shape") ?? []
    guard let shape = TensorReader.shape(lengths.map { Int64($0) }) else {
      throw TranslationFailure("the lengths \(lengths) cannot be")
    }
    return shape
  }

  private static func reshape(_ reading: NodeReading) throws -> Translation {
    let shape = try reading.shape(0)
    var wanted = try reading.list(1, "the shape") ?? []
    if !reading.flag("allowzero") {
      for (axis, length) in wanted.enumerated() where length == 0 {
        guard axis < shape.rank else {
          throw TranslationFailure("there is no axis \(axis) to keep")
        }
        wanted[axis] = shape[axis]
      }
    }
    if let open = wanted.firstIndex(of: -1) {
      wanted[open] = 1
      let known = TensorShape(wanted).elementCount
      guard known > 0, shape.elementCount % known == 0 else {
        throw TranslationFailure("\(shape) does not divide into \(wanted)")
      }
      wanted[open] = shape.elementCount / known
    }
    guard let result = TensorReader.shape(wanted.map { Int64($0) }) else {
      throw TranslationFailure("the lengths \(wanted) cannot be")
    }
    return reading.apply(.reshape(Reshape(to: result)), 1)
  }
}
