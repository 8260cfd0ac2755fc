import ModelGraph

extension CausalConvolution {
  /// A sum over taps of the line moved by one token each.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) {
    let (x, w) = (expansion.node.inputs[0], expansion.node.inputs[1])
    let shape = expansion.shape(x)
    let (channels, tokens, taps) = (shape[1], shape[2], expansion.shape(w)[2])
    var line = x
    if taps > 1 {
      var past = expansion.input(3) ?? ""
      if past.isEmpty {
        past = try expansion.constant(
          [Double](repeating: 0, count: shape[0] * channels * (taps - 1)),
          [shape[0], channels, taps - 1], expansion.type(x))
      }
      line = try expansion.joined([past, x], axis: 2)
    }
    var sum = try expansion.input(2).map { (bias) throws(GraphError) in
      try expansion.reshape(bias, [1, channels, 1])
    }
    for tap in 0..<taps {
      let weight = try expansion.reshape(
        try expansion.slice(w, axis: 2, start: tap, count: 1), [1, channels, 1])
      let part = try expansion.slice(line, axis: 2, start: tap, count: tokens)
      let product = try expansion.elements(.multiply, part, weight)
      sum =
        try sum.map { (earlier) throws(GraphError) in
          try expansion.elements(.add, product, earlier)
        } ?? product
    }
    let sums = sum ?? x
    if appliesSilu {
      expansion.finish(.elementwise(Elementwise(.swish, alpha: 1)), [sums])
    } else {
      expansion.finish(sums)
    }
    let length = expansion.shape(line)[2]
    if expansion.wants(1) {
      expansion.finish(
        .stridedSlice(
          StridedSlice(
            starts: [0, 0, taps > 1 ? length - taps + 1 : 0],
            counts: [shape[0], channels, taps - 1], steps: [1, 1, 1])), [line], as: 1)
    }
  }
}
