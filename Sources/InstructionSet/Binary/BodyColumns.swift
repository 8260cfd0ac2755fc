/// The numbers of bodies of segments by what they mean: numbers that mean the same compress well
/// side by side. The raw value is a column's place in the file.
enum BodyColumn: Int, CaseIterable {
  /// Parameters, sites, buffers and the instructions of each stream, body after body.
  case counts
  case parameterNames, parameterSizes
  case siteKernels, siteLayers, siteSources
  case bufferNames, bufferSpaces
  case partitionStarts, partitionCounts, byteStarts, byteCounts, lifeStarts, lifeCounts
  case opcodes, kinds
  case waitSemaphores, waitValues, updateSemaphores, updateValues
  case sites, fieldCounts, masks
}

/// Numbers of one instruction: far more than any has.
let maximumFields = 512

/// What is written of bodies.
struct BodyColumns: Equatable {
  private var writers = [BinaryWriter](
    repeating: BinaryWriter(), count: BodyColumn.allCases.count)
  /// The differences of operands, each with its opcode and place among that opcode's operands.
  private var differences: [Int64] = []
  private var places: [UInt32] = []

  subscript(column: BodyColumn) -> BinaryWriter {
    get { writers[column.rawValue] }
    _modify { yield &writers[column.rawValue] }
  }

  /// The bytes of each column and the number of differences.
  var sizes: [Int] { writers.map(\.bytes.count) + [differences.count] }

  mutating func put(difference: Int64, opcode: UInt8, field: Int) {
    differences.append(difference)
    places.append(UInt32(OperandPlaces.place(opcode: opcode, field: field)))
  }

  mutating func append(_ other: BodyColumns) {
    for index in writers.indices { writers[index].put(other.writers[index].bytes) }
    differences += other.differences
    places += other.places
  }

  /// Each column with its size before it; last the differences, those of one operand together.
  var bytes: [UInt8] {
    var out = BinaryWriter()
    for writer in writers {
      out.put(writer.bytes.count)
      out.put(writer.bytes)
    }
    var numbers = OperandPlaces()
    var byOperand: [BinaryWriter] = []
    for (place, difference) in zip(places, differences) {
      let number = numbers.number(Int(place))
      if number == byOperand.count { byOperand.append(BinaryWriter()) }
      byOperand[number].putSigned(difference)
    }
    for writer in byOperand { out.put(writer.bytes) }
    return out.bytes
  }
}

/// Operands of all opcodes, numbered in the order in which they first change.
struct OperandPlaces {
  private var numbers = [Int32](repeating: -1, count: (Int(UInt8.max) + 1) * maximumFields)
  private(set) var count = 0

  static func place(opcode: UInt8, field: Int) -> Int { Int(opcode) * maximumFields + field }

  /// The number of a place; the next one when it is new.
  mutating func number(_ place: Int) -> Int {
    if numbers[place] < 0 {
      numbers[place] = Int32(count)
      count += 1
    }
    return Int(numbers[place])
  }
}

/// The columns as they are read. Before version 3 all numbers of a body stood in one row.
struct BodyColumnReaders {
  private var readers: [BinaryReader]
  private var numbers = OperandPlaces()
  private var byOperand: [BinaryReader] = []

  /// Numbers in one row.
  init(row: BinaryReader) { readers = [row] }

  /// The columns of all bodies, taken from `reader`; the differences are all that is left of them.
  init(_ reader: inout BinaryReader) throws(ProgramBinaryError) {
    readers = []
    for _ in BodyColumn.allCases {
      let size = try reader.takeCount("a column's bytes")
      readers.append(BinaryReader(try reader.take(size)))
    }
  }

  private var isRow: Bool { readers.count == 1 }

  subscript(column: BodyColumn) -> BinaryReader {
    get { readers[isRow ? 0 : column.rawValue] }
    _modify { yield &readers[isRow ? 0 : column.rawValue] }
  }

  /// How many items follow that each have a byte or more in a column.
  mutating func count(_ what: String, in column: BodyColumn) throws(ProgramBinaryError) -> Int {
    let limit = self[column].remaining
    return try self[.counts].take("the count of \(what)", in: 0...max(0, limit))
  }

  /// The difference of an operand.
  mutating func difference(opcode: UInt8, field: Int) throws(ProgramBinaryError) -> Int64 {
    if isRow { return try readers[0].takeSigned() }
    let number = numbers.number(OperandPlaces.place(opcode: opcode, field: field))
    guard number < byOperand.count else { throw self[.masks].damage("an operand is missing") }
    return try byOperand[number].takeSigned()
  }

  /// Finds where the differences of each operand begin. `opcodes` are those of the strings' table.
  mutating func findDifferences(
    _ reader: inout BinaryReader, opcodes: [Int: UInt8]
  ) throws(ProgramBinaryError) {
    var (names, sizes, masks) = (self[.opcodes], self[.fieldCounts], self[.masks])
    var places = OperandPlaces()
    var counts: [Int] = []
    while names.remaining > 0 {
      let opcode = opcodes[Int(truncatingIfNeeded: try names.takeNumber())]
      let size = try sizes.take("the count of operands", in: 0...maximumFields)
      let bits = try masks.take((size + 7) / 8)
      // An unknown opcode is named by whoever reads the instruction.
      guard let opcode else { continue }
      for (index, byte) in bits.enumerated() {
        for bit in 0..<8 where byte >> UInt8(bit) & 1 == 1 {
          guard 8 * index + bit < size else { throw masks.damage("a mask is too long") }
          let number = places.number(OperandPlaces.place(opcode: opcode, field: 8 * index + bit))
          if number == counts.count { counts.append(0) }
          counts[number] += 1
        }
      }
    }
    for count in counts {
      byOperand.append(reader)
      for _ in 0..<count { _ = try reader.takeNumber() }
    }
  }

  /// Throws unless all columns were read to their ends.
  func finish() throws(ProgramBinaryError) {
    for reader in readers where reader.remaining > 0 { throw reader.damage("a body is too long") }
  }
}
