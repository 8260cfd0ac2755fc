import Foundation
import ModelGraph
import ONNXSchema

extension OperatorRules {
  /// Operators that make tensors from known numbers.
  static var sources: [String: Rule] {
    [
      "Constant": { try constant($0) },
      "ConstantOfShape": { reading in
        let shape = try lengths(reading, 0)
        let value = try reading.tensor("value") ?? TensorView([0], shape: [1], type: .float32)
        guard value.count == 1, shape.elementCount <= reading.largestElements else {
          throw TranslationFailure("\(shape) is too large, or the value is not one number")
        }
        let places = [Int](repeating: 0, count: shape.elementCount)
        return .values([try value.picked(places, shape: shape)])
      },
      "Range": { try range($0) },
      "EyeLike": { reading in
        let type = try reading.type(0)
        guard type.shape.rank == 2, type.shape.elementCount <= reading.largestElements else {
          throw TranslationFailure("the input is no matrix")
        }
        let columns = max(1, type.shape[1])
        let diagonal = reading.integer("k", 0)
        let values = (0..<type.shape.elementCount).map { index in
          Int64(index % columns - index / columns == diagonal ? 1 : 0)
        }
        let wanted = try reading.elementType("dtype", type.type) ?? type.type
        return wanted.isInteger
          ? try reading.made(values, type.shape, wanted)
          : try reading.made(values.map(Double.init), type.shape, wanted)
      },
      "NonZero": { reading in
        let view = try reading.constant(0, "the number of results")
        let strides = view.shape.strides
        let found = (0..<view.count).filter { view[$0] != 0 }
        let rank = view.shape.rank
        var places: [Int64] = []
        for axis in 0..<rank {
          places += found.map { Int64($0 / strides[axis] % view.shape[axis]) }
        }
        return try reading.made(places, [rank, found.count], .int64)
      },
    ]
  }

  private static func constant(_ reading: NodeReading) throws -> Translation {
    if let view = try reading.tensor("value") { return .values([view]) }
    if let attribute = reading.attribute("value_float") {
      return try reading.made([Double(attribute.f)], [], .float32)
    }
    if let attribute = reading.attribute("value_int") {
      return try reading.made([attribute.i], [], .int64)
    }
    if let values = reading.reals("value_floats") {
      return try reading.made(values, [values.count], .float32)
    }
    if let attribute = reading.attribute("value_ints") {
      return try reading.made(attribute.ints, [attribute.ints.count], .int64)
    }
    throw TranslationFailure("text and sparse values are not kept")
  }

  private static func range(_ reading: NodeReading) throws -> Translation {
    let start = try reading.constant(0, "the start")
    let limit = try reading.constant(1, "the limit")
    let step = try reading.constant(2, "the step")
    guard start.count == 1, limit.count == 1, step.count == 1, step[0] != 0 else {
      throw TranslationFailure("start, limit and step are numbers, and the step is not 0")
    }
    let count = ((limit[0] - start[0]) / step[0]).rounded(.up)
    guard count.isFinite, count <= Double(reading.largestElements) else {
      throw TranslationFailure("the range has too many numbers")
    }
    let places = 0..<Int(max(0, count))
    if start.type.isInteger {
      let (first, by) = (start.integerValues[0], step.integerValues[0])
      return try reading.made(
        places.map { first &+ Int64($0) &* by }, [places.count], start.type)
    }
    return try reading.made(
      places.map { start[0] + Double($0) * step[0] }, [places.count], start.type)
  }

  /// Operators whose results have as many elements as the data says.
  static var choices: [String: Rule] {
    [
      "Compress": { reading in
        let view = try reading.constant(0, "the number of results")
        let condition = try reading.constant(1, "the condition").integerValues
        let isFlat = !reading.has("axis")
        let axis = isFlat ? 0 : try reading.axis(reading.integer("axis", 0), rank: view.shape.rank)
        let length = isFlat ? view.count : view.shape[axis]
        let chosen = condition.prefix(length).indices.filter { condition[$0] != 0 }
        let data = isFlat ? try view.reshaped([view.count]) : view
        let indices = try TensorView(
          integers: chosen.map(Int64.init), shape: [chosen.count], type: .int64)
        return .values(
          try Float64Interpreter.results(
            .axisGather(AxisGather(axis: axis)), inputs: [data, indices]))
      },
      "Unique": { try UniqueReading($0).translation() },
      "NonMaxSuppression": { try SuppressionReading($0).translation() },
    ]
  }
}
