import ModelGraph

/// The different slices of an axis, or elements of the whole (ONNX Unique).
struct UniqueReading {
  private let reading: NodeReading

  init(_ reading: NodeReading) { self.reading = reading }

  func translation() throws -> Translation {
    let view = try reading.constant(0, "the number of results")
    let isFlat = !reading.has("axis")
    let axis = isFlat ? 0 : try reading.axis(reading.integer("axis", 0), rank: view.shape.rank)
    let data = isFlat ? try view.reshaped([view.count]) : view
    let length = data.shape[axis]
    let inner = data.shape.dimensions.dropFirst(axis + 1).reduce(1, *)
    let outer = data.shape.dimensions.prefix(axis).reduce(1, *)
    let slices = (0..<length).map { place in
      (0..<outer).flatMap { block in
        data.vector(start: (block * length + place) * inner, stride: 1, count: inner)
      }
    }
    var firsts: [Int] = []
    var owners = [Int](repeating: 0, count: length)
    var counts: [Int64] = []
    for place in 0..<length {
      if let known = firsts.firstIndex(where: { slices[$0] == slices[place] }) {
        owners[place] = known
        counts[known] += 1
      } else {
        owners[place] = firsts.count
        firsts.append(place)
        counts.append(1)
      }
    }
    if reading.flag("sorted", true) {
      let order = firsts.indices.sorted {
        slices[firsts[$0]].lexicographicallyPrecedes(slices[firsts[$1]])
      }
      var ranks = [Int](repeating: 0, count: order.count)
      for (rank, old) in order.enumerated() { ranks[old] = rank }
      firsts = order.map { firsts[$0] }
      counts = order.map { counts[$0] }
      owners = owners.map { ranks[$0] }
    }
    func list(_ values: [Int64]) throws -> TensorView {
      try TensorView(integers: values, shape: [values.count], type: .int64)
    }
    let indices = try list(firsts.map(Int64.init))
    let chosen = try Float64Interpreter.results(
      .axisGather(AxisGather(axis: axis)), inputs: [data, indices])
    return .values([chosen[0], indices, try list(owners.map(Int64.init)), try list(counts)])
  }
}

/// Boxes that no better box of their class covers (ONNX NonMaxSuppression).
struct SuppressionReading {
  private let reading: NodeReading

  init(_ reading: NodeReading) { self.reading = reading }

  func translation() throws -> Translation {
    let boxes = try reading.constant(0, "the number of results")
    let scores = try reading.constant(1, "the number of results")
    guard boxes.shape.rank == 3, scores.shape.rank == 3, boxes.shape[2] == 4,
      scores.shape[0] == boxes.shape[0], scores.shape[2] == boxes.shape[1]
    else { throw TranslationFailure("boxes are [batch, boxes, 4], scores [batch, classes, boxes]") }
    let most = try reading.list(2, "the most boxes")?.first ?? 0
    let choice = BoxSuppression(
      most: min(boxes.shape[1], max(0, most)),
      overlap: try reading.number(3, "the overlap") ?? 0,
      least: try reading.number(4, "the least score"),
      isCentred: reading.integer("center_point_box", 0) == 1)
    let places = try Float64Interpreter.results(.boxSuppression(choice), inputs: [boxes, scores])[0]
    let chosen = (0..<places.count).filter { places[$0] >= 0 }.flatMap { place -> [Int64] in
      let row = place / choice.most
      return [
        Int64(row / scores.shape[1]), Int64(row % scores.shape[1]), Int64(places[place]),
      ]
    }
    return try reading.made(chosen, [chosen.count / 3, 3], .int64)
  }
}
