import CoreState
import Hardware
import InstructionSet
import NumericFormats

/// Makes rows of random shape: two free dimensions, strides of either sign, any legal partitions,
/// and no two rows of one instruction in the same bytes.
struct RandomRows {
  var generator: Generator
  private var slot = 0
  /// Partitions of every row.
  let partitions: Int
  /// Elements per partition of every row.
  let columns: Int

  init(seed: UInt64, partitions: Int? = nil, columns: Int? = nil) {
    generator = Generator(seed: seed)
    self.partitions = partitions ?? [1, 3, 32, 40, 64, 128].randomElement(using: &generator)!
    self.columns = columns ?? [1, 7, 12, 16, 30, 64, 96].randomElement(using: &generator)!
  }

  /// A row of a format; `columns` other than that of every row makes a column or a short row.
  mutating func row(
    _ format: NumberFormat, in space: MemorySpace = .sbuf, columns: Int? = nil,
    broadcasts: Bool = false, isDense: Bool = false
  ) -> AccessPattern {
    let count = columns ?? self.columns
    let divisors = (1...count).filter { count % $0 == 0 }
    let outer = isDense ? 1 : divisors.randomElement(using: &generator)!
    let inner = count / outer
    var step = isDense ? 1 : [1, 1, 2, 3, -1, -2].randomElement(using: &generator)!
    if broadcasts, Int.random(in: 0..<4, using: &generator) == 0 { step = 0 }
    let gap = isDense ? 0 : Int.random(in: 0...2, using: &generator)
    let sign = isDense || Bool.random(using: &generator) ? 1 : -1
    let outerStep = sign * (inner * max(1, abs(step)) + gap)
    let lowest = min(0, (inner - 1) * step) + min(0, (outer - 1) * outerStep)
    slot += 1
    let base = (space == .sbuf ? 8192 : 4096) * (slot - 1)
    let quadrant = partitions > 64 ? 128 : partitions > 32 ? 64 : 32
    let start = Int.random(in: 0..<(128 / quadrant), using: &generator) * quadrant
    return pattern(
      space, format, partitions: start..<(start + partitions),
      byte: base - lowest * format.sizeBytes, [(outer, outerStep), (inner, step)])
  }

  /// Values for a row: numbers, and now and then an edge of fp32 or of a narrow format.
  mutating func values(_ row: AccessPattern, edges: Bool = true) -> [Float] {
    let special: [Float] = [
      0, -0.0, 1, -1, .infinity, -.infinity, Float(bitPattern: 0x0001_1642), 3e38, -3e38, 240, 448,
      65_504, 1e-8, 0.5,
    ]
    return (0..<(row.columns * Int(row.partitionCount))).map { _ in
      if edges, Int.random(in: 0..<8, using: &generator) == 0 {
        return special.randomElement(using: &generator)!
      }
      if row.format.isInteger { return Float(Int.random(in: -3...130, using: &generator)) }
      return Float.random(in: -8...8, using: &generator)
    }
  }

  /// Puts random values into a row and returns what was stored, row by row.
  mutating func fill(
    _ row: AccessPattern, _ core: inout CoreState, edges: Bool = true
  ) -> [[Float]] {
    core.setElements(row, to: values(row, edges: edges))
    return Self.split(core.elements(row), row)
  }

  /// Elements partition by partition.
  static func split<Element>(_ elements: [Element], _ row: AccessPattern) -> [[Element]] {
    (0..<Int(row.partitionCount)).map {
      Array(elements[($0 * row.columns)..<(($0 + 1) * row.columns)])
    }
  }
}

/// The arithmetic of the engines in fp64, rounded once: what their fp32 gives for one operation.
func exactly(_ operation: ALUOperation, _ a: Float, _ b: Float) -> Float {
  let (x, y) = (Double(a), Double(b))
  switch operation {
  case .bypass: return a
  case .add: return Float(x + y)
  case .subtract: return Float(x - y)
  case .multiply: return Float(x * y)
  case .divide: return Float(x / y)
  case .max: return x.isNaN || x > y ? a : b
  case .min: return x.isNaN || x < y ? a : b
  case .isEqual: return x == y ? 1 : 0
  case .lessThan: return x < y ? 1 : 0
  case .lessEqual: return x <= y ? 1 : 0
  case .greaterThan: return x > y ? 1 : 0
  case .greaterEqual: return x >= y ? 1 : 0
  default: return .nan
  }
}
