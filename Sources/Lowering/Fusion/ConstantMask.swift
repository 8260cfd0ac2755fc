import ModelGraph

/// What a mask that is known says of all queries.
enum ConstantMask {
  /// Every query sees all keys.
  case open
  /// Every query sees the keys up to its own place, the last query all of them.
  case causal
  /// Something else, or not known.
  case other

  /// Scores that far below the others leave no probability that a number of 4 bytes could hold.
  private static let hidden = -1e9

  /// The meaning of a mask that is added to scores, or that holds truth values.
  init(_ name: String, queries: Int, keys: Int, _ graph: Graph) {
    self = .other
    guard let mask = graph.tensor(name), mask.shape.rank >= 2,
      mask.shape.columnCount == keys, mask.shape[mask.shape.rank - 2] == queries,
      case .values(let constant) = mask.fill
    else { return }
    let view = constant.view
    let isTest = mask.type == .bool
    var (isOpen, isCausal) = (true, true)
    for index in 0..<view.count {
      let (row, key) = (index / keys % queries, index % keys)
      let value = view[index]
      let sees = isTest ? value != 0 : value == 0
      guard sees || isTest || value <= Self.hidden else { return }
      if !sees { isOpen = false }
      if sees != (key <= row + keys - queries) { isCausal = false }
      if !isOpen && !isCausal { return }
    }
    self = isOpen ? .open : isCausal ? .causal : .other
  }
}
