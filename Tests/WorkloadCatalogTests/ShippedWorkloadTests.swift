import ModelGraph
import NumericFormats
import Testing
import WorkloadCatalog

@Suite("Every workload in the repository")
struct ShippedWorkloadTests {
  static let catalog = Result { try WorkloadCatalog(root: shippedRoot) }

  private func specification(_ name: String) throws -> WorkloadSpecification {
    try Self.catalog.get().specification(named: name)
  }

  private func graph(_ name: String) throws -> Graph {
    try #require(try specification(name).graph())
  }

  @Test("All parse, and their graphs verify in every allowed precision")
  func allParse() throws {
    let all = try Self.catalog.get().specifications()
    #expect(all.count >= 60)
    for workload in all {
      for precision in workload.allowedPrecisions {
        let graph = try workload.with(precision: precision).graph()
        #expect((graph == nil) == (workload.kind == .micro), "\(workload.name)")
        try graph?.verify()
        if let graph, workload.throughput != .bytes {
          #expect(try #require(workload.throughputAmount(graph)) > 0, "\(workload.name)")
        }
      }
    }
  }

  @Test("The suite 'full' holds every workload, 'quick' some")
  func suites() throws {
    let catalog = try Self.catalog.get()
    #expect(Set(try catalog.resolve(["full"])) == Set(catalog.names))
    let quick = try catalog.resolve(["quick"])
    #expect(quick.count > 5 && quick.count < catalog.names.count)
    #expect(try specification(quick[0]).suites == ["full", "quick"])
  }

  @Test("Models beyond one chip are listed with what they need, and are no workloads")
  func largeModels() throws {
    let catalog = try Self.catalog.get()
    #expect(catalog.largeNames.contains("llm/llama3.1-8b-train"))
    for name in catalog.largeNames {
      let model = try catalog.large(named: name)
      // 96 GiB: Trainium2, as in the table of its instances.
      #expect(model.chips(of: 96 << 30) > 1, "\(name)")
      #expect(!catalog.names.contains(name) && !model.onOneChip.isEmpty)
    }
    // The number of parameters that Meta's model card gives, exactly as its files have it.
    let llama = try catalog.large(named: "llm/llama3.1-8b-train")
    #expect(llama.parameterCount == 8_030_261_248)
  }

  @Test("Micro-programs have labels of their own and cover every instruction")
  func microPrograms() throws {
    var labels: [String] = []
    for name in try Self.catalog.get().resolve(["micro/*"]) {
      guard case .micro(let programs) = try specification(name).body else {
        Issue.record("\(name) has no programs")
        continue
      }
      #expect(Set(programs.map(\.label)).count == programs.count, "\(name)")
      labels += programs.map(\.label)
    }
    for instruction in MicroInstructionName.allCases {
      #expect(labels.contains { $0.hasPrefix(instruction.rawValue + " ") }, "\(instruction)")
    }
    #expect(labels.contains("nc_matmul bf16 128x128x512 stream x64"))
    #expect(labels.contains("nc_matmul fp8e4m3 double-row 256x128x512 stream x64"))
    #expect(labels.contains("tensor_copy vector psum fp32->sbuf bf16 512 stream x32"))
    #expect(labels.contains("dma_load hardware 128x65536B stream x16"))
    #expect(labels.contains("semaphore_handoff tensor->scalar stream x32"))
  }

  @Test("Operation counts of the published shapes")
  func operationCounts() throws {
    // BERT-large on 8 sequences of 512: a forward pass of 24 layers (four projections, attention
    // and an MLP) and of a head over 608 masked positions, three times; neither the gradients'
    // one-hot products nor a second look at the scores count.
    let (tokens, width, words) = (8.0 * 512, 1_024.0, 30_522.0)
    let layer = 2 * tokens * 12 * width * width + 4 * tokens * 512 * width
    let head = 2 * 608 * width * (words + width)
    let step = Double(try graph("llm/bert-large-train").operationCount)
    #expect(abs(step / (3 * (24 * layer + head)) - 1) < 0.01, "\(step)")
    #expect(try graph("kernel/matmul-4096-bf16").operationCount == 2 * 4096 * 4096 * 4096)
    #expect(
      try graph("kernel/attention-d128-s4096-b4").operationCount
        == 4 * 4 * 16 * 4096 * 4096 * 128)
    #expect(
      try graph("kernel/attention-d128-s4096-causal-b4").operationCount
        == 4 * 4 * 16 * 128 * 4096 * 4097 / 2)
  }

  /// Without the pooler of BERT and MiniLM, which their layers' activations do not need.
  @Test(
    "Architectures have the published numbers of parameters",
    arguments: [
      ("llama3.1-70b", 70_553_706_496), ("mixtral-8x7b", 46_702_792_704),
      ("gpt-j-6b", 6_050_882_784), ("gpt-oss-20b", 20_908_119_360),
      ("bert-large", 334_092_288), ("minilm-l6", 22_565_376),
    ])
  func parameterCounts(name: String, count: Int) throws {
    #expect(try Self.catalog.get().architecture(name).parameterCount == count)
  }

  @Test("The weights of an encoder's graph are those of its architecture")
  func encoderParameters() throws {
    #expect(try graph("llm/bert-large-infer").parameterCount == 334_092_288)
    #expect(try graph("llm/minilm-l6-embed").parameterCount == 22_565_376)
  }

  @Test("The parameters of Llama 3.1 8B are those of the published model")
  func llamaParameters() throws {
    let architecture = try Self.catalog.get().architecture("llama3.1-8b")
    #expect(architecture.parameterCount == 8_030_261_248)
    for (name, tokens) in [("llm/llama3.1-8b-prefill", 2048), ("llm/llama3.1-8b-decode", 1)] {
      let model = try graph(name)
      #expect(model.parameterCount == 8_030_261_248 + 2 * tokens * 64)
      #expect(model.functions.count == 1)
      #expect(model.nodes.filter { $0.layer == 31 }.count == 1)
    }
    let layer = try graph("llm/llama3.1-8b-layer-prefill")
    #expect(layer.parameterCount == 218_112_000 + 2 * 512 * 64)
  }

  /// What is trained, without an optimiser's state and running moments.
  private func trainedCount(_ name: String) throws -> Int {
    let others = ["optimizer.", "moment", "velocity", "sum of squares", ".running"]
    return try graph(name).tensors.filter { tensor in
      tensor.role == .state && !others.contains { tensor.name.contains($0) }
    }.reduce(0) { $0 + $1.shape.elementCount }
  }

  /// ResNet-50 as torchvision counts it; BERT with the heads of its pretraining; rank 16 beside
  /// 8,192 x (8,192 + 2 x 1,024) and 8,192 x 8,192.
  @Test(
    "Trainings train the published numbers of parameters",
    arguments: [
      ("vision/resnet50-train", 25_557_032), ("llm/bert-large-train", 336_226_108),
      ("llm/llama2-70b-layer-lora", 16 * (8192 + 8192 + 2 * 1024 + 8192 + 8192)),
    ])
  func trainedParameters(name: String, count: Int) throws {
    #expect(try trainedCount(name) == count)
  }

  @Test("A training of DLRM has the published look-ups, over rows with their state")
  func recommenderTraining() throws {
    let model = try graph("recommendation/dlrm-dcnv2-train")
    #expect(model.tensor("indices")?.shape == [2048, 214])
    #expect(model.tensor("table0")?.shape == [625_000 + 128, 4 * 128])
    let steps = model.nodes.compactMap { node -> BagAdagrad? in
      if case .bagAdagrad(let step) = node.operation { step } else { nil }
    }
    #expect(steps.count == 26 && steps.reduce(0) { $0 + $1.places.count } == 214)
    #expect(steps.map(\.column) == (1...26).map { $0 * 128 })
  }

  @Test("A rank of a split model has its part of the weights, and layers with a window alternate")
  func ranks() throws {
    let part = try graph("llm/llama3.1-70b-decode-fp8")
    let whole = try #require(try specification("llm/llama3.1-70b-decode-fp8").wholeGraph())
    for (name, shape) in [
      ("layer7.w_query", [8192, 1024] as TensorShape), ("layer7.w_output", [1024, 8192]),
      ("layer7.w_gate", [8192, 3584]), ("layer7.w_down", [3584, 8192]),
      ("w_logits", [8192, 16_032]), ("embedding", [128_256, 8192]),
    ] {
      #expect(part.tensor(name)?.shape == shape, "\(name)")
      #expect(part.tensor(name)?.format == (name == "embedding" ? .bfloat16 : .float8e4m3))
    }
    #expect(whole.tensor("layer7.w_gate")?.shape == [8192, 28_672])
    let model = try graph("llm/gpt-oss-20b-decode")
    let functions = model.nodes.compactMap { node -> String? in
      if case .call(let function) = node.operation { function } else { nil }
    }
    #expect(functions == (0..<24).map { $0 % 2 == 0 ? "windowed_layer" : "layer" })
  }

  @Test("A decode step costs about two operations per weight, and its caches are states")
  func decodeCosts() throws {
    let layer = try graph("llm/llama3.1-8b-layer-decode")
    #expect(layer.operationCount > 2 * 218_000_000 && layer.operationCount < 2 * 240_000_000)
    let states = layer.tensors.filter { $0.role == .state }
    #expect(states.map(\.shape) == [[1, 8, 128, 2048], [2048, 1024]])
    #expect(layer.tensors.compactMap(\.updates) == ["key_cache", "value_cache"])
    let batch = try graph("llm/llama3.1-8b-layer-decode-b16")
    #expect(batch.tensor("key_cache")?.shape == [16, 8, 128, 2048])
  }
}
