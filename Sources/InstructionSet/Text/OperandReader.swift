import CoreState
import Hardware
import NumericFormats

/// Fills operands from the words of a line. Memory operands must be there; everything else keeps
/// the value that the instruction begins with.
struct OperandReader: OperandVisitor {
  /// `name=value`, or a flag without a value.
  struct Field {
    var name: Word
    var value: Word?
    var isUsed = false
  }

  let line: SourceLine
  let opcode: Word
  /// Indices of the segment's tensors by name.
  let tensors: [String: Int]
  private var fields: [Field]
  private var names: [String] = []

  init(
    _ line: SourceLine, opcode: Word, fields: [Field], tensors: [String: Int]
  ) throws(AssemblyError) {
    self.line = line
    self.opcode = opcode
    self.fields = fields
    self.tensors = tensors
    for (index, field) in fields.enumerated()
    where fields[..<index].contains(where: { $0.name.text == field.name.text }) {
      throw line.error(field.name.column, "operand \(field.name.text) is given twice")
    }
  }

  /// Every word of the line must have been an operand.
  func finish() throws(AssemblyError) {
    guard let extra = fields.first(where: { !$0.isUsed }) else { return }
    guard !names.isEmpty else {
      throw line.error(extra.name.column, "\(opcode.text) has no operands")
    }
    throw line.unknown(
      extra.name.column, "operand of \(opcode.text)", extra.name.text,
      nearest: nearestName(to: extra.name.text, among: names), known: names)
  }

  private mutating func field(_ name: String) -> Field? {
    names.append(name)
    guard let index = fields.firstIndex(where: { $0.name.text == name }) else { return nil }
    fields[index].isUsed = true
    return fields[index]
  }

  private mutating func scanner(_ name: String) throws(AssemblyError) -> AssemblyScanner? {
    guard let field = field(name) else { return nil }
    guard let value = field.value else {
      throw line.error(field.name.column, "operand \(name) needs a value: \(name)=…")
    }
    return AssemblyScanner(value, of: line)
  }

  private mutating func required(_ name: String) throws(AssemblyError) -> AssemblyScanner {
    if let scanner = try scanner(name) { return scanner }
    throw line.error(opcode.column, "\(opcode.text) needs operand \(name)")
  }

  private func end(_ scanner: AssemblyScanner) throws(AssemblyError) {
    guard scanner.isAtEnd else { throw scanner.fail("expected a space after the operand") }
  }

  mutating func write(_ name: String, _ value: inout AccessPattern) throws(AssemblyError) {
    try read(name, &value)
  }

  mutating func read(_ name: String, _ value: inout AccessPattern) throws(AssemblyError) {
    var scanner = try required(name)
    value = try scanner.accessPattern()
    try end(scanner)
  }

  mutating func scalar(_ name: String, _ value: inout ScalarOperand) throws(AssemblyError) {
    guard var scanner = try scanner(name) else { return }
    if scanner.startsPattern {
      value = .pointer(try scanner.accessPattern())
    } else {
      value = .immediate(try scanner.number(name))
    }
    try end(scanner)
  }

  mutating func transfer(_ name: String, _ value: inout DataLocation, isWrite: Bool)
    throws(AssemblyError)
  {
    var scanner = try required(name)
    value = try scanner.location(tensors)
    try end(scanner)
  }

  mutating func immediate(_ name: String, _ value: inout Float) throws(AssemblyError) {
    guard var scanner = try scanner(name) else { return }
    value = try scanner.number(name)
  }

  mutating func integer(_ name: String, _ value: inout Int32) throws(AssemblyError) {
    guard var scanner = try scanner(name) else { return }
    value = Int32(try scanner.integer(name, in: AssemblyScanner.word32))
    try end(scanner)
  }

  mutating func steps(_ name: String, _ value: inout SIMD4<Int32>) throws(AssemblyError) {
    guard var scanner = try scanner(name) else { return }
    value = try scanner.steps()
    try end(scanner)
  }

  mutating func mask(_ name: String, _ value: inout ShuffleMask) throws(AssemblyError) {
    guard var scanner = try scanner(name) else { return }
    value = try scanner.mask()
    try end(scanner)
  }

  mutating func register(_ name: String, _ value: inout UInt8) throws(AssemblyError) {
    guard var scanner = try scanner(name) else { return }
    value = try scanner.register()
    try end(scanner)
  }

  mutating func registerOrInteger(_ name: String, _ value: inout RegisterOperand)
    throws(AssemblyError)
  {
    guard var scanner = try scanner(name) else { return }
    if scanner.peek == UInt8(ascii: "r") {
      value = .register(try scanner.register())
    } else {
      value = .immediate(Int32(try scanner.integer(name, in: AssemblyScanner.word32)))
    }
    try end(scanner)
  }

  mutating func flag(_ name: String, _ value: inout Bool) throws(AssemblyError) {
    guard let field = field(name) else { return }
    if let given = field.value {
      throw line.error(given.column - 1, "\(name) is a flag; it takes no value")
    }
    value = true
  }

  mutating func choice<Choice: OperandChoice>(_ name: String, _ value: inout Choice)
    throws(AssemblyError)
  {
    guard let field = field(name) else { return }
    let known = Choice.allCases.map(\.text)
    guard let word = field.value else {
      throw line.error(field.name.column, "operand \(name) needs a value: \(name)=…")
    }
    guard let found = Choice.allCases.first(where: { $0.text == word.text }) else {
      throw line.unknown(
        word.column, "choice for \(name)", word.text,
        nearest: nearestName(to: word.text, among: known), known: known)
    }
    value = found
  }
}
