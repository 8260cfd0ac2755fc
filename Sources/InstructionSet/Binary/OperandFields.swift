import CoreState
import NumericFormats

extension AccessPattern {
  /// Added to the number of dimensions of a view through offsets, whose place follows its numbers.
  fileprivate static let indirectMark: UInt8 = 0x80
}

/// Collects an instruction's operands as numbers, in text order.
struct FieldWriter: OperandVisitor {
  var fields: [Int64] = []
  /// The numbers of the words.
  var words = WordTable()
  /// Whether an operand was a view through offsets.
  private(set) var hasIndirectViews = false

  private mutating func add(_ value: some BinaryInteger) {
    fields.append(Int64(truncatingIfNeeded: value))
  }

  private mutating func add(_ access: AccessPattern) {
    add(words.number(of: access.space))
    add(words.number(of: access.format))
    add(access.startPartition)
    add(access.partitionCount)
    add(access.byteOffset)
    add(access.dimensionCount | (access.isIndirect ? AccessPattern.indirectMark : 0))
    for index in 0..<4 {
      add(access.sizes[index])
      add(access.strides[index])
    }
    add(access.register)
    guard access.isIndirect else { return }
    hasIndirectViews = true
    add(access.viewColumns)
    add(access.indexByte)
    add(access.indexPartition)
  }

  private mutating func add(_ access: TensorAccess) {
    add(access.tensor)
    add(words.number(of: access.format))
    add(access.byteOffset)
    add(access.dimensionCount)
    for index in 0..<4 {
      add(access.sizes[index])
      add(access.strides[index])
    }
    add(access.register)
  }

  mutating func write(_ name: String, _ value: inout AccessPattern) throws(Never) { add(value) }
  mutating func read(_ name: String, _ value: inout AccessPattern) throws(Never) { add(value) }
  mutating func scalar(_ name: String, _ value: inout ScalarOperand) throws(Never) {
    switch value {
    case .immediate(let number):
      add(0)
      add(number.bitPattern)
    case .pointer(let access):
      add(1)
      add(access)
    }
  }
  mutating func transfer(_ name: String, _ value: inout DataLocation, isWrite: Bool)
    throws(Never)
  {
    switch value {
    case .onChip(let access):
      add(0)
      add(access)
    case .hbm(let access):
      add(1)
      add(access)
    }
  }
  mutating func immediate(_ name: String, _ value: inout Float) throws(Never) {
    add(value.bitPattern)
  }
  mutating func integer(_ name: String, _ value: inout Int32) throws(Never) { add(value) }
  mutating func steps(_ name: String, _ value: inout SIMD4<Int32>) throws(Never) {
    for index in 0..<4 { add(value[index]) }
  }
  mutating func mask(_ name: String, _ value: inout ShuffleMask) throws(Never) {
    for index in 0..<ShuffleMask.count { add(value[index]) }
  }
  mutating func register(_ name: String, _ value: inout UInt8) throws(Never) { add(value) }
  mutating func registerOrInteger(_ name: String, _ value: inout RegisterOperand) throws(Never) {
    switch value {
    case .immediate(let number):
      add(0)
      add(number)
    case .register(let index):
      add(1)
      add(index)
    }
  }
  mutating func flag(_ name: String, _ value: inout Bool) throws(Never) { add(value ? 1 : 0) }
  mutating func choice<Choice: OperandChoice>(_ name: String, _ value: inout Choice)
    throws(Never)
  {
    add(words.number(of: value.text))
  }
}

/// Fills operands from the numbers that `FieldWriter` collected.
struct FieldReader: OperandVisitor {
  private let fields: [Int64]
  private let strings: [String]
  private let place: Int
  private var next = 0

  init(_ fields: [Int64], strings: [String], place: Int) {
    self.fields = fields
    self.strings = strings
    self.place = place
  }

  /// Every number must have been an operand's.
  func finish() throws(ProgramBinaryError) {
    guard next == fields.count else { throw damage("an instruction has more operands") }
  }

  private func damage(_ what: String) -> ProgramBinaryError { .damaged(place: place, what: what) }

  private mutating func take<Value: BinaryInteger>(_ name: String) throws(ProgramBinaryError)
    -> Value
  {
    guard next < fields.count else { throw damage("an instruction has fewer operands") }
    defer { next += 1 }
    guard let value = Value(exactly: fields[next]) else {
      throw damage("operand \(name) is \(fields[next])")
    }
    return value
  }

  private mutating func word(_ name: String) throws(ProgramBinaryError) -> String {
    let index: Int = try take(name)
    guard strings.indices.contains(index) else { throw damage("operand \(name) has no word") }
    return strings[index]
  }

  private mutating func tag(_ name: String) throws(ProgramBinaryError) -> Bool {
    let tag: UInt8 = try take(name)
    guard tag < 2 else { throw damage("operand \(name) is of kind \(tag)") }
    return tag == 1
  }

  private mutating func format(_ name: String) throws(ProgramBinaryError) -> NumberFormat {
    let word = try word(name)
    guard let format = NumberFormat(name: word) else {
      throw .unknownWord(kind: "number format", word: word)
    }
    return format
  }

  private mutating func access(_ name: String) throws(ProgramBinaryError) -> AccessPattern {
    let space = try word(name)
    guard let space = MemorySpace.allCases.first(where: { $0.name == space }) else {
      throw .unknownWord(kind: "memory", word: space)
    }
    var access = AccessPattern()
    access.space = space
    access.format = try format(name)
    access.startPartition = try take(name)
    access.partitionCount = try take(name)
    access.byteOffset = try take(name)
    let count: UInt8 = try take(name)
    let isIndirect = count & AccessPattern.indirectMark != 0
    access.dimensionCount = try checked(count & ~AccessPattern.indirectMark, name)
    for index in 0..<4 {
      access.sizes[index] = try take(name)
      access.strides[index] = try take(name)
    }
    access.register = try take(name)
    if isIndirect { try takeIndex(name, &access) }
    return access
  }

  private mutating func takeIndex(_ name: String, _ access: inout AccessPattern)
    throws(ProgramBinaryError)
  {
    access.viewColumns = try take(name)
    let byte: UInt32 = try take(name)
    let partition: UInt8 = try take(name)
    guard access.isIndirect, byte <= AccessPattern.lastIndexByte else {
      throw damage("operand \(name) has offsets at byte \(byte)")
    }
    access.setIndex(byte: Int(byte), partition: Int(partition))
  }

  private func checked(_ count: UInt8, _ name: String) throws(ProgramBinaryError) -> UInt8 {
    guard (1...4).contains(count) else { throw damage("operand \(name) has \(count) dimensions") }
    return count
  }

  private mutating func tensor(_ name: String) throws(ProgramBinaryError) -> TensorAccess {
    var access = TensorAccess(
      tensor: 0, .float32, byteOffset: 0, rows: 1, columns: 1, rowStride: 1)
    access.tensor = try take(name)
    access.format = try format(name)
    access.byteOffset = try take(name)
    access.dimensionCount = try checked(take(name), name)
    for index in 0..<4 {
      access.sizes[index] = try take(name)
      access.strides[index] = try take(name)
    }
    access.register = try take(name)
    return access
  }

  mutating func write(_ name: String, _ value: inout AccessPattern) throws(ProgramBinaryError) {
    value = try access(name)
  }
  mutating func read(_ name: String, _ value: inout AccessPattern) throws(ProgramBinaryError) {
    value = try access(name)
  }
  mutating func scalar(_ name: String, _ value: inout ScalarOperand) throws(ProgramBinaryError) {
    if try tag(name) {
      value = .pointer(try access(name))
    } else {
      value = .immediate(Float(bitPattern: try take(name)))
    }
  }
  mutating func transfer(_ name: String, _ value: inout DataLocation, isWrite: Bool)
    throws(ProgramBinaryError)
  {
    value = try tag(name) ? .hbm(try tensor(name)) : .onChip(try access(name))
  }
  mutating func immediate(_ name: String, _ value: inout Float) throws(ProgramBinaryError) {
    value = Float(bitPattern: try take(name))
  }
  mutating func integer(_ name: String, _ value: inout Int32) throws(ProgramBinaryError) {
    value = try take(name)
  }
  mutating func steps(_ name: String, _ value: inout SIMD4<Int32>) throws(ProgramBinaryError) {
    for index in 0..<4 { value[index] = try take(name) }
  }
  mutating func mask(_ name: String, _ value: inout ShuffleMask) throws(ProgramBinaryError) {
    for index in 0..<ShuffleMask.count { value[index] = try take(name) }
  }
  mutating func register(_ name: String, _ value: inout UInt8) throws(ProgramBinaryError) {
    value = try take(name)
  }
  mutating func registerOrInteger(_ name: String, _ value: inout RegisterOperand)
    throws(ProgramBinaryError)
  {
    value = try tag(name) ? .register(try take(name)) : .immediate(try take(name))
  }
  mutating func flag(_ name: String, _ value: inout Bool) throws(ProgramBinaryError) {
    value = try tag(name)
  }
  mutating func choice<Choice: OperandChoice>(_ name: String, _ value: inout Choice)
    throws(ProgramBinaryError)
  {
    let word = try word(name)
    guard let found = Choice.allCases.first(where: { $0.text == word }) else {
      throw .unknownWord(kind: "choice for \(name)", word: word)
    }
    value = found
  }
}
