import CoreState
import Hardware
import NumericFormats

/// Turns a program into the contents of a file.
///
/// A trace holds its program, and the run waits for it, so that nothing here allocates for each
/// instruction.
struct ProgramEncoder {
  private var visitor = FieldWriter()
  private var bodies: [[UInt8]] = []
  private var bodyNumbers: [[UInt8]: Int] = [:]

  mutating func payload(_ program: Program) -> [UInt8] {
    var segments = BinaryWriter()
    segments.put(program.segments.count)
    for segment in program.segments {
      segments.put(intern(segment.name))
      segments.put(body(segment))
    }
    var rest = BinaryWriter()
    rest.put(program.tensors.count)
    for tensor in program.tensors {
      rest.put(intern(tensor.name))
      rest.putSigned(Int64(tensor.address))
      rest.putSigned(Int64(tensor.sizeBytes))
      rest.put(intern(tensor.format.name))
      rest.put(tensor.contents == .undefined ? 1 : 0)
      // One more than the other tensor's number; zero stands for none.
      rest.put((tensor.aliasOf ?? -1) + 1)
    }
    rest.put(program.invocations.count)
    var previous = 0
    for invocation in program.invocations {
      rest.put(invocation.segment)
      rest.put(intern(invocation.layer))
      rest.put(invocation.tensors.count)
      for tensor in invocation.tensors {
        rest.putSigned(Int64(tensor - previous))
        previous = tensor
      }
    }
    var payload = BinaryWriter()
    payload.put(visitor.words.strings.count)
    for text in visitor.words.strings {
      payload.put(text.utf8.count)
      payload.put(text.utf8)
    }
    payload.put(bodies.count)
    for body in bodies {
      payload.put(body.count)
      payload.put(body)
    }
    return payload.bytes + segments.bytes + rest.bytes
  }

  private mutating func intern(_ text: String) -> Int { visitor.words.number(of: text) }

  /// The number of a segment's body; equal ones are stored once.
  private mutating func body(_ segment: Segment) -> Int {
    var writer = BinaryWriter()
    writer.put(segment.tensors.count)
    for tensor in segment.tensors {
      writer.put(intern(tensor.name))
      writer.putSigned(Int64(tensor.sizeBytes))
    }
    writer.put(segment.sites.count)
    for site in segment.sites {
      for text in [site.kernel, site.layer, site.source] { writer.put(intern(text)) }
    }
    writer.put(segment.buffers.count)
    for buffer in segment.buffers { put(buffer, &writer) }
    for engine in Engine.allCases {
      let range = segment.range(of: engine)
      var stream = StreamState()
      writer.put(range.count)
      for instruction in segment.instructions[range] { put(instruction, &stream, &writer) }
    }
    if let known = bodyNumbers[writer.bytes] { return known }
    bodyNumbers[writer.bytes] = bodies.count
    bodies.append(writer.bytes)
    return bodies.count - 1
  }

  private mutating func put(_ buffer: BufferDeclaration, _ writer: inout BinaryWriter) {
    writer.put(intern(buffer.name))
    writer.put(intern(buffer.space.name))
    for range in [buffer.partitions, buffer.bytes, buffer.life] {
      writer.put(range.lowerBound)
      writer.put(range.count)
    }
  }

  private mutating func put(
    _ instruction: Instruction, _ stream: inout StreamState, _ writer: inout BinaryWriter
  ) {
    let opcode = instruction.operation.opcode
    writer.put(visitor.words.number(of: opcode))
    let (wait, update) = (instruction.wait, instruction.update)
    writer.put(Int(wait.condition.rawValue) | Int(update.operation.rawValue) << 2)
    if wait.condition != .none {
      writer.put(Int(wait.semaphore))
      writer.put(UInt64(wait.value))
    }
    if update.operation != .none {
      writer.put(Int(update.semaphore))
      writer.put(UInt64(update.value))
    }
    writer.putSigned(Int64(instruction.site) - stream.site)
    stream.site = Int64(instruction.site)
    visitor.fields.removeAll(keepingCapacity: true)
    var operation = instruction.operation
    operation.operands(&visitor)
    let last = Int(opcode.rawValue)
    Self.put(visitor.fields, after: stream.fields[last], &writer)
    swap(&visitor.fields, &stream.fields[last])
  }

  /// A bit for each number that differs from the one before it, then the differences.
  private static func put(
    _ fields: [Int64], after previous: [Int64], _ writer: inout BinaryWriter
  ) {
    writer.put(fields.count)
    func difference(_ index: Int) -> Int64 {
      fields[index] &- (index < previous.count ? previous[index] : 0)
    }
    for start in stride(from: 0, to: fields.count, by: 8) {
      var mask: UInt8 = 0
      for bit in 0..<min(8, fields.count - start) where difference(start + bit) != 0 {
        mask |= 1 << UInt8(bit)
      }
      writer.put(byte: mask)
    }
    for index in fields.indices {
      let difference = difference(index)
      if difference != 0 { writer.putSigned(difference) }
    }
  }
}

/// What the next instruction of a stream is written as a difference to.
struct StreamState {
  var site: Int64 = 0
  /// The last operands of each opcode, by its raw value.
  var fields = [[Int64]](repeating: [], count: Int(UInt8.max) + 1)
}
