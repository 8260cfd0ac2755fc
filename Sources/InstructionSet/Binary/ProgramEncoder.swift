import CoreState
import Hardware
import NumericFormats

/// Turns a program into the contents of a file, segment by segment, so that encoding can go on
/// while the rest of the program is made.
///
/// A trace holds its program, and the run waits for it, so that nothing here allocates for each
/// instruction.
package struct ProgramEncoder {
  private var visitor = FieldWriter()
  private var bodies = BodyColumns()
  /// Distinct bodies, by what is quickly compared: equal ones have columns of equal sizes.
  private var known: [[Int]: [(columns: BodyColumns, number: Int)]] = [:]
  private var bodyCount = 0
  private var segments = BinaryWriter()
  private var segmentCount = 0

  /// The first version of the format that knows what was encoded.
  var version: UInt16 {
    visitor.hasIndirectViews ? ProgramBinary.version : ProgramBinary.versionWithoutIndirectViews
  }

  /// An encoder of a program that has nothing yet.
  package init() {}

  /// Adds the program's next segment.
  package mutating func append(_ segment: Segment) {
    segmentCount += 1
    segments.put(intern(segment.name))
    segments.put(body(segment))
  }

  /// The contents of the file: the segments that were added, with the tensors and invocations of
  /// `program`.
  mutating func payload(_ program: Program) -> [UInt8] {
    precondition(segmentCount == program.segments.count, "all segments are added, each once")
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
    payload.put(bodyCount)
    payload.put(bodies.bytes)
    payload.put(segmentCount)
    return payload.bytes + segments.bytes + rest.bytes
  }

  private mutating func intern(_ text: String) -> Int { visitor.words.number(of: text) }

  /// The number of a segment's body; equal ones are stored once.
  private mutating func body(_ segment: Segment) -> Int {
    var columns = BodyColumns()
    columns[.counts].put(segment.tensors.count)
    for tensor in segment.tensors {
      columns[.parameterNames].put(intern(tensor.name))
      columns[.parameterSizes].putSigned(Int64(tensor.sizeBytes))
    }
    columns[.counts].put(segment.sites.count)
    for site in segment.sites {
      columns[.siteKernels].put(intern(site.kernel))
      columns[.siteLayers].put(intern(site.layer))
      columns[.siteSources].put(intern(site.source))
    }
    columns[.counts].put(segment.buffers.count)
    for buffer in segment.buffers { put(buffer, &columns) }
    for engine in Engine.allCases {
      let range = segment.range(of: engine)
      var stream = StreamState()
      columns[.counts].put(range.count)
      for instruction in segment.instructions[range] { put(instruction, &stream, &columns) }
    }
    let sizes = columns.sizes
    if let equal = known[sizes]?.first(where: { $0.columns == columns }) { return equal.number }
    bodies.append(columns)
    known[sizes, default: []].append((columns, bodyCount))
    bodyCount += 1
    return bodyCount - 1
  }

  private mutating func put(_ buffer: BufferDeclaration, _ columns: inout BodyColumns) {
    columns[.bufferNames].put(intern(buffer.name))
    columns[.bufferSpaces].put(intern(buffer.space.name))
    columns[.partitionStarts].put(buffer.partitions.lowerBound)
    columns[.partitionCounts].put(buffer.partitions.count)
    columns[.byteStarts].put(buffer.bytes.lowerBound)
    columns[.byteCounts].put(buffer.bytes.count)
    columns[.lifeStarts].put(buffer.life.lowerBound)
    columns[.lifeCounts].put(buffer.life.count)
  }

  private mutating func put(
    _ instruction: Instruction, _ stream: inout StreamState, _ columns: inout BodyColumns
  ) {
    let opcode = instruction.operation.opcode
    columns[.opcodes].put(visitor.words.number(of: opcode))
    let (wait, update) = (instruction.wait, instruction.update)
    columns[.kinds].put(Int(wait.condition.rawValue) | Int(update.operation.rawValue) << 2)
    if wait.condition != .none {
      columns[.waitSemaphores].put(Int(wait.semaphore))
      let last = stream.waits[Int(wait.semaphore)]
      columns[.waitValues].putSigned(Int64(wait.value) - Int64(last))
      stream.waits[Int(wait.semaphore)] = wait.value
    }
    if update.operation != .none {
      columns[.updateSemaphores].put(Int(update.semaphore))
      columns[.updateValues].put(UInt64(update.value))
    }
    columns[.sites].putSigned(Int64(instruction.site) - stream.site)
    stream.site = Int64(instruction.site)
    visitor.fields.removeAll(keepingCapacity: true)
    var operation = instruction.operation
    operation.operands(&visitor)
    let last = Int(opcode.rawValue)
    Self.put(visitor.fields, after: stream.fields[last], opcode.rawValue, &columns)
    swap(&visitor.fields, &stream.fields[last])
  }

  /// A bit for each number that differs from the one before it, and the differences.
  private static func put(
    _ fields: [Int64], after previous: [Int64], _ opcode: UInt8, _ columns: inout BodyColumns
  ) {
    precondition(fields.count <= maximumFields, "an instruction has few operands")
    columns[.fieldCounts].put(fields.count)
    for start in stride(from: 0, to: fields.count, by: 8) {
      var mask: UInt8 = 0
      for index in start..<min(start + 8, fields.count) {
        let difference = fields[index] &- (index < previous.count ? previous[index] : 0)
        guard difference != 0 else { continue }
        mask |= 1 << UInt8(index - start)
        columns.put(difference: difference, opcode: opcode, field: index)
      }
      columns[.masks].put(byte: mask)
    }
  }
}

/// What the next instruction of a stream is written as a difference to.
struct StreamState {
  var site: Int64 = 0
  /// The value that each semaphore was last compared with.
  var waits = [UInt32](repeating: 0, count: Int(UInt8.max) + 1)
  /// The last operands of each opcode, by its raw value.
  var fields = [[Int64]](repeating: [], count: Int(UInt8.max) + 1)
}
