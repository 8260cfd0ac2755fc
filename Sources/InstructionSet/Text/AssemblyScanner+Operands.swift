import CoreState
import Hardware
import NumericFormats

/// The grammar of single operands.
extension AssemblyScanner {
  /// What a 32-bit number can be.
  static let word32 = Int(Int32.min)...Int(Int32.max)

  /// True before a pattern in SBUF or PSUM.
  var startsPattern: Bool {
    var copy = self
    guard let name = try? copy.name("a memory") else { return false }
    return copy.peek == UInt8(ascii: ":") && MemorySpace.allCases.contains { $0.name == name }
  }

  /// `space:format[start:end]@byte{size:stride,…}`, with `+rN` when a register adds to the address
  /// and `~N@byte[partition]` when offsets in SBUF choose among N elements.
  mutating func accessPattern() throws(AssemblyError) -> AccessPattern {
    let space = try memorySpace()
    try expect(":", "after the memory")
    let format = try numberFormat()
    try expect("[", "before the partitions")
    let start = try integer("the first partition", in: 0...255)
    try expect(":", "between the partitions")
    let stop = try integer("the end of the partitions", in: start...(start + 255))
    try expect("]", "after the partitions")
    try expect("@", "before the byte")
    let byte = try integer("the byte", in: 0...Int(UInt32.max))
    let dimensions = try dimensions(sizes: 0...65_535, strides: -32_768...32_767)
    var sizes = SIMD4<UInt16>(repeating: 1)
    var strides = SIMD4<Int16>(repeating: 0)
    for (index, dimension) in dimensions.enumerated() {
      sizes[index] = UInt16(dimension.size)
      strides[index] = Int16(dimension.stride)
    }
    var access = AccessPattern(
      space: space, format: format, startPartition: UInt8(start),
      partitionCount: UInt8(stop - start), byteOffset: UInt32(byte),
      dimensionCount: UInt8(dimensions.count), sizes: sizes, strides: strides,
      register: try addressRegister())
    if accept("~") {
      access.viewColumns = UInt16(try integer("the view's elements", in: 1...65_535))
      try expect("@", "before the byte of the offsets")
      let byte = try integer("the byte of the offsets", in: 0...AccessPattern.lastIndexByte)
      try expect("[", "before the first partition of the offsets")
      let partition = try integer("the first partition of the offsets", in: 0...255)
      try expect("]", "after the first partition of the offsets")
      access.setIndex(byte: byte, partition: partition)
    }
    return access
  }

  /// A pattern on chip, or `hbm:tensor:format@byte{size:stride,…}`.
  mutating func location(_ tensors: [String: Int]) throws(AssemblyError) -> DataLocation {
    var ahead = self
    guard (try? ahead.name("a memory")) == "hbm" else { return .onChip(try accessPattern()) }
    self = ahead
    try expect(":", "after hbm")
    let tensor = try tensorIndex(tensors)
    try expect(":", "after the tensor")
    let format = try numberFormat()
    try expect("@", "before the byte")
    let byte = try integer("the byte", in: Int.min...Int.max)
    let dimensions = try dimensions(sizes: 0...Int(UInt32.max), strides: Self.word32)
    var sizes = SIMD4<UInt32>(repeating: 1)
    var strides = SIMD4<Int32>(repeating: 0)
    for (index, dimension) in dimensions.enumerated() {
      sizes[index] = UInt32(dimension.size)
      strides[index] = Int32(dimension.stride)
    }
    return .hbm(
      TensorAccess(
        tensor: UInt16(tensor), format: format, byteOffset: Int64(byte),
        dimensionCount: UInt8(dimensions.count), sizes: sizes, strides: strides,
        register: try addressRegister()))
  }

  private mutating func tensorIndex(_ tensors: [String: Int]) throws(AssemblyError) -> Int {
    if accept("%") { return try integer("the tensor's index", in: 0...65_535) }
    let start = position
    let name = try name("a tensor's name")
    if let index = tensors[name] { return index }
    let known = tensors.keys.sorted()
    throw line.unknown(
      start, "tensor of the segment", name, nearest: nearestName(to: name, among: known),
      known: known)
  }

  /// A memory on chip by name.
  mutating func memorySpace() throws(AssemblyError) -> MemorySpace {
    let start = position
    let text = try name("a memory")
    if let space = MemorySpace.allCases.first(where: { $0.name == text }) { return space }
    guard text != "hbm" else {
      throw line.error(start, "expected sbuf or psum: this cannot lie in hbm")
    }
    let known = MemorySpace.allCases.map(\.name) + ["hbm"]
    throw line.unknown(
      start, "memory", text, nearest: nearestName(to: text, among: known), known: known)
  }

  /// A number format by name.
  mutating func numberFormat() throws(AssemblyError) -> NumberFormat {
    let start = position
    let text = try name("a number format")
    if let format = NumberFormat(name: text) { return format }
    let known = NumberFormat.allCases.map(\.name)
    throw line.unknown(
      start, "number format", text, nearest: nearestName(to: text, among: known), known: known)
  }

  private mutating func dimensions(sizes: ClosedRange<Int>, strides: ClosedRange<Int>)
    throws(AssemblyError) -> [(size: Int, stride: Int)]
  {
    try expect("{", "before the dimensions")
    var dimensions: [(Int, Int)] = []
    repeat {
      guard dimensions.count < AccessPattern.maximumDimensions else {
        throw fail("at most \(AccessPattern.maximumDimensions) dimensions are allowed")
      }
      let size = try integer("the size", in: sizes)
      try expect(":", "between size and stride")
      dimensions.append((size, try integer("the stride", in: strides)))
    } while accept(",")
    try expect("}", "after the dimensions")
    return dimensions
  }

  private mutating func addressRegister() throws(AssemblyError) -> UInt8 {
    accept("+") ? try register() : AccessPattern.noRegister
  }

  /// `rN`.
  mutating func register() throws(AssemblyError) -> UInt8 {
    try expect("r", "before the register's number")
    return UInt8(try integer("the register", in: 0...254))
  }

  /// `{a,b,c,d}`; missing ones are zero.
  mutating func steps() throws(AssemblyError) -> SIMD4<Int32> {
    try expect("{", "before the steps")
    var steps = SIMD4<Int32>(repeating: 0)
    var count = 0
    repeat {
      guard count < 4 else { throw fail("at most 4 steps are allowed") }
      steps[count] = Int32(try integer("the step", in: Self.word32))
      count += 1
    } while accept(",")
    try expect("}", "after the steps")
    return steps
  }

  /// `{a,b,…}`: a number for each partition of a quadrant.
  mutating func mask() throws(AssemblyError) -> ShuffleMask {
    try expect("{", "before the mask")
    var numbers: [UInt8] = []
    repeat {
      guard numbers.count < ShuffleMask.count else {
        throw fail("at most \(ShuffleMask.count) numbers are allowed")
      }
      numbers.append(UInt8(try integer("the partition", in: 0...255)))
    } while accept(",")
    guard numbers.count == ShuffleMask.count else {
      throw fail("a mask has \(ShuffleMask.count) numbers")
    }
    try expect("}", "after the mask")
    return ShuffleMask(numbers)
  }

  /// A floating-point number, to the end of the word.
  mutating func number(_ what: String) throws(AssemblyError) -> Float {
    let start = position
    guard let value = Float(rest()) else {
      throw line.error(start, "expected \(what), a number such as 1.5, -2e-3 or inf")
    }
    return value
  }
}
