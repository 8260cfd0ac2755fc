import CoreState
import Hardware
import InstructionSet

/// Finds allocations that are in use at the same time and share bytes: tensors in HBM by the
/// invocations that name them, buffers on chip by the lives that their kernel declared.
struct AllocationChecker {
  private struct Item {
    var name: String
    var bytes: Range<Int>
    var partitions: Range<Int>
    /// First and one past the last moment of its life.
    var life: Range<Int>
    /// Allocations that are views of one another share a group.
    var group: Int
  }

  /// One report per pair, at most `limit` of them.
  static func reports(_ program: Program, limit: Int) -> [HazardReport] {
    var found = pairs(tensors(of: program), limit: limit).map { first, second, byte in
      HazardReport(
        kind: .overlap,
        place: "hbm byte \(byte): tensors '\(first.name)' and '\(second.name)' are both in use")
    }
    for segment in program.segments where found.count < limit {
      for space in MemorySpace.allCases {
        let items = segment.buffers.filter { $0.space == space }.enumerated().map {
          Item(
            name: $1.name, bytes: $1.bytes, partitions: $1.partitions, life: $1.life, group: $0)
        }
        found += pairs(items, limit: limit - found.count).map { first, second, byte in
          HazardReport(
            kind: .overlap,
            place: "\(space.name) byte \(byte) of a partition: buffers '\(first.name)' and "
              + "'\(second.name)' of kernel \(segment.name) are both in use")
        }
      }
    }
    return found
  }

  /// Tensors with the invocations from their first to their last use.
  private static func tensors(of program: Program) -> [Item] {
    var lives: [Range<Int>?] = Array(repeating: nil, count: program.tensors.count)
    for (moment, invocation) in program.invocations.enumerated() {
      for tensor in invocation.tensors where program.tensors.indices.contains(tensor) {
        lives[tensor] = (lives[tensor]?.lowerBound ?? moment)..<moment + 1
      }
    }
    return program.tensors.enumerated().compactMap { index, tensor in
      guard let life = lives[index], tensor.sizeBytes > 0 else { return nil }
      // What the host filled is in use from the beginning.
      let start = tensor.contents == .given ? 0 : life.lowerBound
      return Item(
        name: tensor.name, bytes: tensor.address..<tensor.address + tensor.sizeBytes,
        partitions: 0..<1, life: start..<life.upperBound, group: tensor.aliasOf ?? index)
    }
  }

  private static func pairs(_ items: [Item], limit: Int) -> [(Item, Item, Int)] {
    var found: [(Item, Item, Int)] = []
    let sorted = items.sorted {
      ($0.bytes.lowerBound, $0.life.lowerBound) < ($1.bytes.lowerBound, $1.life.lowerBound)
    }
    var open: [Item] = []
    for item in sorted where found.count < limit {
      open.removeAll { $0.bytes.upperBound <= item.bytes.lowerBound }
      for other in open
      where other.group != item.group && other.life.overlaps(item.life)
        && other.partitions.overlaps(item.partitions)
      {
        found.append((other, item, item.bytes.lowerBound))
      }
      open.append(item)
    }
    return found
  }
}
