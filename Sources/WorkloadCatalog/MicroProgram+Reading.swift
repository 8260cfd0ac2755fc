import NumericFormats

/// The vendor's interface names of the instructions that micro-programs use.
package enum MicroInstructionName: String, Hashable, Sendable, CaseIterable {
  case matmul = "nc_matmul"
  case transpose = "nc_transpose"
  case tensorCopy = "tensor_copy"
  case tensorTensor = "tensor_tensor"
  case tensorScalar = "tensor_scalar"
  case tensorReduce = "tensor_reduce"
  case reciprocal
  case activation
  case scan = "tensor_tensor_scan"
  case memset
  case iota
  case affineSelect = "affine_select"
  case max8
  case batchStatistics = "bn_stats"
  case dmaLoad = "dma_load"
  case dmaStore = "dma_store"
  case handoff = "semaphore_handoff"
}

extension MicroProgram {
  /// The programs of one entry of `programs:`; a list of sizes makes one program each.
  static func read(_ given: YAMLSection) throws(WorkloadError) -> [MicroProgram] {
    var section = given
    let name = try section.choice("instruction", of: MicroInstructionName.self)
    let count = try section.integer("repeat")
    let chain =
      section.has("chain") ? try section.choice("chain", of: MicroChain.self) : .stream
    var programs: [MicroProgram] = []
    for size in try sizes(name, &section) {
      let (instruction, detail) = try instruction(name, size: size, &section)
      programs.append(
        MicroProgram(
          label: "\(name.rawValue) \(detail) \(chain.rawValue) x\(count)", instruction: instruction,
          repeatCount: count, chain: chain))
    }
    try section.finish()
    return programs
  }

  /// Elements that one dimension of an access pattern counts.
  private static let mostColumns = Int(UInt16.max)

  private static func sizes(_ name: MicroInstructionName, _ section: inout YAMLSection)
    throws(WorkloadError) -> [Int]
  {
    switch name {
    case .handoff: return [1]
    case .dmaLoad, .dmaStore:
      let sizes = try section.integers("bytes_per_partition")
      guard sizes.allSatisfy({ $0 % 4 == 0 && $0 <= 4 * mostColumns }) else {
        throw section.badValue(
          "bytes_per_partition", expected: "multiples of 4, at most \(4 * mostColumns)")
      }
      return sizes
    default:
      let sizes = try section.integers("columns")
      guard sizes.allSatisfy({ $0 <= mostColumns }) else {
        throw section.badValue("columns", expected: "at most \(mostColumns)")
      }
      return sizes
    }
  }

  private static func instruction(
    _ name: MicroInstructionName, size: Int, _ section: inout YAMLSection
  ) throws(WorkloadError) -> (MicroInstruction, String) {
    switch name {
    case .matmul: return try product(size, &section)
    case .transpose:
      let format = try section.format("precision")
      guard size <= 128 else { throw section.badValue("columns", expected: "at most 128") }
      return (.transpose(format: format, columns: size), "\(format.name) \(size)")
    case .tensorCopy, .tensorTensor, .tensorScalar, .tensorReduce, .reciprocal, .activation:
      return try elementwise(name, size, &section)
    case .scan:
      let seed = try section.choice("seed", of: MicroSeed.self)
      return (.scan(columns: size, seed: seed), "\(seed.rawValue) \(size)")
    case .memset:
      let operand = try operand("destination", &section)
      let engine = try engine(&section, .vector)
      return (
        .memset(operand, columns: size, engine: engine), "\(engine.rawValue) \(operand) \(size)"
      )
    case .iota: return (.iota(columns: size), "\(size)")
    case .affineSelect: return (.affineSelect(columns: size), "\(size)")
    case .max8: return (.max8(columns: size), "\(size)")
    case .batchStatistics: return (.batchStatistics(columns: size), "\(size)")
    case .dmaLoad: return try transfer(.load, size, &section)
    case .dmaStore: return try transfer(.store, size, &section)
    case .handoff:
      let from = try section.choice("from", of: MicroEngine.self)
      let to = try section.choice("to", of: MicroEngine.self)
      guard from != to else { throw section.badValue("to", expected: "another engine") }
      return (.handoff(from: from, to: to), "\(from.rawValue)->\(to.rawValue)")
    }
  }

  private static func product(_ columns: Int, _ section: inout YAMLSection) throws(WorkloadError)
    -> (MicroInstruction, String)
  {
    let format = try section.format("precision")
    let isDouble = section.has("double_row") ? try section.truth("double_row") : false
    let reloads = section.has("reload_weights") ? try section.truth("reload_weights") : true
    let depth = section.has("depth") ? try section.integer("depth") : (isDouble ? 256 : 128)
    let rows = section.has("rows") ? try section.integer("rows") : 128
    guard columns <= 512 else { throw section.badValue("columns", expected: "at most 512") }
    guard depth <= (isDouble ? 256 : 128) else {
      throw section.badValue("depth", expected: "at most \(isDouble ? 256 : 128)")
    }
    guard rows <= 128 else { throw section.badValue("rows", expected: "at most 128") }
    guard !isDouble || format.sizeBytes == 1 else {
      throw section.badValue("double_row", expected: "an fp8 precision with it")
    }
    return (
      .matrixProduct(
        format: format, depth: depth, rows: rows, columns: columns, isDoubleRow: isDouble,
        reloads: reloads),
      "\(format.name)\(isDouble ? " double-row" : "")\(reloads ? "" : " same-weights") "
        + "\(depth)x\(rows)x\(columns)"
    )
  }

  private static func elementwise(
    _ name: MicroInstructionName, _ columns: Int, _ section: inout YAMLSection
  ) throws(WorkloadError) -> (MicroInstruction, String) {
    let source = try operand("source", &section)
    let destination = section.has("destination") ? try operand("destination", &section) : source
    let move = MicroMove(source: source, destination: destination, columns: columns)
    let text = "\(source)->\(destination) \(columns)"
    switch name {
    case .tensorTensor:
      let arithmetic = try section.choice("operation", of: MicroArithmetic.self)
      let second = section.has("second") ? try operand("second", &section) : source
      return (
        .tensorTensor(arithmetic, move, second: second),
        "\(arithmetic.rawValue) \(source),\(second)->\(destination) \(columns)"
      )
    case .tensorScalar:
      let arithmetic = try section.choice("operation", of: MicroArithmetic.self)
      return (.tensorScalar(arithmetic, move), "\(arithmetic.rawValue) \(text)")
    case .tensorReduce:
      let arithmetic = try section.choice("operation", of: MicroArithmetic.self)
      return (.tensorReduce(arithmetic, move), "\(arithmetic.rawValue) \(text)")
    case .reciprocal: return (.reciprocal(move), text)
    case .activation:
      let function = try section.choice("function", of: MicroFunction.self)
      let sums = section.has("accumulate") ? try section.truth("accumulate") : false
      return (
        .activation(function, move, accumulates: sums),
        "\(function.rawValue)\(sums ? " accumulate" : "") \(text)"
      )
    default:
      let engine = try engine(&section, .vector)
      return (.tensorCopy(move, engine: engine), "\(engine.rawValue) \(text)")
    }
  }

  private static func transfer(
    _ direction: MicroDirection, _ bytes: Int, _ section: inout YAMLSection
  ) throws(WorkloadError) -> (MicroInstruction, String) {
    let queue = try section.choice("queue", of: MicroQueue.self)
    let partitions = section.has("partitions") ? try section.integer("partitions") : 128
    guard partitions <= 128 else { throw section.badValue("partitions", expected: "at most 128") }
    return (
      .dma(direction, bytesPerPartition: bytes, partitions: partitions, queue: queue),
      "\(queue.rawValue) \(partitions)x\(bytes)B"
    )
  }

  private static func engine(_ section: inout YAMLSection, _ usual: MicroEngine)
    throws(WorkloadError) -> MicroEngine
  {
    section.has("engine") ? try section.choice("engine", of: MicroEngine.self) : usual
  }

  /// An operand as two words, such as `psum fp32`.
  private static func operand(_ key: String, _ section: inout YAMLSection) throws(WorkloadError)
    -> MicroOperand
  {
    let words = try section.text(key).split(separator: " ").map(String.init)
    guard words.count == 2 else {
      throw section.badValue(key, expected: "a memory and a format, such as 'sbuf fp32'")
    }
    guard let memory = MicroMemory(rawValue: words[0]) else {
      throw section.notOne(of: MicroMemory.allCases.map(\.rawValue), words[0], key)
    }
    return MicroOperand(memory: memory, format: try section.format(named: words[1], key))
  }
}
