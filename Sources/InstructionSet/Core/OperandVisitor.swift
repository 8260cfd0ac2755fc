public import CoreState

/// A closed set of words that an operand can be.
public protocol OperandChoice: CaseIterable, Hashable, Sendable {
  /// The word in assembly text.
  var text: String { get }
  /// True when text leaves the word out where it is what the instruction begins with.
  static var canBeOmitted: Bool { get }
}

extension OperandChoice {
  /// Most choices are always written.
  public static var canBeOmitted: Bool { false }
}

/// Someone who walks over the operands of an instruction: the printer, the parser, the rule
/// checker, the hazard detector. Each instruction lists its operands once, in text order.
public protocol OperandVisitor {
  associatedtype Failure: Error
  /// An operand that the instruction writes.
  mutating func write(_ name: String, _ value: inout AccessPattern) throws(Failure)
  /// An operand that the instruction reads.
  mutating func read(_ name: String, _ value: inout AccessPattern) throws(Failure)
  /// A value per partition: a constant or a column in memory that is read.
  mutating func scalar(_ name: String, _ value: inout ScalarOperand) throws(Failure)
  /// The source or target of a transfer.
  mutating func transfer(_ name: String, _ value: inout DataLocation, isWrite: Bool)
    throws(Failure)
  /// An fp32 immediate.
  mutating func immediate(_ name: String, _ value: inout Float) throws(Failure)
  /// A whole number.
  mutating func integer(_ name: String, _ value: inout Int32) throws(Failure)
  /// Four whole numbers, one per free dimension.
  mutating func steps(_ name: String, _ value: inout SIMD4<Int32>) throws(Failure)
  /// Where the rows of a quadrant come from.
  mutating func mask(_ name: String, _ value: inout ShuffleMask) throws(Failure)
  /// A register of the engine's sequencer.
  mutating func register(_ name: String, _ value: inout UInt8) throws(Failure)
  /// A register of the engine's sequencer, or a number.
  mutating func registerOrInteger(_ name: String, _ value: inout RegisterOperand) throws(Failure)
  /// A flag that is either named or not.
  mutating func flag(_ name: String, _ value: inout Bool) throws(Failure)
  /// One of a closed set of words.
  mutating func choice<Choice: OperandChoice>(_ name: String, _ value: inout Choice)
    throws(Failure)
}

/// A visitor that only looks at operands in memory leaves the others alone.
extension OperandVisitor {
  /// A number is no concern of this visitor.
  public mutating func immediate(_ name: String, _ value: inout Float) throws(Failure) {}
  /// A whole number is no concern of this visitor.
  public mutating func integer(_ name: String, _ value: inout Int32) throws(Failure) {}
  /// Steps are no concern of this visitor.
  public mutating func steps(_ name: String, _ value: inout SIMD4<Int32>) throws(Failure) {}
  /// A mask is no concern of this visitor.
  public mutating func mask(_ name: String, _ value: inout ShuffleMask) throws(Failure) {}
  /// A register is no concern of this visitor.
  public mutating func register(_ name: String, _ value: inout UInt8) throws(Failure) {}
  /// A register or number is no concern of this visitor.
  public mutating func registerOrInteger(_ name: String, _ value: inout RegisterOperand)
    throws(Failure)
  {}
  /// A flag is no concern of this visitor.
  public mutating func flag(_ name: String, _ value: inout Bool) throws(Failure) {}
  /// A choice is no concern of this visitor.
  public mutating func choice<Choice: OperandChoice>(_ name: String, _ value: inout Choice)
    throws(Failure)
  {}
}
