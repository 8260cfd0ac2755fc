import CoreState
import Hardware
import InstructionSet
import NumericFormats
import WorkloadCatalog

// Programs of the tensor engine: weights, then rows.
extension CalibrationProgram {
  /// Enough products to fill several windows of the activity limiter.
  private static let longStream = 240

  /// Fills the streams; false for words that mean nothing.
  mutating func products(
    _ words: [String], _ size: Int, _ quantity: CalibrationQuantity
  ) -> Bool {
    guard words.count >= 3,
      let format = NumberFormat.allCases.first(where: { $0.name == words[2] })
    else { return false }
    engine = .tensor
    opcode = words[1] == "weights" ? .loadWeights : .matmul
    let isTranspose = words[1] == "transpose" || words.dropFirst(3).contains("transpose")
    if quantity == .behind {
      product(format, 512, isTranspose: false, loads: true)
      product(format, size, isTranspose: false, loads: false)
      return true
    }
    let count: Int
    switch quantity {
    case .first: count = 1
    case .halfInterval: count = 4
    default: count = Self.longStream
    }
    for index in 0..<count {
      let loads = words[1] != "stream" || index == 0
      product(format, size, isTranspose: isTranspose, loads: loads)
    }
    return true
  }

  private mutating func product(
    _ format: NumberFormat, _ columns: Int, isTranspose: Bool, loads: Bool
  ) {
    let weights = AccessPattern(.sbuf, format, byteOffset: Place.source, columns: 128)
    let moving = AccessPattern(.sbuf, format, byteOffset: Place.second, columns: columns)
    let target = AccessPattern(
      .psum, isTranspose ? format : .float32, byteOffset: 0, columns: columns)
    // A transpose needs one pass in every format, an FP32 product two.
    let parts: [WeightPart] = format == .float32 && !isTranspose ? [.low, .high] : [.whole]
    for (pass, part) in parts.enumerated() {
      if loads {
        add(.tensor, .loadWeights(LoadWeights(weights, part: part, isTranspose: isTranspose)))
      }
      add(
        .tensor,
        .matmul(
          Matmul(
            target, moving, columns: 128, accumulate: pass > 0, isTranspose: isTranspose)))
    }
  }
}
