/// What was computed, precisely enough to find a published number of the same work.
package struct WorkDescription: Hashable, Sendable {
  /// Changes whenever the workload's meaning changes; results of two versions are not compared.
  package var workloadVersion: String?
  /// The kind of work, such as `gemm` or `attention-forward`.
  package var operation: String?
  /// Named sizes and switches: `["m": "4096", "causal": "true"]`.
  package var shape: [String: String]
  /// The number format of the operands, such as `bf16`.
  package var precision: String?
  /// Floating-point operations of one invocation, as the workload counts them.
  package var flops: Int64?
  /// Bytes that one invocation has to move at least.
  package var bytes: Int64?
  /// Cores of one chip that worked on it together; nil for one core by itself.
  package var cores: Int?
  /// HBM that one copy occupies, on all of its cores.
  package var hbmFootprintBytes: Int64?
  /// How much of it ran as device instructions; nil for work that is no graph.
  package var coverage: Coverage?
  /// Tensors of a model's file, and given inputs, that hold values which are not finite.
  package var nonFinite: [NonFiniteValues]

  package init(
    workloadVersion: String? = nil, operation: String? = nil, shape: [String: String] = [:],
    precision: String? = nil, flops: Int64? = nil, bytes: Int64? = nil,
    hbmFootprintBytes: Int64? = nil, coverage: Coverage? = nil, cores: Int? = nil,
    nonFinite: [NonFiniteValues] = []
  ) {
    self.workloadVersion = workloadVersion
    self.operation = operation
    self.shape = shape
    self.precision = precision
    self.flops = flops
    self.bytes = bytes
    self.hbmFootprintBytes = hbmFootprintBytes
    self.coverage = coverage
    self.cores = cores
    self.nonFinite = nonFinite
  }
}

/// What of a tensor is not finite.
package struct NonFiniteValues: Hashable, Sendable, Codable {
  /// The tensor's name in the model.
  package var tensor: String
  /// How many of its elements are not a number.
  package var notNumbers: Int
  /// How many are infinite.
  package var infinite: Int
  /// The flat index of the first of either.
  package var firstIndex: Int
  /// How many elements it has.
  package var elements: Int

  package init(
    tensor: String, notNumbers: Int, infinite: Int, firstIndex: Int, elements: Int
  ) {
    self.tensor = tensor
    self.notNumbers = notNumbers
    self.infinite = infinite
    self.firstIndex = firstIndex
    self.elements = elements
  }

  private enum CodingKeys: String, CodingKey {
    case tensor, infinite, elements
    case notNumbers = "not_numbers"
    case firstIndex = "first_index"
  }

  /// One line for people.
  package var text: String {
    let parts = [(notNumbers, "not a number"), (infinite, "infinite")].filter { $0.0 > 0 }
      .map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    return "tensor '\(tensor)' holds values that are not finite: \(parts), of \(elements), "
      + "the first at \(firstIndex)"
  }
}
