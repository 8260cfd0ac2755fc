import ModelGraph

extension Recurrent {
  /// A network step by step: one product of all tokens with W, then per token one of the state with
  /// R and the gates' element-wise work.
  func expand(_ expansion: inout NodeExpansion) throws(GraphError) {
    var x = expansion.node.inputs[0]
    if isBatchFirst { x = try expansion.transpose(x, [1, 0, 2]) }
    var walks: [RecurrentWalk] = []
    let count = direction == .bidirectional ? 2 : 1
    for way in 0..<count {
      var walk = try RecurrentWalk(self, way, x, &expansion)
      try walk.run(isReverse: direction == .reverse || way == 1, &expansion)
      walks.append(walk)
    }
    if expansion.wants(0) {
      var states: [String] = []
      for walk in walks { states.append(try walk.allStates(&expansion)) }
      let all = try expansion.joined(states, axis: 1)
      if isBatchFirst {
        expansion.finish(.transpose(permutation: [2, 0, 1, 3]), [all])
      } else {
        expansion.finish(all)
      }
    }
    for (result, last) in [(1, walks.map(\.state)), (2, walks.map(\.memory))]
    where expansion.wants(result) {
      var parts: [String] = []
      for state in last {
        let shape = expansion.shape(state)
        parts.append(
          try expansion.reshape(
            state, isBatchFirst ? [shape[0], 1, hidden] : [1, shape[0], hidden]))
      }
      expansion.finish(try expansion.joined(parts, axis: isBatchFirst ? 1 : 0), as: result)
    }
  }
}

/// One direction of a recurrent network.
private struct RecurrentWalk {
  private let network: Recurrent
  private let tokens: Int
  private let batch: Int
  /// W · x and the biases that are added outside a product with the state, one row per token and
  /// sequence.
  private let given: String
  private let recurrence: String
  private let stateBias: String?
  private let peepholes: [String]
  private let lengths: String?
  private let zeros: String
  /// The hidden state, `[batch, hidden]`.
  private(set) var state: String
  /// The cell state.
  private(set) var memory: String
  private var states: [String]

  private var hidden: Int { network.hidden }
  private var rows: Int { network.cell.gates * network.hidden }

  init(_ network: Recurrent, _ way: Int, _ x: String, _ expansion: inout NodeExpansion)
    throws(GraphError)
  {
    self.network = network
    let shape = expansion.shape(x)
    (tokens, batch) = (shape[0], shape[1])
    let rows = network.cell.gates * network.hidden
    let hidden = network.hidden
    let type = expansion.type(x)
    func part(_ place: Int, _ shape: TensorShape, _ expansion: inout NodeExpansion)
      throws(GraphError) -> String?
    {
      guard let name = expansion.input(place) else { return nil }
      let own = try expansion.slice(name, axis: 0, start: way, count: 1)
      return try expansion.reshape(own, shape)
    }
    let weights = try part(1, [rows, shape[2]], &expansion) ?? ""
    let flat = try expansion.reshape(x, [shape[0] * shape[1], shape[2]])
    var product = try expansion.apply(
      .matMul(transposeA: false, transposeB: true),
      [flat, try expansion.cast(weights, to: type)])
    recurrence = try expansion.cast(
      try part(2, [rows, hidden], &expansion) ?? "", to: .float32)
    var stateBias: String?
    if let biases = try part(3, [2, rows], &expansion) {
      let both = try expansion.pieces(biases, axis: 0, count: 2)
      product = try expansion.elements(.add, product, both[0])
      // A reset gate that acts after the product acts on its bias too.
      if network.cell == .gated, network.resetsAfterProduct {
        stateBias = both[1]
      } else {
        product = try expansion.elements(.add, product, both[1])
      }
    }
    self.stateBias = stateBias
    given = product
    var lengths: String?
    if let name = expansion.input(4) {
      lengths = try expansion.reshape(name, [shape[1], 1])
    }
    self.lengths = lengths
    zeros = try expansion.constant(
      [Double](repeating: 0, count: shape[1] * hidden), [shape[1], hidden])
    func first(_ place: Int, _ expansion: inout NodeExpansion) throws(GraphError) -> String? {
      guard let name = expansion.input(place) else { return nil }
      let axis = network.isBatchFirst ? 1 : 0
      let own = try expansion.slice(name, axis: axis, start: way, count: 1)
      return try expansion.cast(try expansion.reshape(own, [shape[1], hidden]), to: .float32)
    }
    state = try first(5, &expansion) ?? zeros
    memory = try first(6, &expansion) ?? zeros
    var peepholes: [String] = []
    if let all = try part(7, [1, 3 * hidden], &expansion) {
      peepholes = try expansion.pieces(all, axis: 1, count: 3)
    }
    self.peepholes = peepholes
    states = [String](repeating: "", count: shape[0])
  }

  mutating func run(isReverse: Bool, _ expansion: inout NodeExpansion) throws(GraphError) {
    for step in 0..<tokens {
      let token = isReverse ? tokens - 1 - step : step
      let gates = try expansion.slice(given, axis: 0, start: token * batch, count: batch)
      let (before, held) = (state, memory)
      try advance(gates, &expansion)
      guard let lengths else {
        states[token] = state
        continue
      }
      // A sequence that is over, or has not begun, keeps what it has and shows zeros.
      let place = try expansion.number(Double(token), expansion.type(lengths))
      let isInside = try expansion.elements(.greater, lengths, place)
      states[token] = try expansion.elements(.select, isInside, state, zeros)
      state = try expansion.elements(.select, isInside, state, before)
      if network.cell == .longShortTerm {
        memory = try expansion.elements(.select, isInside, memory, held)
      }
    }
  }

  /// All hidden states as `[tokens, 1, batch, hidden]`.
  func allStates(_ expansion: inout NodeExpansion) throws(GraphError) -> String {
    try expansion.reshape(
      try expansion.joined(states, axis: 0), [tokens, 1, batch, hidden])
  }

  private mutating func advance(_ gates: String, _ expansion: inout NodeExpansion)
    throws(GraphError)
  {
    switch network.cell {
    case .simple:
      let sum = try expansion.elements(.add, try reach(state, 0..<1, &expansion), gates)
      state = try expansion.elements(.tanh, sum)
    case .gated: try advanceGated(gates, &expansion)
    case .longShortTerm: try advanceLong(gates, &expansion)
    }
  }

  /// R · state for some gates.
  private func reach(_ state: String, _ gates: Range<Int>, _ expansion: inout NodeExpansion)
    throws(GraphError) -> String
  {
    let own = try expansion.slice(
      recurrence, axis: 0, start: gates.lowerBound * hidden, count: gates.count * hidden)
    return try expansion.apply(.matMul(transposeA: false, transposeB: true), [state, own])
  }

  private mutating func advanceLong(_ gates: String, _ expansion: inout NodeExpansion)
    throws(GraphError)
  {
    let sums = try expansion.elements(.add, try reach(state, 0..<4, &expansion), gates)
    var parts = try expansion.pieces(sums, axis: 1, count: 4)
    func look(_ gate: Int, _ weights: Int, at memory: String, _ expansion: inout NodeExpansion)
      throws(GraphError)
    {
      guard !peepholes.isEmpty else { return }
      let seen = try expansion.elements(.multiply, memory, peepholes[weights])
      parts[gate] = try expansion.elements(.add, parts[gate], seen)
    }
    // The file keeps gates as input, output, forget, cell; peepholes as input, output, forget.
    try look(0, 0, at: memory, &expansion)
    try look(2, 2, at: memory, &expansion)
    let input = try expansion.elements(.sigmoid, parts[0])
    let forget = try expansion.elements(.sigmoid, parts[2])
    let fresh = try expansion.elements(.tanh, parts[3])
    let kept = try expansion.elements(.multiply, forget, memory)
    memory = try expansion.elements(
      .add, kept, try expansion.elements(.multiply, input, fresh))
    try look(1, 1, at: memory, &expansion)
    let output = try expansion.elements(.sigmoid, parts[1])
    state = try expansion.elements(
      .multiply, output, try expansion.elements(.tanh, memory))
  }

  private mutating func advanceGated(_ gates: String, _ expansion: inout NodeExpansion)
    throws(GraphError)
  {
    let given = try expansion.pieces(gates, axis: 1, count: 3)
    let biases =
      try stateBias.map { (name) throws(GraphError) in
        try expansion.pieces(try expansion.reshape(name, [1, rows]), axis: 1, count: 3)
      } ?? []
    func sum(_ reached: String, _ gate: Int, _ expansion: inout NodeExpansion)
      throws(GraphError) -> String
    {
      biases.isEmpty ? reached : try expansion.elements(.add, reached, biases[gate])
    }
    let reached = try expansion.pieces(
      try reach(state, 0..<2, &expansion), axis: 1, count: 2)
    var opened: [String] = []
    for gate in 0..<2 {
      let all = try expansion.elements(
        .add, try sum(reached[gate], gate, &expansion), given[gate])
      opened.append(try expansion.elements(.sigmoid, all))
    }
    let (update, reset) = (opened[0], opened[1])
    let own: String
    if network.resetsAfterProduct {
      let whole = try sum(try reach(state, 2..<3, &expansion), 2, &expansion)
      own = try expansion.elements(.multiply, reset, whole)
    } else {
      own = try reach(
        try expansion.elements(.multiply, reset, state), 2..<3, &expansion)
    }
    let fresh = try expansion.elements(.tanh, try expansion.elements(.add, own, given[2]))
    // (1 − z) · fresh + z · state = fresh + z · (state − fresh).
    let way = try expansion.elements(.subtract, state, fresh)
    state = try expansion.elements(
      .add, fresh, try expansion.elements(.multiply, update, way))
  }
}
