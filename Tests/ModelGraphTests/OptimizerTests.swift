import Foundation
import ModelGraph
import NumericFormats
import Testing

/// Each optimiser's graph against its published formula, over several steps.
@Suite struct OptimizerTests {
  private static let start = [0.5, -1.25, 2]

  /// The gradient of step t: nothing special, only different each time.
  private func gradient(_ t: Int) -> [Double] { [0.1 * Double(t), -0.3, 0.2 + 0.05 * Double(t)] }

  /// The weights after so many steps of the graph.
  private func weights(_ optimizer: Optimizer, steps: Int, shape: TensorShape = [3]) throws
    -> [Double]
  {
    var builder = GraphBuilder(name: "step", format: .float32)
    try builder.given("w", shape, role: .state)
    try builder.given("g", shape)
    try builder.step(optimizer, ["w": "g"])
    let graph = try builder.finish()
    var state: [String: TensorView] = [:]
    for tensor in graph.givenTensors where tensor.name != "g" {
      let values = SeededGenerator.values(of: tensor, seed: 0).map(Double.init)
      state[tensor.name] = try TensorView(values, shape: tensor.shape, type: .float64)
    }
    state["w"] = try TensorView(Self.start, shape: shape, type: .float64)
    for t in 1...steps {
      state["g"] = try TensorView(gradient(t), shape: shape, type: .float64)
      let values = try Float64Interpreter.evaluate(graph, given: state)
      for tensor in graph.outputTensors {
        if let updated = tensor.updates { state[updated] = values[tensor.name] }
      }
    }
    return try #require(state["w"]).allValues
  }

  /// fp32 constants such as 0.9 differ from double ones by 3e-8.
  private func near(_ a: [Double], _ b: [Double]) -> Bool {
    zip(a, b).allSatisfy { abs($0 - $1) < 1e-6 }
  }

  @Test func momentum() throws {
    var (w, v) = (Self.start, [0.0, 0, 0])
    for t in 1...4 {
      for i in 0..<3 {
        v[i] = 0.9 * v[i] + gradient(t)[i]
        w[i] -= 0.1 * v[i]
      }
    }
    #expect(near(try weights(.momentum(rate: 0.1, momentum: 0.9), steps: 4), w))
  }

  @Test func adamW() throws {
    var (w, m, v) = (Self.start, [0.0, 0, 0], [0.0, 0, 0])
    for t in 1...4 {
      for i in 0..<3 {
        let g = gradient(t)[i]
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = 0.95 * v[i] + 0.05 * g * g
        let mean = m[i] / (1 - pow(0.9, Double(t)))
        let size = (v[i] / (1 - pow(0.95, Double(t)))).squareRoot()
        w[i] -= 0.01 * (mean / (size + 1e-8) + 0.1 * w[i])
      }
    }
    let optimizer = Optimizer.adamW(rate: 0.01, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, decay: 0.1)
    #expect(near(try weights(optimizer, steps: 4), w))
  }

  @Test func adagrad() throws {
    var (w, sum) = (Self.start, [0.0, 0, 0])
    for t in 1...4 {
      for i in 0..<3 {
        let g = gradient(t)[i]
        sum[i] += g * g
        w[i] -= 0.1 * g / (sum[i].squareRoot() + 1e-6)
      }
    }
    #expect(near(try weights(.adagrad(rate: 0.1, epsilon: 1e-6), steps: 4), w))
  }

  @Test func lars() throws {
    var (w, v) = (Self.start, [0.0, 0, 0])
    for t in 1...4 {
      let g = gradient(t)
      let norm = { (x: [Double]) in x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
      let trust = 0.01 * norm(w) / (norm(g) + 1e-3 * norm(w))
      let old = w
      for i in 0..<3 {
        v[i] = 0.9 * v[i] + 0.5 * trust * (g[i] + 1e-3 * old[i])
        w[i] -= v[i]
      }
    }
    let optimizer = Optimizer.lars(rate: 0.5, momentum: 0.9, decay: 1e-3, coefficient: 0.01)
    #expect(near(try weights(optimizer, steps: 4, shape: [1, 3]), w))
    // A bias has neither trust nor decay.
    let plain = try weights(.momentum(rate: 0.5, momentum: 0.9), steps: 4)
    #expect(near(try weights(optimizer, steps: 4), plain))
  }

  @Test(arguments: [true, false]) func lamb(isMatrix: Bool) throws {
    var (w, m, v) = (Self.start, [0.0, 0, 0], [0.0, 0, 0])
    let norm = { (x: [Double]) in x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    for t in 1...4 {
      var wanted = w
      for i in 0..<3 {
        let g = gradient(t)[i]
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = 0.95 * v[i] + 0.05 * g * g
        let mean = m[i] / (1 - pow(0.9, Double(t)))
        let size = (v[i] / (1 - pow(0.95, Double(t)))).squareRoot()
        wanted[i] = mean / (size + 1e-6) + (isMatrix ? 0.1 * w[i] : 0)
      }
      let trust = isMatrix ? norm(w) / norm(wanted) : 1
      for i in 0..<3 { w[i] -= 0.01 * trust * wanted[i] }
    }
    let optimizer = Optimizer.lamb(rate: 0.01, beta1: 0.9, beta2: 0.95, epsilon: 1e-6, decay: 0.1)
    #expect(near(try weights(optimizer, steps: 4, shape: isMatrix ? [1, 3] : [3]), w))
  }

  /// Two tensors share one norm; gradients that are short enough stay as they are.
  @Test func clipping() throws {
    func changes(_ limit: Double) throws -> [Double] {
      var builder = GraphBuilder(name: "step", format: .float32)
      var given: [String: TensorView] = [:]
      for (name, values) in [("a", [3.0, 0]), ("b", [0, 4])] {
        try builder.given(name, [2], role: .state, format: .float32)
        try builder.given("d\(name)", [2])
        given[name] = try TensorView([1, 1], shape: [2], type: .float64)
        given["d\(name)"] = try TensorView(values, shape: [2], type: .float64)
      }
      try builder.step(
        .clipped(.momentum(rate: 1, momentum: 0.5), norm: limit), ["a": "da", "b": "db"])
      let graph = try builder.finish()
      for tensor in graph.givenTensors where given[tensor.name] == nil {
        given[tensor.name] = try TensorView(
          SeededGenerator.values(of: tensor, seed: 0).map(Double.init), shape: tensor.shape,
          type: .float64)
      }
      let values = try Float64Interpreter.evaluate(graph, given: given)
      return ["a", "b"].flatMap { name -> [Double] in
        let new = graph.outputTensors.first { $0.updates == name }
        return new.flatMap { values[$0.name]?.allValues } ?? []
      }
    }
    #expect(near(try changes(1), [1 - 0.6, 1, 1, 1 - 0.8]))
    #expect(near(try changes(10), [-2, 1, 1, -3]))
  }
}
