/// What the rules let through, each with its reason. An entry that nothing needs any more fails.
enum Exceptions {
  struct File {
    let path: String
    let reason: String
  }

  struct Literal {
    let path: String
    let literal: String
    let reason: String
  }

  /// Modules whose work is raw memory; see ARCHITECTURE.md.
  static let unsafeRooms: Set<String> = ["VectorKernels", "CoreState", "TraceFile"]

  /// Files outside those rooms that may say `unsafe`. Wrappers of C named `Name+C.swift` need no
  /// entry.
  static let unsafeFiles: [File] = [
    File(
      path: "Sources/ONNXSchema/ONNX.pb.swift",
      reason: "generated messages are @unchecked Sendable; each keeps its own storage"),
    File(
      path: "Sources/BenchmarkRunner/TraceRecording.swift",
      reason: "an @unchecked class whose state is touched on its own serial queue alone"),
  ]

  /// Numbers of 1,000 or more in modules that must take every constant from `Hardware`.
  static let largeLiterals: [Literal] = [
    Literal(
      path: "Sources/InstructionSet/Core/OperandRules.swift", literal: "65_536",
      reason: "elements of a scratch row on the host, whatever the device"),
    Literal(
      path: "Sources/InstructionSet/Core/TransferShape.swift", literal: "1000",
      reason: "a permille is a thousandth"),
    Literal(
      path: "Sources/InstructionSet/Core/TransferShape.swift", literal: "500_000",
      reason: "half of a thousand squared: permille of permille"),
    Literal(
      path: "Sources/InstructionSet/Machine/DMADirect.swift", literal: "1000",
      reason: "a permille is a thousandth"),
    Literal(
      path: "Sources/InstructionSet/Machine/DMAGatherTranspose.swift", literal: "1_000_000",
      reason: "a thousand squared: permille of permille"),
    Literal(
      path: "Sources/InstructionSet/Machine/DMAIndirect.swift", literal: "1000",
      reason: "a permille is a thousandth"),
    Literal(
      path: "Sources/InstructionSet/Machine/DMATranspose.swift", literal: "1_000_000",
      reason: "a thousand squared: permille of permille"),
    Literal(
      path: "Sources/InstructionSet/Text/AssemblyScanner+Operands.swift", literal: "32_767",
      reason: "the largest 16-bit signed stride"),
    Literal(
      path: "Sources/InstructionSet/Text/AssemblyScanner+Operands.swift", literal: "32_768",
      reason: "the smallest 16-bit signed stride"),
    Literal(
      path: "Sources/InstructionSet/Text/AssemblyScanner+Operands.swift", literal: "65_535",
      reason: "the largest 16-bit size"),
    Literal(
      path: "Sources/NeuronCore/DMALaws.swift", literal: "1000",
      reason: "a permille is a thousandth"),
    Literal(
      path: "Sources/NeuronCore/DMALaws.swift", literal: "1_000_000",
      reason: "picoseconds of a microsecond"),
    Literal(
      path: "Sources/NeuronCore/Sanitizer/OrderChecker.swift", literal: "4_096",
      reason: "entries of a bookkeeping list, nothing of the machine"),
    Literal(
      path: "Sources/NeuronCore/EventRecorder.swift", literal: "16_384",
      reason: "events per buffer, nothing of the machine"),
    Literal(
      path: "Sources/NeuronCore/TensorArray.swift", literal: "1_000_000_000",
      reason: "a time long before the run, nothing of the machine"),
  ]
}
