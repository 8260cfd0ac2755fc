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
    let overlap = try reading.number(3, "the overlap") ?? 0
    let least = try reading.number(4, "the least score")
    var chosen: [Int64] = []
    for batch in 0..<boxes.shape[0] {
      for category in 0..<scores.shape[1] {
        let start = (batch * scores.shape[1] + category) * scores.shape[2]
        var kept: [Int] = []
        let order = (0..<scores.shape[2]).filter { box in
          least.map { scores[start + box] > $0 } ?? true
        }
        for box in order.sorted(by: { a, b in
          let (x, y) = (scores[start + a], scores[start + b])
          return x == y ? a < b : x > y
        }) where kept.count < most {
          let isCovered = kept.contains { cover(boxes, batch, $0, box) > overlap }
          if !isCovered { kept.append(box) }
        }
        for box in kept { chosen += [Int64(batch), Int64(category), Int64(box)] }
      }
    }
    return try reading.made(chosen, [chosen.count / 3, 3], .int64)
  }

  /// The share of the union of two boxes that both cover.
  private func cover(_ boxes: TensorView, _ batch: Int, _ a: Int, _ b: Int) -> Double {
    let (p, q) = (corners(boxes, batch, a), corners(boxes, batch, b))
    let height = min(p[2], q[2]) - max(p[0], q[0])
    let width = min(p[3], q[3]) - max(p[1], q[1])
    guard height > 0, width > 0 else { return 0 }
    let areas = (p[2] - p[0]) * (p[3] - p[1]) + (q[2] - q[0]) * (q[3] - q[1])
    return height * width / (areas - height * width)
  }

  /// Top, left, bottom, right.
  private func corners(_ boxes: TensorView, _ batch: Int, _ box: Int) -> [Double] {
    let v = boxes.vector(start: (batch * boxes.shape[1] + box) * 4, stride: 1, count: 4)
    if reading.integer("center_point_box", 0) == 1 {
      return [v[1] - v[3] / 2, v[0] - v[2] / 2, v[1] + v[3] / 2, v[0] + v[2] / 2]
    }
    return [min(v[0], v[2]), min(v[1], v[3]), max(v[0], v[2]), max(v[1], v[3])]
  }
}
