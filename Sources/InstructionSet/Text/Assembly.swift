import CoreState
import Hardware
import NumericFormats

/// Programs as text: what the disassembler prints and the assembler reads.
///
///     .segment softmax
///     .tensor scores 65536
///     .buffer row sbuf[0:128]@1024 2048
///     .engine vector
///     TENSOR_TENSOR dst=sbuf:fp32[0:128]@1024{512:1} a=… b=… op=add wait S3>=16 ; Softmax.swift:12
///     .program
///     .tensor scores 65536 fp32 @0
///     .invoke softmax scores
///
/// An instruction is its name, its operands, what it waits for (`wait S3>=16` or `==`), what it
/// updates (`update S4+=1`, `-=` or `=`) and, after a semicolon, the place it comes from. A number
/// sign begins a comment. Both directions follow from each instruction's one list of operands.
public enum Assembly {
  /// A whole program.
  public static func text(of program: Program) -> String {
    var lines: [String] = []
    for segment in program.segments {
      lines += self.lines(of: segment)
      lines.append("")
    }
    lines.append(".program")
    for tensor in program.tensors {
      var words = [
        ".tensor", AssemblyName.written(tensor.name), "\(tensor.sizeBytes)", tensor.format.name,
        "@\(tensor.address)",
      ]
      if tensor.contents == .undefined { words.append("undefined") }
      if let other = tensor.aliasOf {
        words.append("alias=\(name(of: other, among: program.tensors))")
      }
      lines.append(words.joined(separator: " "))
    }
    for invocation in program.invocations {
      var words = [".invoke", AssemblyName.written(program.segments[invocation.segment].name)]
      words += invocation.tensors.map { name(of: $0, among: program.tensors) }
      if !invocation.layer.isEmpty {
        words.append("layer=\(AssemblyName.written(invocation.layer))")
      }
      lines.append(words.joined(separator: " "))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// One segment with its streams.
  public static func text(of segment: Segment) -> String {
    lines(of: segment).joined(separator: "\n") + "\n"
  }

  /// One instruction with its synchronisation, without the place it comes from.
  public static func text(of instruction: Instruction, tensors: [TensorParameter] = []) -> String {
    instruction.operation.text(tensors: tensors) + text(of: instruction.wait)
      + text(of: instruction.update)
  }

  /// A tensor's name, or its index when another one before it has the same name.
  private static func name(of index: Int, among tensors: [TensorAllocation]) -> String {
    let first = tensors.firstIndex { $0.name == tensors[index].name }
    return first == index ? AssemblyName.written(tensors[index].name) : "%\(index)"
  }

  private static func lines(of segment: Segment) -> [String] {
    var lines = [".segment \(AssemblyName.written(segment.name))"]
    for tensor in segment.tensors {
      lines.append(".tensor \(AssemblyName.written(tensor.name)) \(tensor.sizeBytes)")
    }
    lines += segment.buffers.map(BufferText.written)
    for engine in Engine.allCases {
      let range = segment.range(of: engine)
      if range.isEmpty { continue }
      lines.append(".engine \(engine.name)")
      for instruction in segment.instructions[range] {
        lines.append(
          text(of: instruction, tensors: segment.tensors) + site(of: instruction, in: segment))
      }
    }
    return lines
  }

  private static func text(of wait: SemaphoreWait) -> String {
    switch wait.condition {
    case .none: ""
    case .atLeast: " wait S\(wait.semaphore)>=\(wait.value)"
    case .equal: " wait S\(wait.semaphore)==\(wait.value)"
    }
  }

  private static func text(of update: SemaphoreUpdate) -> String {
    switch update.operation {
    case .none: ""
    case .add: " update S\(update.semaphore)+=\(update.value)"
    case .subtract: " update S\(update.semaphore)-=\(update.value)"
    case .write: " update S\(update.semaphore)=\(update.value)"
    }
  }

  /// The source line; the kernel when it is not the segment's own name; the layer when there is
  /// one.
  private static func site(of instruction: Instruction, in segment: Segment) -> String {
    guard Int(instruction.site) < segment.sites.count else { return "" }
    let site = segment.sites[Int(instruction.site)]
    guard site != Site(kernel: "") else { return "" }
    var words = [" ;"]
    if !site.source.isEmpty { words.append(source(site.source)) }
    if site.kernel != segment.name { words.append("kernel=\(AssemblyName.written(site.kernel))") }
    if !site.layer.isEmpty { words.append("layer=\(AssemblyName.written(site.layer))") }
    return words.joined(separator: " ")
  }

  /// `File.swift:12` stays bare: a colon is plain here.
  private static func source(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { AssemblyName.isPlain($0) || $0 == UInt8(ascii: ":") }
    return isPlain ? text : AssemblyName.written(text)
  }
}
