import Foundation
import ModelGraph
import NumericFormats
import Testing
import WorkloadCatalog

@Suite("Graphs of workloads mean what they should")
struct WorkloadGraphTests {
  private func tiny() throws -> ModelArchitecture {
    try withCatalog([:]) { try WorkloadCatalog(root: $0).architecture("tiny") }
  }

  private func parameters(
    _ architecture: ModelArchitecture, _ phase: DecoderPhase, batch: Int = 1, context: Int
  ) -> DecoderParameters {
    DecoderParameters(
      architecture: architecture, phase: phase, batch: batch,
      tokens: phase == .prefill ? context : 1, context: context)
  }

  /// Caches as a decode graph stores them, from a prefill's keys and values of all but one token.
  private func cache(
    _ layout: HeadLayout, _ values: TensorView, _ lengths: HeadDimensions
  ) throws -> TensorView {
    let shape = layout.shape(lengths)
    let stored = (0..<shape.elementCount).map { index -> Double in
      let at = layout.position(of: index, in: lengths)
      // The last place holds rubbish until the new token is written.
      if at.token == lengths.tokens - 1 { return 1e3 }
      return values[HeadLayout.tokensHeads.index(of: at, in: lengths)]
    }
    return try TensorView(stored, shape: shape, format: .bfloat16)
  }

  @Test("Decoding the last token over a prompt's cache gives the prompt's last row")
  func decodeContinuesPrefill() throws {
    let architecture = try tiny()
    let context = 5
    let prefill = try DecoderGraphs(
      parameters(architecture, .prefill, context: context), format: .bfloat16
    ).layer(named: "prefill")
    let decode = try DecoderGraphs(
      parameters(architecture, .decode, context: context), format: .bfloat16
    ).layer(named: "decode")
    let given = try seededValues(prefill)
    let whole = try Float64Interpreter.evaluate(prefill, given: given)
    var values = try seededValues(decode)
    for (name, value) in given where name.hasPrefix("w_") || name.hasSuffix("_norm") {
      values[name] = value
    }
    let width = architecture.hidden
    values["x"] = try TensorView(
      given["x"]!.vector(start: (context - 1) * width, stride: 1, count: width),
      shape: [1, width], format: .bfloat16)
    let lengths = HeadDimensions(batch: 1, heads: 2, tokens: context, channels: 4)
    values["key_cache"] = try cache(.headsTransposed, whole["turned_key"]!, lengths)
    values["value_cache"] = try cache(.tokensHeads, whole["value"]!, lengths)
    let step = try Float64Interpreter.evaluate(decode, given: values)
    let expected = whole["y"]!.vector(start: (context - 1) * width, stride: 1, count: width)
    for (found, wanted) in zip(step["y"]!.allValues, expected) {
      #expect(abs(found - wanted) < 1e-6)
    }
    #expect(expected.contains { abs($0) > 0.1 })
  }

  @Test("Sequences of a batch do not see each other")
  func batchIsIndependent() throws {
    let architecture = try tiny()
    let pair = try DecoderGraphs(
      parameters(architecture, .decode, batch: 2, context: 4), format: .bfloat16
    ).layer(named: "pair")
    var given = try seededValues(pair)
    let before = try Float64Interpreter.evaluate(pair, given: given)["y"]!.allValues
    let half = given["value_cache"]!.count / 2
    given["value_cache"] = try TensorView(
      given["value_cache"]!.allValues.enumerated().map { $0 < half ? $1 : $1 + 1 },
      shape: given["value_cache"]!.shape, format: .bfloat16)
    let after = try Float64Interpreter.evaluate(pair, given: given)["y"]!.allValues
    #expect(Array(before[..<8]) == Array(after[..<8]))
    #expect(Array(before[8...]) != Array(after[8...]))
  }

  @Test("The whole model runs its layers one after the other with weights of their own")
  func wholeModel() throws {
    let architecture = try tiny()
    let graphs = DecoderGraphs(
      parameters(architecture, .prefill, context: 3), format: .bfloat16)
    let model = try graphs.model(named: "model")
    let layer = try graphs.layer(named: "layer")
    let given = try seededValues(model)
    let whole = try Float64Interpreter.evaluate(model, given: given)
    var x = whole["embedded"]!
    for number in 0..<2 {
      var inputs: [String: TensorView] = [:]
      for formal in layer.givenTensors {
        inputs[formal.name] = given["layer\(number).\(formal.name)"] ?? given[formal.name]
      }
      inputs["x"] = x
      x = try Float64Interpreter.evaluate(layer, given: inputs)["y"]!
    }
    #expect(x.allValues == whole["layer1.y"]!.allValues)
    #expect(whole["logits"]!.shape == [1, 11])
    #expect(model.parameterCount == architecture.parameterCount + 2 * 3 * 2)
    let decode = try DecoderGraphs(
      parameters(architecture, .decode, context: 3), format: .bfloat16
    ).model(named: "decode")
    #expect(
      decode.tensors.compactMap(\.updates) == [
        "layer0.key_cache", "layer0.value_cache", "layer1.key_cache", "layer1.value_cache",
      ])
  }

  private static func digits(_ network: DigitsTask.Network) -> TrainingParameters {
    TrainingParameters(
      task: .digits(
        DigitsTask(
          data: "none", features: 16, featureScale: 1, classes: 3, network: network)),
      optimizer: .descent(rate: 0.25), batch: 3, epochs: 1, heldOutEvery: 5, target: .atLeast(0.9))
  }

  private static let trainings = [
    digits(.perceptron(hidden: 5)), digits(.convolutional(channels: [2, 3])),
    TrainingParameters(
      task: .clicks(
        ClickTask(counts: [5, 3, 2], exponent: 1.1, width: 2, examples: 10, signal: 1)),
      optimizer: .descent(rate: 0.25), batch: 4, epochs: 1, heldOutEvery: 5, target: .atLeast(0.9)),
  ]

  @Test("A training step goes down the slope of the loss, weight by weight", arguments: trainings)
  func trainingStep(_ parameters: TrainingParameters) throws {
    let graph = try TrainingGraphs.step(parameters, named: "step", format: .bfloat16)
    let given = try seededValues(graph, seed: 3)
    let values = try Float64Interpreter.evaluate(graph, given: given)
    let states = graph.givenTensors.filter { $0.role == .state }.map(\.name)
    #expect(states.count >= 2)
    for name in states {
      let new = try #require(graph.tensors.first { $0.updates == name }).name
      let weights = given[name]!.allValues
      for index in weights.indices {
        func loss(_ change: Double) throws -> Double {
          var moved = weights
          moved[index] += change
          var changed = given
          changed[name] = try TensorView(moved, shape: given[name]!.shape, format: .float32)
          return try Float64Interpreter.evaluate(graph, given: changed)["loss"]![0]
        }
        let slope = try (loss(1e-6) - loss(-1e-6)) / 2e-6
        let step = (weights[index] - values[new]![index]) / 0.25
        #expect(abs(slope - step) < 1e-7, "\(name)[\(index)]")
      }
    }
  }

  @Test(
    "The forward pass that measures held-out examples gives the step's logits",
    arguments: trainings)
  func evaluationGraph(_ parameters: TrainingParameters) throws {
    let step = try TrainingGraphs.step(parameters, named: "step", format: .bfloat16)
    let forward = try TrainingGraphs.evaluation(
      parameters, batch: parameters.batch, named: "forward", format: .bfloat16)
    let given = try seededValues(step)
    let a = try Float64Interpreter.evaluate(step, given: given)["logits"]!.allValues
    let b = try Float64Interpreter.evaluate(forward, given: given)["logits"]!.allValues
    #expect(a == b)
  }

  @Test("A layer's training step goes down the slope that comes from outside")
  func layerTraining() throws {
    let architecture = try tiny()
    var parameters = parameters(architecture, .prefill, context: 3)
    let forward = try DecoderGraphs(parameters, format: .bfloat16).layer(named: "forward")
    parameters.optimizer = .descent(rate: 0.25)
    let graph = try DecoderGraphs(parameters, format: .bfloat16).layer(named: "step")
    let given = try seededValues(graph, seed: 5)
    let values = try Float64Interpreter.evaluate(graph, given: given)
    let states = graph.givenTensors.filter { $0.role == .state }.map(\.name)
    let weights = forward.givenTensors.filter { $0.role == .weight && $0.fill != .zeros }
    #expect(states.count == weights.count - 2, "all but the tables of cosines and sines")
    func objective(_ changed: [String: TensorView]) throws -> Double {
      let found = try Float64Interpreter.evaluate(graph, given: changed)
      return zip(found["y"]!.allValues, given["dy"]!.allValues).reduce(0) { $0 + $1.0 * $1.1 }
    }
    func slope(_ name: String, _ index: Int) throws -> Double {
      func moved(_ change: Double) throws -> [String: TensorView] {
        var numbers = given[name]!.allValues
        numbers[index] += change
        var changed = given
        changed[name] = try TensorView(numbers, shape: given[name]!.shape, format: .float32)
        return changed
      }
      return try (objective(moved(1e-6)) - objective(moved(-1e-6))) / 2e-6
    }
    for name in states {
      let new = try #require(graph.tensors.first { $0.updates == name }).name
      for index in [0, given[name]!.count / 2, given[name]!.count - 1] {
        let step = (given[name]![index] - values[new]![index]) / 0.25
        #expect(try abs(slope(name, index) - step) < 1e-6, "\(name)[\(index)]")
      }
    }
    let shape: TensorShape = [3, architecture.hidden]
    let handedOn = try #require(
      graph.outputTensors.first { $0.name != "y" && $0.updates == nil && $0.shape == shape })
    #expect(try abs(slope("x", 4) - values[handedOn.name]![4]) < 1e-6)
  }

  @Test("A gated part multiplies the activated gate with up, then projects down")
  func gated() throws {
    let text =
      goodKernel.components(separatedBy: "operator:")[0]
      + "operator: GatedMLP\nshape: {rows: 1, hidden: 1, feed_forward: 2}\n"
    let graph = try withCatalog(["kernel/product.yaml": text]) {
      try #require(
        try WorkloadCatalog(root: $0).specification(named: "kernel/product").graph())
    }
    let given = try [
      "x": TensorView([2.0], shape: [1, 1], format: .bfloat16),
      "w_gate": TensorView([1.0, -1], shape: [1, 2], format: .bfloat16),
      "w_up": TensorView([3.0, 5], shape: [1, 2], format: .bfloat16),
      "w_down": TensorView([7.0, 11], shape: [2, 1], format: .bfloat16),
    ]
    let y = try Float64Interpreter.evaluate(graph, given: given)["y"]![0]
    let expected = 2 / (1 + exp(-2.0)) * 6 * 7 + -2 / (1 + exp(2.0)) * 10 * 11
    #expect(abs(y - expected) < 1e-12)
  }
}
