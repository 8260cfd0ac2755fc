package import ModelGraph
package import NumericFormats

extension WorkloadSpecification {
  /// The cores of one chip that work on one evaluation together.
  package var coreCount: Int {
    switch body {
    case .layer(let parameters), .model(let parameters): parameters.tensorParallel
    default: 1
    }
  }

  /// The graph of one evaluation on one core: one kernel, one layer, one model pass or one training
  /// step, tensor-parallel a rank's part of it; nil for micro workloads, which run instructions.
  /// Throws `graph`.
  package func graph() throws(WorkloadError) -> Graph? { try graph(ranks: coreCount) }

  /// The same of the whole model, whoever works on it.
  package func wholeGraph() throws(WorkloadError) -> Graph? { try graph(ranks: 1) }

  private func graph(ranks: Int) throws(WorkloadError) -> Graph? {
    do {
      switch body {
      case .micro: return nil
      case .kernel(let parameters, let variant):
        return try KernelGraphs.graph(self, parameters, hints: KernelHints(variant: variant))
      case .layer(let parameters):
        return parameters.architecture.family == .encoder
          ? try EncoderGraphs(parameters, format: precision).layer(named: name)
          : try DecoderGraphs(parameters, format: precision, ranks: ranks).layer(named: name)
      case .model(let parameters):
        return parameters.architecture.family == .encoder
          ? try EncoderGraphs(parameters, format: precision).model(named: name)
          : try DecoderGraphs(parameters, format: precision, ranks: ranks).model(named: name)
      case .network(let network):
        return try network.graphs.graph(named: name, format: precision)
      case .training(let parameters):
        return try TrainingGraphs.step(parameters, named: name, format: precision)
      }
    } catch { throw .graph(workload: name, error) }
  }

  /// How much of `throughput`'s unit one evaluation of `graph` does; nil when that follows from the
  /// program and not from the graph (instructions, bytes).
  package func throughputAmount(_ graph: Graph) -> Double? {
    switch (throughput, body) {
    case (.operations, _): Double(graph.operationCount)
    case (.tokens, .layer(let parameters)), (.tokens, .model(let parameters)):
      Double(parameters.batch * parameters.tokens)
    case (.images, .network(let network)), (.patches, .network(let network)),
      (.steps, .network(let network)), (.samples, .network(let network)),
      (.points, .network(let network)):
      Double(network.graphs.itemCount)
    case (.images, .training(let parameters)), (.samples, .training(let parameters)),
      (.tokens, .training(let parameters)):
      Double(parameters.batch * parameters.task.itemsPerExample)
    default: nil
    }
  }

  /// A checker set up as the workload's file says. `seed` draws the samples.
  package func checker(seed: UInt64) -> NumericsChecker {
    var checker = NumericsChecker(seed: seed)
    checker.sampleCount = numerics.sampleCount
    checker.outputTile = numerics.outputTile
    checker.wholeBelowOperations = numerics.wholeBelowOperations
    checker.intermediate = numerics.intermediate
    return checker
  }
}

extension WorkloadSpecification {
  /// The format whose peak rate its products are held against: microscaled, where they are, else
  /// that of inputs and weights.
  package var productFormat: NumberFormat {
    switch body {
    case .kernel(.product(let product), _) where product.isScaled: .float8e4m3fnx4
    case .kernel(.experts(let experts), _) where experts.isScaled: .float8e4m3fnx4
    default: precision
    }
  }
}
