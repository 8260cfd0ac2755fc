import CoreState
import NumericFormats

/// Words by number, each once, in the order of their first use.
///
/// The words that nearly every operand has are looked up by their raw value.
struct WordTable {
  private(set) var strings: [String] = []
  private var numbers: [String: Int] = [:]
  private var opcodes = Known()
  private var spaces = Known()
  private var formats = Known()

  mutating func number(of text: String) -> Int {
    if let known = numbers[text] { return known }
    numbers[text] = strings.count
    strings.append(text)
    return strings.count - 1
  }

  mutating func number(of opcode: Opcode) -> Int {
    if let known = opcodes[opcode.rawValue] { return known }
    let number = number(of: opcode.name)
    opcodes[opcode.rawValue] = number
    return number
  }

  mutating func number(of space: MemorySpace) -> Int {
    if let known = spaces[space.rawValue] { return known }
    let number = number(of: space.name)
    spaces[space.rawValue] = number
    return number
  }

  mutating func number(of format: NumberFormat) -> Int {
    if let known = formats[format.rawValue] { return known }
    let number = number(of: format.name)
    formats[format.rawValue] = number
    return number
  }

  /// Numbers by raw value.
  private struct Known {
    private var numbers = [Int](repeating: -1, count: Int(UInt8.max) + 1)

    subscript(value: UInt8) -> Int? {
      get { numbers[Int(value)] < 0 ? nil : numbers[Int(value)] }
      set { numbers[Int(value)] = newValue ?? -1 }
    }
  }
}
