import Dispatch
import Synchronization

/// Work on all threads of the host whose result does not depend on how many there are: pieces are
/// cut by count alone, and every element is computed by itself.
package enum HostThreads {
  /// Calls `body` for pieces of at most `size` that cover `0..<count`, in any order.
  package static func forEachPiece(
    of count: Int, size: Int, _ body: @Sendable (Range<Int>) -> Void
  ) {
    let pieces = (count + size - 1) / size
    guard pieces > 1 else {
      if count > 0 { body(0..<count) }
      return
    }
    DispatchQueue.concurrentPerform(iterations: pieces) { piece in
      body(piece * size..<min(count, (piece + 1) * size))
    }
  }

  /// The results of `body` for pieces of at most `size` items, joined in the order of the items.
  /// Throws the error of the first piece that has one.
  package static func map<Item: Sendable, Value: Sendable, Failure: Error>(
    _ items: [Item], size: Int, _ body: @Sendable (ArraySlice<Item>) throws(Failure) -> [Value]
  ) throws(Failure) -> [Value] {
    guard items.count > size else { return try body(items[...]) }
    let pieces = (items.count + size - 1) / size
    let parts = Mutex([Result<[Value], Failure>?](repeating: nil, count: pieces))
    forEachPiece(of: items.count, size: size) { range in
      let part = Result { () throws(Failure) in try body(items[range]) }
      parts.withLock { $0[range.lowerBound / size] = part }
    }
    var joined: [Value] = []
    joined.reserveCapacity(items.count)
    for part in parts.withLock({ $0 }) { if let part { joined += try part.get() } }
    return joined
  }

  /// The numbers that `body` has for places 0 to n − 1, which are met in the order that `order`
  /// lists them: each stands at its place.
  package static func numbers(
    visiting order: [Int], size: Int, _ body: @Sendable (ArraySlice<Int>) -> [Double]
  ) -> [Double] {
    var numbers = [Double](repeating: 0, count: order.count)
    for (place, number) in zip(order, map(order, size: size, body)) { numbers[place] = number }
    return numbers
  }
}
