import CoreState
import Hardware
import NumericFormats

extension Assembly {
  /// Reads a program.
  ///
  /// A text without `.program` runs every segment once, in order, with tensors of one name shared
  /// and laid out one after the other.
  public static func parse(_ text: String) throws(AssemblyError) -> Program {
    var assembler = Assembler()
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let trimmed = line.hasSuffix("\r") ? line.dropLast() : line
      try assembler.read(SourceLine(number: index + 1, text: String(trimmed)))
    }
    return assembler.finish()
  }
}

/// Builds a program line by line.
struct Assembler {
  private var segments: [Segment] = []
  private var segment: SegmentText?
  private var program = ProgramText()

  mutating func read(_ line: SourceLine) throws(AssemblyError) {
    var scanner = AssemblyScanner(line)
    guard let word = try scanner.word() else { return }
    guard word.text.hasPrefix(".") else {
      guard segment != nil else {
        throw line.error(word.column, "an instruction before '.segment NAME' and '.engine NAME'")
      }
      try segment?.read(word, &scanner, line)
      return
    }
    switch word.text {
    case ".segment":
      close()
      segment = SegmentText(name: try Self.name(&scanner, line, "the segment's name"))
      try Self.end(&scanner)
    case ".engine":
      guard segment != nil else { throw line.error(word.column, "'.engine' before '.segment'") }
      try segment?.select(&scanner, line)
      try Self.end(&scanner)
    case ".program":
      close()
      program.isPresent = true
      try Self.end(&scanner)
    case ".tensor":
      if segment != nil {
        try segment?.declare(&scanner, line)
      } else {
        try program.allocate(&scanner, line, word)
      }
      try Self.end(&scanner)
    case ".buffer":
      guard segment != nil else { throw line.error(word.column, "'.buffer' before '.segment'") }
      try segment?.declareBuffer(&scanner)
      try Self.end(&scanner)
    case ".invoke": try program.invoke(&scanner, line, word, segments)
    default:
      let known = [".segment", ".engine", ".tensor", ".buffer", ".program", ".invoke"]
      throw line.unknown(
        word.column, "directive", word.text, nearest: nearestName(to: word.text, among: known),
        known: known)
    }
  }

  /// The name that a directive needs.
  static func name(_ scanner: inout AssemblyScanner, _ line: SourceLine, _ what: String)
    throws(AssemblyError) -> String
  {
    scanner.skipSpace()
    return try scanner.name(what)
  }

  /// Nothing but a comment may follow.
  static func end(_ scanner: inout AssemblyScanner) throws(AssemblyError) {
    scanner.skipSpace()
    guard scanner.isAtEnd || scanner.peek == UInt8(ascii: "#") else {
      throw scanner.fail("expected the end of the line")
    }
  }

  private mutating func close() {
    if let finished = segment { segments.append(finished.finish()) }
    segment = nil
  }

  mutating func finish() -> Program {
    close()
    return program.isPresent ? program.finish(segments) : ProgramText.usual(segments)
  }
}

/// The `.program` part of a text.
struct ProgramText {
  var isPresent = false
  private var tensors: [TensorAllocation] = []
  private var invocations: [Invocation] = []

  mutating func allocate(_ scanner: inout AssemblyScanner, _ line: SourceLine, _ word: Word)
    throws(AssemblyError)
  {
    guard isPresent else {
      throw line.error(word.column, "'.tensor' before '.segment NAME' or '.program'")
    }
    let name = try Assembler.name(&scanner, line, "the tensor's name")
    scanner.skipSpace()
    let size = try scanner.integer("the size in bytes", in: 0...(1 << 48))
    scanner.skipSpace()
    let format = try scanner.numberFormat()
    scanner.skipSpace()
    try scanner.expect("@", "before the address")
    let address = try scanner.integer("the address", in: 0...(1 << 48))
    var tensor = TensorAllocation(name: name, address: address, sizeBytes: size, format: format)
    while let mark = try scanner.word() {
      var inner = AssemblyScanner(mark, of: line)
      if mark.text == "undefined" {
        tensor.contents = .undefined
      } else if mark.text.hasPrefix("alias=") {
        for letter in "alias=" { try inner.expect(letter, "before the other tensor") }
        tensor.aliasOf = try self.tensor(&inner, line)
        guard inner.isAtEnd else { throw inner.fail("expected a space") }
      } else {
        throw line.error(mark.column, "expected 'undefined', 'alias=TENSOR' or the end of the line")
      }
    }
    tensors.append(tensor)
  }

  mutating func invoke(
    _ scanner: inout AssemblyScanner, _ line: SourceLine, _ word: Word, _ segments: [Segment]
  ) throws(AssemblyError) {
    guard isPresent else { throw line.error(word.column, "'.invoke' before '.program'") }
    scanner.skipSpace()
    let start = scanner.position
    let name = try scanner.name("the segment's name")
    guard let segment = segments.firstIndex(where: { $0.name == name }) else {
      let known = segments.map(\.name)
      throw line.unknown(
        start, "segment", name, nearest: nearestName(to: name, among: known), known: known)
    }
    var invocation = Invocation(segment: segment, tensors: [])
    while let argument = try scanner.word() {
      var inner = AssemblyScanner(argument, of: line)
      if argument.text.hasPrefix("layer=") {
        for mark in "layer=" { try inner.expect(mark, "before the layer") }
        invocation.layer = try inner.name("the layer's name")
      } else {
        invocation.tensors.append(try tensor(&inner, line))
      }
      guard inner.isAtEnd else { throw inner.fail("expected a space") }
    }
    try Assembler.end(&scanner)
    invocations.append(invocation)
  }

  private func tensor(_ scanner: inout AssemblyScanner, _ line: SourceLine)
    throws(AssemblyError) -> Int
  {
    let start = scanner.position
    if scanner.accept("%") {
      let index = try scanner.integer("the tensor's index", in: 0...Int(Int32.max))
      guard index < tensors.count else {
        throw line.error(start, "tensor \(index) does not exist; there are \(tensors.count)")
      }
      return index
    }
    let name = try scanner.name("a tensor's name")
    if let index = tensors.firstIndex(where: { $0.name == name }) { return index }
    let known = tensors.map(\.name)
    throw line.unknown(
      start, "tensor", name, nearest: nearestName(to: name, among: known), known: known)
  }

  func finish(_ segments: [Segment]) -> Program {
    Program(segments: segments, invocations: invocations, tensors: tensors)
  }

  /// Every segment once, with tensors of one name shared.
  static func usual(_ segments: [Segment]) -> Program {
    var tensors: [TensorAllocation] = []
    var invocations: [Invocation] = []
    for (index, segment) in segments.enumerated() {
      let bound = segment.tensors.map { parameter -> Int in
        if let found = tensors.firstIndex(where: { $0.name == parameter.name }) {
          tensors[found].sizeBytes = max(tensors[found].sizeBytes, parameter.sizeBytes)
          return found
        }
        tensors.append(
          TensorAllocation(
            name: parameter.name, address: 0, sizeBytes: parameter.sizeBytes, format: .float32))
        return tensors.count - 1
      }
      invocations.append(Invocation(segment: index, tensors: bound))
    }
    var address = 0
    for index in tensors.indices {
      tensors[index].address = address
      address += (tensors[index].sizeBytes + 63) / 64 * 64
    }
    return Program(segments: segments, invocations: invocations, tensors: tensors)
  }
}
