import Foundation

/// The cell of a recurrent network; the raw value is ONNX's name.
package enum RecurrentCell: String, Hashable, Sendable, CaseIterable {
  case simple = "RNN"
  case gated = "GRU"
  case longShortTerm = "LSTM"

  /// Gates with weights of their own.
  package var gates: Int {
    switch self {
    case .simple: 1
    case .gated: 3
    case .longShortTerm: 4
    }
  }
}

/// Which way a recurrent network walks; the raw value is ONNX's word.
package enum RecurrentDirection: String, Hashable, Sendable, CaseIterable {
  case forward, reverse, bidirectional
}

/// A recurrent network with the usual activations (ONNX RNN, GRU and LSTM).
///
/// Inputs X `[tokens, batch, inputs]`, W, R, and optionally B, lengths of sequences, the first
/// hidden state, and for an LSTM the first cell state and peepholes. Results are all hidden states,
/// the last one, and the last cell state.
package struct Recurrent: OperatorFamily {
  /// The cell.
  package var cell: RecurrentCell
  /// The direction.
  package var direction: RecurrentDirection
  /// Elements of a hidden state.
  package var hidden: Int
  /// True when a GRU applies its reset gate after the product.
  package var resetsAfterProduct: Bool
  /// True when batches are the first axis.
  package var isBatchFirst: Bool

  /// A network of these attributes.
  package init(
    _ cell: RecurrentCell, direction: RecurrentDirection = .forward, hidden: Int,
    resetsAfterProduct: Bool = false, isBatchFirst: Bool = false
  ) {
    self.cell = cell
    self.direction = direction
    self.hidden = hidden
    self.resetsAfterProduct = resetsAfterProduct
    self.isBatchFirst = isBatchFirst
  }

  package var name: String { cell.rawValue }
  package var inputCount: ClosedRange<Int> { 3...(cell == .longShortTerm ? 8 : 6) }

  private var directions: Int { direction == .bidirectional ? 2 : 1 }

  private struct Lengths {
    var tokens: Int
    var batch: Int
    var inputs: Int
  }

  private func lengths(_ shape: TensorShape) -> Lengths {
    Lengths(
      tokens: shape[isBatchFirst ? 1 : 0], batch: shape[isBatchFirst ? 0 : 1], inputs: shape[2])
  }

  package func results(_ inputs: Operands<TensorType>) throws(GraphError) -> [TensorType] {
    try inputs.require(inputs[0].shape.rank == 3 && hidden > 0, "X has three axes")
    let n = lengths(inputs[0].shape)
    let rows = cell.gates * hidden
    try inputs.require(
      inputs[1].shape == [directions, rows, n.inputs]
        && inputs[2].shape == [directions, rows, hidden],
      "W is \(TensorShape([directions, rows, n.inputs])), R \(TensorShape([directions, rows, hidden]))"
    )
    if let bias = inputs.optional(3) {
      try inputs.require(bias.shape == [directions, 2 * rows], "B holds both biases")
    }
    let state: TensorShape =
      isBatchFirst ? [n.batch, directions, hidden] : [directions, n.batch, hidden]
    for index in [5, 6] {
      if let given = inputs.optional(index) {
        try inputs.require(given.shape == state, "a first state is \(state)")
      }
    }
    if let lengths = inputs.optional(4) {
      try inputs.require(lengths.shape.elementCount == n.batch, "each sequence has a length")
    }
    if let peepholes = inputs.optional(7) {
      try inputs.require(peepholes.shape == [directions, 3 * hidden], "peepholes are one per gate")
    }
    let all: TensorShape =
      isBatchFirst
      ? [n.batch, n.tokens, directions, hidden] : [n.tokens, directions, n.batch, hidden]
    let type = inputs[0].type
    let short = [TensorType(all, type), TensorType(state, type)]
    return cell == .longShortTerm ? short + [TensorType(state, type)] : short
  }

  package func operationCount(_ inputs: Operands<TensorType>, _ results: [TensorType]) -> Int {
    let n = lengths(inputs[0].shape)
    return 2 * directions * n.tokens * n.batch * cell.gates * hidden * (n.inputs + hidden)
  }

  package func evaluate(_ inputs: Operands<TensorView>) throws(GraphError) -> [TensorView] {
    let n = lengths(inputs[0].shape)
    let types = try results(
      Operands(
        inputs.values.map { $0.map { TensorType($0.shape, $0.type) } }, of: self,
        node: inputs.node))
    var all = [Double](repeating: 0, count: types[0].shape.elementCount)
    var last = [Double](repeating: 0, count: types[1].shape.elementCount)
    var cells = last
    for way in 0..<directions {
      let isReverse = direction == .reverse || way == 1
      for sequence in 0..<n.batch {
        let place = (isBatchFirst ? sequence * directions + way : way * n.batch + sequence) * hidden
        var state = inputs.optional(5)?.vector(start: place, stride: 1, count: hidden) ?? zeros
        var memory = inputs.optional(6)?.vector(start: place, stride: 1, count: hidden) ?? zeros
        let length = min(
          n.tokens, inputs.optional(4).map { max(0, $0.place(sequence)) } ?? n.tokens)
        for step in 0..<length {
          let token = isReverse ? length - 1 - step : step
          let row = isBatchFirst ? sequence * n.tokens + token : token * n.batch + sequence
          let x = inputs[0].vector(start: row * n.inputs, stride: 1, count: n.inputs)
          advance(inputs, way, x, &state, &memory)
          let target =
            isBatchFirst
            ? ((sequence * n.tokens + token) * directions + way) * hidden
            : ((token * directions + way) * n.batch + sequence) * hidden
          for unit in 0..<hidden { all[target + unit] = state[unit] }
        }
        for unit in 0..<hidden {
          last[place + unit] = state[unit]
          cells[place + unit] = memory[unit]
        }
      }
    }
    let values = cell == .longShortTerm ? [all, last, cells] : [all, last]
    var views: [TensorView] = []
    for (values, type) in zip(values, types) {
      views.append(try TensorView(values, shape: type.shape, type: type.type))
    }
    return views
  }

  private var zeros: [Double] { [Double](repeating: 0, count: hidden) }

  /// Row sums of a gate: W · x or R · h.
  private func product(_ matrix: TensorView, _ way: Int, _ gate: Int, _ x: [Double]) -> [Double] {
    (0..<hidden).map { unit in
      let row = (way * cell.gates + gate) * hidden + unit
      return dot(matrix.vector(start: row * x.count, stride: 1, count: x.count), x)
    }
  }

  /// One gate's bias, of W or of R.
  private func bias(_ inputs: Operands<TensorView>, _ way: Int, _ gate: Int, ofState: Bool)
    -> [Double]
  {
    guard let bias = inputs.optional(3) else { return zeros }
    let start = ((way * 2 + (ofState ? 1 : 0)) * cell.gates + gate) * hidden
    return bias.vector(start: start, stride: 1, count: hidden)
  }

  private func advance(
    _ inputs: Operands<TensorView>, _ way: Int, _ x: [Double], _ state: inout [Double],
    _ memory: inout [Double]
  ) {
    let old = state
    func gate(_ number: Int) -> [Double] {
      let parts = [
        product(inputs[1], way, number, x), product(inputs[2], way, number, old),
        bias(inputs, way, number, ofState: false), bias(inputs, way, number, ofState: true),
      ]
      return (0..<hidden).map { unit in parts.reduce(0) { $0 + $1[unit] } }
    }
    switch cell {
    case .simple: state = gate(0).map { tanh($0) }
    case .gated:
      let (update, reset) = (gate(0).map(Elementwise.sigmoid), gate(1).map(Elementwise.sigmoid))
      let fresh = candidate(inputs, way, x, old, reset)
      state = (0..<hidden).map { unit -> Double in
        (1 - update[unit]) * fresh[unit] + update[unit] * old[unit]
      }
    case .longShortTerm:
      func peephole(_ gate: Int) -> [Double] {
        inputs.optional(7)?.vector(
          start: (way * 3 + gate) * hidden, stride: 1, count: hidden) ?? zeros
      }
      let before = memory
      let (i, o, f, c) = (gate(0), gate(1), gate(2), gate(3))
      let (pi, po, pf) = (peephole(0), peephole(1), peephole(2))
      memory = (0..<hidden).map { unit in
        let forget = Elementwise.sigmoid(f[unit] + pf[unit] * before[unit])
        let input = Elementwise.sigmoid(i[unit] + pi[unit] * before[unit])
        return forget * before[unit] + input * tanh(c[unit])
      }
      let after = memory
      state = (0..<hidden).map { unit in
        Elementwise.sigmoid(o[unit] + po[unit] * after[unit]) * tanh(after[unit])
      }
    }
  }

  /// What a GRU would become.
  private func candidate(
    _ inputs: Operands<TensorView>, _ way: Int, _ x: [Double], _ old: [Double], _ reset: [Double]
  ) -> [Double] {
    let fromInput = product(inputs[1], way, 2, x)
    let (biasW, biasR) = (
      bias(inputs, way, 2, ofState: false), bias(inputs, way, 2, ofState: true)
    )
    if resetsAfterProduct {
      let fromState = product(inputs[2], way, 2, old)
      return (0..<hidden).map {
        tanh(fromInput[$0] + reset[$0] * (fromState[$0] + biasR[$0]) + biasW[$0])
      }
    }
    let fromState = product(inputs[2], way, 2, (0..<hidden).map { reset[$0] * old[$0] })
    return (0..<hidden).map { tanh(fromInput[$0] + fromState[$0] + biasW[$0] + biasR[$0]) }
  }
}
