import CoreState
import NumericFormats

/// Writes operands as words, in the order of the instruction's own list.
struct OperandPrinter: OperandVisitor {
  /// A word, and whether it may be left out when it is what the instruction begins with.
  struct Field {
    var text: String
    var canBeOmitted: Bool
  }

  /// Names of the segment's tensors.
  let tensors: [TensorParameter]
  private(set) var fields: [Field] = []

  init(tensors: [TensorParameter]) { self.tensors = tensors }

  private mutating func add(_ name: String, _ value: String, canBeOmitted: Bool = false) {
    fields.append(Field(text: "\(name)=\(value)", canBeOmitted: canBeOmitted))
  }

  mutating func write(_ name: String, _ value: inout AccessPattern) throws(Never) {
    add(name, Self.text(value))
  }
  mutating func read(_ name: String, _ value: inout AccessPattern) throws(Never) {
    add(name, Self.text(value))
  }
  mutating func scalar(_ name: String, _ value: inout ScalarOperand) throws(Never) {
    switch value {
    case .immediate(let number): add(name, Self.text(number), canBeOmitted: true)
    case .pointer(let access): add(name, Self.text(access))
    }
  }
  mutating func transfer(_ name: String, _ value: inout DataLocation, isWrite: Bool)
    throws(Never)
  {
    switch value {
    case .onChip(let access): add(name, Self.text(access))
    case .hbm(let access): add(name, text(access))
    }
  }
  mutating func immediate(_ name: String, _ value: inout Float) throws(Never) {
    add(name, Self.text(value), canBeOmitted: true)
  }
  mutating func integer(_ name: String, _ value: inout Int32) throws(Never) {
    add(name, "\(value)", canBeOmitted: true)
  }
  mutating func steps(_ name: String, _ value: inout SIMD4<Int32>) throws(Never) {
    var count = 4
    while count > 1, value[count - 1] == 0 { count -= 1 }
    let numbers = (0..<count).map { "\(value[$0])" }.joined(separator: ",")
    add(name, "{\(numbers)}", canBeOmitted: true)
  }
  mutating func mask(_ name: String, _ value: inout ShuffleMask) throws(Never) {
    let numbers = (0..<ShuffleMask.count).map { "\(value[$0])" }.joined(separator: ",")
    add(name, "{\(numbers)}", canBeOmitted: true)
  }
  mutating func register(_ name: String, _ value: inout UInt8) throws(Never) {
    add(name, "r\(value)")
  }
  mutating func registerOrInteger(_ name: String, _ value: inout RegisterOperand) throws(Never) {
    switch value {
    case .immediate(let number): add(name, "\(number)")
    case .register(let index): add(name, "r\(index)")
    }
  }
  mutating func flag(_ name: String, _ value: inout Bool) throws(Never) {
    fields.append(Field(text: value ? name : "", canBeOmitted: true))
  }
  mutating func choice<Choice: OperandChoice>(_ name: String, _ value: inout Choice)
    throws(Never)
  {
    add(name, value.text, canBeOmitted: Choice.canBeOmitted)
  }

  /// `sbuf:bf16[0:128]@1024{4:512,512:1}+r5`, and `…{64:1}~512@8192[0]` for 64 elements of 512 at
  /// the offsets at byte 8192 from partition 0 on.
  static func text(_ access: AccessPattern) -> String {
    let partitions = access.partitions
    let dimensions = (0..<min(4, Int(access.dimensionCount))).map {
      "\(access.sizes[$0]):\(access.strides[$0])"
    }
    return "\(access.space.name):\(access.format.name)"
      + "[\(partitions.lowerBound):\(partitions.upperBound)]@\(access.byteOffset)"
      + "{\(dimensions.joined(separator: ","))}" + register(access.register)
      + (access.isIndirect
        ? "~\(access.viewColumns)@\(access.indexByte)[\(access.indexPartition)]" : "")
  }

  /// `hbm:weights:bf16@0{128:512,512:1}+r5`.
  private func text(_ access: TensorAccess) -> String {
    let index = Int(access.tensor)
    let name = index < tensors.count ? AssemblyName.written(tensors[index].name) : "%\(index)"
    let dimensions = (0..<min(4, Int(access.dimensionCount))).map {
      "\(access.sizes[$0]):\(access.strides[$0])"
    }
    return "hbm:\(name):\(access.format.name)@\(access.byteOffset)"
      + "{\(dimensions.joined(separator: ","))}" + Self.register(access.register)
  }

  private static func register(_ register: UInt8) -> String {
    register == AccessPattern.noRegister ? "" : "+r\(register)"
  }

  /// The shortest text that reads back as the same number.
  static func text(_ value: Float) -> String {
    let text = value.description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
