import CoreState
import Hardware
import NumericFormats

/// Turns the contents of a file into a program. Every count, index and word is checked: damage that
/// a checksum let through is an error, never a trap.
struct ProgramDecoder {
  private var reader: BinaryReader
  private var strings: [String] = []
  private let version: Int

  /// Numbers of one instruction: far more than any has.
  private static let maximumFields = 512
  /// The largest size and address of a tensor, as in assembly text.
  private static let largestTensor = Int64(1) << 48

  /// A reader of contents that were written by that version of the format.
  init(_ payload: ArraySlice<UInt8>, version: Int) {
    reader = BinaryReader(payload)
    self.version = version
  }

  /// True where buffers and the marks of tensors are stored.
  private var hasDeclarations: Bool { version >= 2 }

  mutating func program() throws(ProgramBinaryError) -> Program {
    for _ in 0..<(try reader.takeCount("strings")) {
      let size = try reader.takeCount("letters")
      strings.append(String(decoding: try reader.take(size), as: UTF8.self))
    }
    var bodies: [Segment] = []
    for _ in 0..<(try reader.takeCount("bodies")) {
      let size = try reader.takeCount("bytes")
      let outer = reader
      reader = BinaryReader(try reader.take(size))
      bodies.append(try body())
      guard reader.remaining == 0 else { throw reader.damage("a body is too long") }
      reader = outer
      _ = try reader.take(size)
    }
    var segments: [Segment] = []
    for _ in 0..<(try reader.takeCount("segments")) {
      let name = try text("a segment's name")
      var segment = bodies[try index("a body", below: bodies.count)]
      segment.name = name
      segments.append(segment)
    }
    let tensors = try tensors()
    let invocations = try invocations(segments: segments.count, tensors: tensors.count)
    guard reader.remaining == 0 else { throw reader.damage("the contents are too long") }
    return Program(segments: segments, invocations: invocations, tensors: tensors)
  }

  private mutating func index(_ what: String, below count: Int) throws(ProgramBinaryError) -> Int {
    guard count > 0 else { throw reader.damage("there is no \(what)") }
    return try reader.take("the number of \(what)", in: 0...(count - 1))
  }

  private mutating func text(_ what: String) throws(ProgramBinaryError) -> String {
    strings[try index(what, below: strings.count)]
  }

  private mutating func size(_ what: String) throws(ProgramBinaryError) -> Int {
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
      let address = try size("a tensor's address")
      let bytes = try size("a tensor's size")
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
        segment: try index("a segment", below: segments), tensors: [],
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
    for _ in 0..<(try reader.takeCount("parameters")) {
      tensors.append(
        TensorParameter(
          name: try text("a parameter's name"), sizeBytes: try size("a parameter's size")))
    }
    var sites: [Site] = []
    for _ in 0..<(try reader.takeCount("sites")) {
      sites.append(
        Site(
          kernel: try text("a kernel"), layer: try text("a layer"), source: try text("a source")))
    }
    let buffers = hasDeclarations ? try buffers() : []
    var streams: [[Instruction]] = []
    for _ in Engine.allCases {
      var state = StreamState()
      var stream: [Instruction] = []
      for _ in 0..<(try reader.takeCount("instructions")) {
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
    for _ in 0..<(try reader.takeCount("buffers")) {
      let name = try text("a buffer's name")
      let word = try text("a memory")
      guard let space = MemorySpace.allCases.first(where: { $0.name == word }) else {
        throw .unknownWord(kind: "memory", word: word)
      }
      buffers.append(
        BufferDeclaration(
          name: name, space: space, partitions: try range("partitions", limit: 256),
          bytes: try range("bytes", limit: Int(Self.largestTensor)),
          life: try range("moments", limit: Int(Self.largestTensor))))
    }
    return buffers
  }

  private mutating func range(_ what: String, limit: Int) throws(ProgramBinaryError) -> Range<Int> {
    let first = try reader.take("the first of some \(what)", in: 0...limit)
    return first..<first + (try reader.take("the count of \(what)", in: 0...limit))
  }

  private mutating func instruction(_ state: inout StreamState, sites: Int)
    throws(ProgramBinaryError) -> Instruction
  {
    let place = reader.position
    let number = try index("an opcode", below: strings.count)
    guard let opcode = Opcode(name: strings[number]) else {
      throw .unknownWord(kind: "instruction", word: strings[number])
    }
    var instruction = Instruction(Operation.empty(opcode))
    try synchronisation(&instruction)
    state.site &+= try reader.takeSigned()
    guard state.site >= 0, state.site < Int64(sites) else {
      throw reader.damage("the number of a site is \(state.site)")
    }
    instruction.site = UInt32(state.site)
    let fields = try fields(after: state.fields[Int(opcode.rawValue)])
    var visitor = FieldReader(fields, strings: strings, place: place)
    try instruction.operation.operands(&visitor)
    try visitor.finish()
    guard instruction.operation.opcode == opcode else {
      throw .damaged(place: place, what: "the operands are not those of \(opcode.name)")
    }
    state.fields[Int(opcode.rawValue)] = fields
    return instruction
  }

  private mutating func synchronisation(_ instruction: inout Instruction)
    throws(ProgramBinaryError)
  {
    let kinds = try reader.take("the kind of a wait and an update", in: 0...15)
    guard let condition = SemaphoreWait.Condition(rawValue: UInt8(kinds & 3)),
      let operation = SemaphoreUpdate.Operation(rawValue: UInt8(kinds >> 2))
    else { throw reader.damage("a wait or an update is of no known kind") }
    if condition != .none {
      let semaphore = UInt8(try reader.take("a semaphore", in: 0...255))
      instruction.wait = SemaphoreWait(semaphore, condition, try value())
    }
    if operation != .none {
      let semaphore = UInt8(try reader.take("a semaphore", in: 0...255))
      instruction.update = SemaphoreUpdate(semaphore, operation, try value())
    }
  }

  private mutating func value() throws(ProgramBinaryError) -> UInt32 {
    UInt32(try reader.take("a semaphore's value", in: 0...Int(UInt32.max)))
  }

  private mutating func fields(after previous: [Int64]) throws(ProgramBinaryError) -> [Int64] {
    let count = try reader.take("the count of operands", in: 0...Self.maximumFields)
    let masks = Array(try reader.take((count + 7) / 8))
    var fields: [Int64] = []
    for index in 0..<count {
      var value = index < previous.count ? previous[index] : 0
      if masks[index / 8] >> UInt8(index % 8) & 1 == 1 { value &+= try reader.takeSigned() }
      fields.append(value)
    }
    return fields
  }
}
