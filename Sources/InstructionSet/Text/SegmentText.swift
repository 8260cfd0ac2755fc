import CoreState
import Hardware

/// A segment while its text is read.
struct SegmentText {
  let name: String
  private var streams = [[Instruction]](repeating: [], count: Engine.allCases.count)
  private var engine: Engine?
  private var tensors: [TensorParameter] = []
  private var tensorIndices: [String: Int] = [:]
  private var sites = [Site(kernel: "")]
  private var siteIndices = [Site(kernel: ""): 0]
  private var buffers: [BufferDeclaration] = []

  init(name: String) { self.name = name }

  func finish() -> Segment {
    var segment = Segment(name: name, streams: streams, tensors: tensors, sites: sites)
    segment.buffers = buffers
    return segment
  }

  /// `.buffer NAME MEMORY[FIRST:END]@BYTE SIZE life=FIRST:END`
  mutating func declareBuffer(_ scanner: inout AssemblyScanner) throws(AssemblyError) {
    buffers.append(try BufferText.read(&scanner))
  }

  /// `.engine NAME`
  mutating func select(_ scanner: inout AssemblyScanner, _ line: SourceLine)
    throws(AssemblyError)
  {
    scanner.skipSpace()
    let start = scanner.position
    let text = try scanner.name("the engine's name")
    guard let found = Engine(name: text) else {
      let known = Engine.allCases.map(\.name)
      throw line.unknown(
        start, "engine", text, nearest: nearestName(to: text, among: known), known: known)
    }
    engine = found
  }

  /// `.tensor NAME BYTES`
  mutating func declare(_ scanner: inout AssemblyScanner, _ line: SourceLine)
    throws(AssemblyError)
  {
    scanner.skipSpace()
    let start = scanner.position
    let text = try scanner.name("the tensor's name")
    scanner.skipSpace()
    let size = try scanner.integer("the size in bytes", in: 0...(1 << 48))
    guard tensorIndices[text] == nil else {
      throw line.error(start, "tensor \(text) is declared twice")
    }
    tensorIndices[text] = tensors.count
    tensors.append(TensorParameter(name: text, sizeBytes: size))
  }

  /// An instruction that begins with `word`.
  mutating func read(_ word: Word, _ scanner: inout AssemblyScanner, _ line: SourceLine)
    throws(AssemblyError)
  {
    guard let engine else {
      throw line.error(word.column, "an instruction before '.engine NAME'")
    }
    guard let opcode = Opcode(name: word.text) else {
      let known = Opcode.allCases.map(\.name)
      throw line.unknown(
        word.column, "instruction", word.text, nearest: nearestName(to: word.text, among: known),
        known: known)
    }
    var instruction = Instruction(Operation.empty(opcode))
    var fields: [OperandReader.Field] = []
    while let next = try scanner.word() {
      switch next.text {
      case "wait": instruction.wait = try wait(&scanner, line)
      case "update": instruction.update = try update(&scanner, line)
      default: fields.append(Self.field(next))
      }
    }
    var reader = try OperandReader(line, opcode: word, fields: fields, tensors: tensorIndices)
    try instruction.operation.operands(&reader)
    try reader.finish()
    let actual = instruction.operation.opcode
    guard actual == opcode else {
      throw line.error(word.column, "with these operands the instruction is \(actual.name)")
    }
    instruction.site = try site(&scanner, line)
    streams[Int(engine.rawValue)].append(instruction)
  }

  /// `name=value` or a flag. A quote may hold an equals sign, but no operand begins with one.
  private static func field(_ word: Word) -> OperandReader.Field {
    guard let equals = word.text.firstIndex(of: "=") else { return .init(name: word) }
    let name = String(word.text[..<equals])
    let value = String(word.text[word.text.index(after: equals)...])
    return .init(
      name: Word(text: name, column: word.column),
      value: Word(text: value, column: word.column + name.utf8.count + 1))
  }

  /// `S3>=16` or `S3==16`.
  private func wait(_ scanner: inout AssemblyScanner, _ line: SourceLine)
    throws(AssemblyError) -> SemaphoreWait
  {
    let semaphore = try semaphore(&scanner)
    let condition: SemaphoreWait.Condition
    if scanner.accept(">") { condition = .atLeast } else { condition = .equal }
    if condition == .equal { try scanner.expect("=", "in '>=' or '=='") }
    try scanner.expect("=", "in '>=' or '=='")
    return SemaphoreWait(semaphore, condition, try value(&scanner))
  }

  /// `S4+=1`, `S4-=1` or `S4=0`.
  private func update(_ scanner: inout AssemblyScanner, _ line: SourceLine)
    throws(AssemblyError) -> SemaphoreUpdate
  {
    let semaphore = try semaphore(&scanner)
    let operation: SemaphoreUpdate.Operation =
      scanner.accept("+") ? .add : scanner.accept("-") ? .subtract : .write
    try scanner.expect("=", "in '+=', '-=' or '='")
    return SemaphoreUpdate(semaphore, operation, try value(&scanner))
  }

  private func semaphore(_ scanner: inout AssemblyScanner) throws(AssemblyError) -> UInt8 {
    scanner.skipSpace()
    try scanner.expect("S", "before the semaphore's number")
    return UInt8(try scanner.integer("the semaphore", in: 0...255))
  }

  private func value(_ scanner: inout AssemblyScanner) throws(AssemblyError) -> UInt32 {
    let value = try scanner.integer("the semaphore's value", in: 0...Int(UInt32.max))
    let next = scanner.peek
    guard next == nil || next == UInt8(ascii: " ") || next == UInt8(ascii: "\t") else {
      throw scanner.fail("expected a space after the semaphore's value")
    }
    return UInt32(value)
  }

  /// What follows the semicolon: the source line, `kernel=NAME`, `layer=NAME`.
  private mutating func site(_ scanner: inout AssemblyScanner, _ line: SourceLine)
    throws(AssemblyError) -> UInt32
  {
    scanner.skipSpace()
    guard scanner.accept(";") else { return 0 }
    var site = Site(kernel: name)
    while let word = try scanner.word() {
      var inner = AssemblyScanner(word, of: line)
      if word.text.hasPrefix("kernel=") {
        for mark in "kernel=" { try inner.expect(mark, "before the kernel") }
        site.kernel = try inner.name("the kernel's name")
      } else if word.text.hasPrefix("layer=") {
        for mark in "layer=" { try inner.expect(mark, "before the layer") }
        site.layer = try inner.name("the layer's name")
      } else {
        site.source = word.text.hasPrefix("\"") ? try inner.name("the source") : word.text
      }
    }
    if let index = siteIndices[site] { return UInt32(index) }
    siteIndices[site] = sites.count
    sites.append(site)
    return UInt32(sites.count - 1)
  }
}
