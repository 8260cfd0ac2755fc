import CoreState
import Hardware
import InstructionSet
import NumericFormats
import ProfileImport

/// The instructions of the tensor, scalar and vector engines.
extension OperationBuilder {
  // MARK: Tensor engine

  func loadWeights(
    _ row: ProfileInstruction, _ operands: ProfileOperands
  ) throws(Refusal) -> Operation {
    guard let tile = operands.arrayTile else { throw Refusal("no tile such as 128*128") }
    let source = try pattern("src", operands, partitions: tile.rows)
    let isTranspose = row.isTranspose || operands.fields["transpose_mode"] == "ENABLED"
    var part = WeightPart.whole
    if !isTranspose, source.format == .float32 {
      part = operands.fields["fp32_mode"] == "HIGH" ? .high : .low
    }
    return .loadWeights(LoadWeights(source, part: part, isTranspose: isTranspose))
  }

  /// The text names no format of the result. A transpose keeps that of its operand where the device
  /// has exact ones; all other results are fp32.
  func matmul(
    _ row: ProfileInstruction, _ operands: ProfileOperands
  ) throws(Refusal) -> Operation {
    guard let tile = operands.arrayTile else { throw Refusal("no tile such as 128*128") }
    let moving = try pattern("src", operands, partitions: tile.rows)
    let keepsFormat = row.isTranspose && device.tensor.transposeIsExact.value
    let destination = try pattern(
      "dst", operands, partitions: tile.columns, format: keepsFormat ? moving.format : .float32)
    // Bit 0 marks the first product of a sum.
    let isFirst = (operands.integer("acc_flags") ?? 1) & 1 == 1
    return .matmul(
      Matmul(
        destination, moving, columns: tile.columns, accumulate: !isFirst && !row.isTranspose,
        isTranspose: row.isTranspose))
  }

  // MARK: Scalar engine

  func activate(_ operands: ProfileOperands) throws(Refusal) -> Operation {
    let functions: [String: ActivationFunction] = [
      "COPY": .copy, "IDENTITY": .identity, "SQUARE": .square, "EXP": .exp, "LOG": .log,
      "TANH": .tanh, "SIGMOID": .sigmoid, "SILU": .silu, "GELU": .gelu, "RELU": .relu,
      "SQRT": .sqrt, "RSQRT": .rsqrt, "RECIPROCAL": .reciprocal, "ABS": .abs, "SIGN": .sign,
      "SIN": .sin, "ARCTAN": .arctan, "ERF": .erf, "SOFTPLUS": .softplus, "MISH": .mish,
    ]
    guard let word = operands.words.first, let function = functions[word] else {
      throw Refusal("function '\(operands.words.first ?? "")'")
    }
    let destination = try lanes("dst", operands)
    let commands: [String: AccumulatorCommand] = [
      "IDLE": .idle, "ZERO": .reset, "ACCUMULATE": .reduce, "ZERO_ACCUMULATE": .resetReduce,
    ]
    let command = operands.fields["accumulator_cmd"] ?? "IDLE"
    guard let accumulate = commands[command] else { throw Refusal("accumulator '\(command)'") }
    return .activate(
      Activate(
        destination, function, try lanes("src", operands),
        scale: try scalar("scale", operands, otherwise: 1),
        bias: try scalar("bias", operands, otherwise: 0), accumulate: accumulate))
  }

  /// A scalar operand: `KEY_ptr` names a column, `KEY` or `KEY_imm` a number.
  private func scalar(
    _ key: String, _ operands: ProfileOperands, otherwise: Float
  ) throws(Refusal) -> ScalarOperand {
    if operands.fields["\(key)_ptr"] != nil {
      var access = try column("\(key)_ptr", operands)
      if access.format == .tensorFloat32 { access.format = .float32 }
      return .pointer(access)
    }
    let text = operands.fields["\(key)_imm"] ?? operands.fields[key]
    return .immediate(text.flatMap(Float.init) ?? otherwise)
  }

  /// One value per partition.
  private func column(_ key: String, _ operands: ProfileOperands) throws(Refusal) -> AccessPattern {
    guard var access = operands.access(key), let channels = operands.integer("channels") else {
      throw Refusal("no '\(key)'")
    }
    (access.sizes, access.strides) = ([1], [1])
    return try pattern(access, Self.format(access.format) ?? .float32, partitions: channels)
  }

  // MARK: Vector engine

  private static let operations: [String: ALUOperation] = [
    "BYPASS": .bypass, "ADD": .add, "SUBTRACT": .subtract, "MULTIPLY": .multiply, "DIVIDE": .divide,
    "MAX": .max, "MIN": .min, "POW": .power, "IS_EQUAL": .isEqual, "NOT_EQUAL": .notEqual,
    "ABS_MAX": .absMax, "ABS_MIN": .absMin, "RSQRT": .rsqrt,
  ]

  func reduce(_ operands: ProfileOperands) throws(Refusal) -> Operation {
    guard let operation = Self.operations[operands.fields["op"] ?? ""] else {
      throw Refusal("operation '\(operands.fields["op"] ?? "")'")
    }
    return .tensorReduce(
      TensorReduce(
        try lanes("dst", operands), try lanes("src", operands), operation,
        negate: operands.integer("negated") == 1))
  }

  /// `ops=MULTIPLY,BYPASS imm=0x6840,0 imm_src=PTR,INSTRUCTION`.
  func tensorScalar(_ operands: ProfileOperands) throws(Refusal) -> Operation {
    func list(_ key: String) -> [String] {
      (operands.fields[key] ?? "").split(separator: ",").map(String.init)
    }
    let names = list("ops")
    let values = list("imm")
    let sources = list("imm_src")
    guard names.count == 2, values.count == 2, sources.count == 2,
      let first = Self.operations[names[0]], let second = Self.operations[names[1]]
    else { throw Refusal("operations '\(operands.fields["ops"] ?? "")'") }
    return .tensorScalar(
      TensorScalar(
        try lanes("dst", operands), try lanes("src", operands), first,
        try immediate(values[0], sources[0], operands), second,
        try immediate(values[1], sources[1], operands)))
  }

  private func immediate(
    _ value: String, _ source: String, _ operands: ProfileOperands
  ) throws(Refusal) -> ScalarOperand {
    guard source == "PTR" else { return .immediate(Float(value) ?? 0) }
    guard value.hasPrefix("0x"), let address = UInt64(value.dropFirst(2), radix: 16),
      let channels = operands.integer("channels")
    else { throw Refusal("pointer '\(value)'") }
    let access = ProfileOperands.Access(format: "", address: address, strides: [1], sizes: [1])
    return .pointer(try pattern(access, .float32, partitions: channels))
  }
}
