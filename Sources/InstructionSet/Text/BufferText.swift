import CoreState

/// `.buffer NAME MEMORY[FIRST:END]@BYTE SIZE life=FIRST:END`: a declaration of a buffer as text.
enum BufferText {
  /// The largest byte and moment that text can name.
  private static let largest = 1 << 48

  static func written(_ buffer: BufferDeclaration) -> String {
    let place =
      "\(buffer.space.name)[\(buffer.partitions.lowerBound):\(buffer.partitions.upperBound)]"
      + "@\(buffer.bytes.lowerBound)"
    let text = ".buffer \(AssemblyName.written(buffer.name)) \(place) \(buffer.bytes.count)"
    guard buffer.life != BufferDeclaration.always else { return text }
    return text + " life=\(buffer.life.lowerBound):\(buffer.life.upperBound)"
  }

  /// What follows the word `.buffer`.
  static func read(_ scanner: inout AssemblyScanner) throws(AssemblyError) -> BufferDeclaration {
    scanner.skipSpace()
    let name = try scanner.name("the buffer's name")
    scanner.skipSpace()
    let space = try scanner.memorySpace()
    try scanner.expect("[", "before the partitions")
    let partitions = try range(&scanner, "partition", limit: 256)
    try scanner.expect("]", "after the partitions")
    try scanner.expect("@", "before the byte")
    let byte = try scanner.integer("the byte", in: 0...largest)
    scanner.skipSpace()
    let size = try scanner.integer("the size in bytes of a partition", in: 0...largest)
    scanner.skipSpace()
    var life = BufferDeclaration.always
    if scanner.peek == UInt8(ascii: "l") {
      for mark in "life=" { try scanner.expect(mark, "of 'life='") }
      life = try range(&scanner, "moment", limit: largest)
    }
    return BufferDeclaration(
      name: name, space: space, partitions: partitions, bytes: byte..<byte + size, life: life)
  }

  private static func range(_ scanner: inout AssemblyScanner, _ what: String, limit: Int)
    throws(AssemblyError) -> Range<Int>
  {
    let first = try scanner.integer("the first \(what)", in: 0...limit)
    try scanner.expect(":", "between the first \(what) and the one past the last")
    return first..<(try scanner.integer("the end of the \(what)s", in: first...limit))
  }
}
