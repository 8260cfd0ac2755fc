import CoreState
import Hardware
import NumericFormats

/// Turns the contents of a file into a program. Every count, index and word is checked: damage that
/// a checksum let through is an error, never a trap.
struct ProgramDecoder {
  private var reader: BinaryReader
  private var strings: [String] = []
  private var columns = BodyColumnReaders(row: BinaryReader([]))
  private let version: Int

  /// The largest size and address of a tensor, as in assembly text.
  private static let largestTensor = Int64(1) << 48

  /// A reader of contents that were written by that version of the format.
  init(_ payload: ArraySlice<UInt8>, version: Int) {
    reader = BinaryReader(payload)
    self.version = version
  }

  /// True where buffers and the marks of tensors are stored.
  private var hasDeclarations: Bool { version >= 2 }
  /// True where bodies are stored in columns.
  private var hasColumns: Bool { version >= 3 }

  mutating func program() throws(ProgramBinaryError) -> Program {
    for _ in 0..<(try reader.takeCount("strings")) {
      let size = try reader.takeCount("letters")
      strings.append(String(decoding: try reader.take(size), as: UTF8.self))
    }
    let bodies = hasColumns ? try columnBodies() : try rowBodies()
    var segments: [Segment] = []
    for _ in 0..<(try reader.takeCount("segments")) {
      let name = try text("a segment's name")
      var segment = bodies[try index("a body", below: bodies.count, &reader)]
      segment.name = name
      segments.append(segment)
    }
    let tensors = try tensors()
    let invocations = try invocations(segments: segments.count, tensors: tensors.count)
    guard reader.remaining == 0 else { throw reader.damage("the contents are too long") }
    return Program(segments: segments, invocations: invocations, tensors: tensors)
  }

  /// Bodies of version 3: the columns of all of them.
  private mutating func columnBodies() throws(ProgramBinaryError) -> [Segment] {
    let count = try reader.take("the count of bodies", in: 0...max(0, reader.remaining))
    columns = try BodyColumnReaders(&reader)
    var opcodes: [Int: UInt8] = [:]
    for (number, text) in strings.enumerated() {
      opcodes[number] = Opcode(name: text)?.rawValue
    }
    try columns.findDifferences(&reader, opcodes: opcodes)
    var bodies: [Segment] = []
    for _ in 0..<count { bodies.append(try body()) }
    try columns.finish()
    return bodies
  }

  /// Bodies before version 3: each a row of numbers.
  private mutating func rowBodies() throws(ProgramBinaryError) -> [Segment] {
    var bodies: [Segment] = []
    for _ in 0..<(try reader.takeCount("bodies")) {
      let size = try reader.takeCount("bytes")
      columns = BodyColumnReaders(row: BinaryReader(try reader.take(size)))
      bodies.append(try body())
      try columns.finish()
    }
    return bodies
  }

  private func index(
    _ what: String, below count: Int, _ reader: inout BinaryReader
  ) throws(ProgramBinaryError) -> Int {
    guard count > 0 else { throw reader.damage("there is no \(what)") }
    return try reader.take("the number of \(what)", in: 0...(count - 1))
  }

  private mutating func text(_ what: String) throws(ProgramBinaryError) -> String {
    strings[try index(what, below: strings.count, &reader)]
  }

  private mutating func text(
    _ what: String, in column: BodyColumn
  ) throws(ProgramBinaryError) -> String {
    strings[try index(what, below: strings.count, &columns[column])]
  }

  private func size(
    _ what: String, _ reader: inout BinaryReader
  ) throws(ProgramBinaryError) -> Int {
    let value = try reader.takeSigned()
    guard (0...Self.largestTensor).contains(value) else {
      throw reader.damage("\(what) is \(value)")
    }
    return Int(value)
  }

  private mutating func tensors() throws(ProgramBinaryError) -> [TensorAllocation] {
    var tensors: [TensorAllocation] = []
    let count = try reader.takeCount("tensors")
    for _ in 0..<count {
      let name = try text("a tensor's name")
      let address = try size("a tensor's address", &reader)
      let bytes = try size("a tensor's size", &reader)
      let format = try text("a number format")
      guard let format = NumberFormat(name: format) else {
        throw .unknownWord(kind: "number format", word: format)
      }
      var tensor = TensorAllocation(
        name: name, address: address, sizeBytes: bytes, format: format)
      if hasDeclarations {
        let isUndefined = try reader.take("what a tensor holds", in: 0...1) == 1
        tensor.contents = isUndefined ? .undefined : .given
        let other = try reader.take("the number of a shared tensor", in: 0...count)
        tensor.aliasOf = other == 0 ? nil : other - 1
      }
      tensors.append(tensor)
    }
    return tensors
  }

  private mutating func invocations(segments: Int, tensors: Int) throws(ProgramBinaryError)
    -> [Invocation]
  {
    var invocations: [Invocation] = []
    var previous: Int64 = 0
    for _ in 0..<(try reader.takeCount("invocations")) {
      var invocation = Invocation(
        segment: try index("a segment", below: segments, &reader), tensors: [],
        layer: try text("a layer's name"))
      for _ in 0..<(try reader.takeCount("bindings")) {
        previous &+= try reader.takeSigned()
        guard previous >= 0, previous < Int64(tensors) else {
          throw reader.damage("the number of a tensor is \(previous)")
        }
        invocation.tensors.append(Int(previous))
      }
      invocations.append(invocation)
    }
    return invocations
  }

  /// A segment without its name.
  private mutating func body() throws(ProgramBinaryError) -> Segment {
    var tensors: [TensorParameter] = []
    for _ in 0..<(try columns.count("parameters", in: .parameterNames)) {
      tensors.append(
        TensorParameter(
          name: try text("a parameter's name", in: .parameterNames),
          sizeBytes: try size("a parameter's size", &columns[.parameterSizes])))
    }
    var sites: [Site] = []
    for _ in 0..<(try columns.count("sites", in: .siteKernels)) {
      sites.append(
        Site(
          kernel: try text("a kernel", in: .siteKernels),
          layer: try text("a layer", in: .siteLayers),
          source: try text("a source", in: .siteSources)))
    }
    let buffers = hasDeclarations ? try buffers() : []
    var streams: [[Instruction]] = []
    for _ in Engine.allCases {
      var state = StreamState()
      var stream: [Instruction] = []
      for _ in 0..<(try columns.count("instructions", in: .opcodes)) {
        stream.append(try instruction(&state, sites: sites.count))
      }
      streams.append(stream)
    }
    var segment = Segment(name: "", streams: streams, tensors: tensors, sites: sites)
    segment.buffers = buffers
    return segment
  }

  private mutating func buffers() throws(ProgramBinaryError) -> [BufferDeclaration] {
    var buffers: [BufferDeclaration] = []
    for _ in 0..<(try columns.count("buffers", in: .bufferNames)) {
      let name = try text("a buffer's name", in: .bufferNames)
      let word = try text("a memory", in: .bufferSpaces)
      guard let space = MemorySpace.allCases.first(where: { $0.name == word }) else {
        throw .unknownWord(kind: "memory", word: word)
      }
      let partitions = try range("partitions", .partitionStarts, .partitionCounts, limit: 256)
      let bytes = try range("bytes", .byteStarts, .byteCounts, limit: Int(Self.largestTensor))
      let life = try range("moments", .lifeStarts, .lifeCounts, limit: Int(Self.largestTensor))
      buffers.append(
        BufferDeclaration(
          name: name, space: space, partitions: partitions, bytes: bytes, life: life))
    }
    return buffers
  }

  private mutating func range(
    _ what: String, _ starts: BodyColumn, _ counts: BodyColumn, limit: Int
  ) throws(ProgramBinaryError) -> Range<Int> {
    let first = try columns[starts].take("the first of some \(what)", in: 0...limit)
    return first..<first + (try columns[counts].take("the count of \(what)", in: 0...limit))
  }

  private mutating func instruction(_ state: inout StreamState, sites: Int)
    throws(ProgramBinaryError) -> Instruction
  {
    let place = columns[.opcodes].position
    let number = try index("an opcode", below: strings.count, &columns[.opcodes])
    guard let opcode = Opcode(name: strings[number]) else {
      throw .unknownWord(kind: "instruction", word: strings[number])
    }
    var instruction = Instruction(Operation.empty(opcode))
    try synchronisation(&instruction, &state)
    state.site &+= try columns[.sites].takeSigned()
    guard state.site >= 0, state.site < Int64(sites) else {
      throw columns[.sites].damage("the number of a site is \(state.site)")
    }
    instruction.site = UInt32(state.site)
    let fields = try fields(after: state.fields[Int(opcode.rawValue)], opcode.rawValue)
    var visitor = FieldReader(fields, strings: strings, place: place)
    try instruction.operation.operands(&visitor)
    try visitor.finish()
    guard instruction.operation.opcode == opcode else {
      throw .damaged(place: place, what: "the operands are not those of \(opcode.name)")
    }
    state.fields[Int(opcode.rawValue)] = fields
    return instruction
  }

  private mutating func synchronisation(
    _ instruction: inout Instruction, _ state: inout StreamState
  ) throws(ProgramBinaryError) {
    let kinds = try columns[.kinds].take("the kind of a wait and an update", in: 0...15)
    guard let condition = SemaphoreWait.Condition(rawValue: UInt8(kinds & 3)),
      let operation = SemaphoreUpdate.Operation(rawValue: UInt8(kinds >> 2))
    else { throw columns[.kinds].damage("a wait or an update is of no known kind") }
    if condition != .none {
      let semaphore = UInt8(try columns[.waitSemaphores].take("a semaphore", in: 0...255))
      let value = try waitValue(after: state.waits[Int(semaphore)])
      instruction.wait = SemaphoreWait(semaphore, condition, value)
      state.waits[Int(semaphore)] = value
    }
    if operation != .none {
      let semaphore = UInt8(try columns[.updateSemaphores].take("a semaphore", in: 0...255))
      let value = try columns[.updateValues].take("a semaphore's value", in: Self.values)
      instruction.update = SemaphoreUpdate(semaphore, operation, UInt32(value))
    }
  }

  private static let values = 0...Int(UInt32.max)

  private mutating func waitValue(after last: UInt32) throws(ProgramBinaryError) -> UInt32 {
    guard hasColumns else {
      return UInt32(try columns[.waitValues].take("a semaphore's value", in: Self.values))
    }
    let value = Int64(last) &+ (try columns[.waitValues].takeSigned())
    guard let value = UInt32(exactly: value) else {
      throw columns[.waitValues].damage("a semaphore's value is \(value)")
    }
    return value
  }

  private mutating func fields(
    after previous: [Int64], _ opcode: UInt8
  ) throws(ProgramBinaryError) -> [Int64] {
    let count = try columns[.fieldCounts].take("the count of operands", in: 0...maximumFields)
    let masks = Array(try columns[.masks].take((count + 7) / 8))
    var fields: [Int64] = []
    for index in 0..<count {
      var value = index < previous.count ? previous[index] : 0
      if masks[index / 8] >> UInt8(index % 8) & 1 == 1 {
        value &+= try columns.difference(opcode: opcode, field: index)
      }
      fields.append(value)
    }
    return fields
  }
}
