import CoreState
import KernelBuilder

/// A tensor seen as one run of elements, dealt over partitions.
struct FlatTiles {
  /// Elements of one partition in one piece.
  static let columns = 2048

  /// Partitions × elements of one piece.
  struct Piece: Hashable {
    var offset: Int
    var partitions: Int
    var columns: Int
    var pitch: Int

    func access(_ tensor: TensorHandle) -> TensorAccess {
      tensor.flat(offset: offset, partitions: partitions, columns: columns, pitch: pitch)
    }

    func view(_ tile: Tile) -> Tile { tile[0..<partitions, 0..<columns] }
  }

  /// The shape under which a kernel declares such a tensor: with 128 rows where they are equal, so
  /// that pieces of different columns are seen to lie apart.
  static func shape(_ count: Int) -> [Int] { count % 128 == 0 ? [128, count / 128] : [count] }

  /// The pieces of a tensor of `count` elements.
  static func pieces(_ count: Int) -> [Piece] {
    let perPartition = count / 128
    var list: [Piece] = []
    for range in KernelLibrary.pieces(perPartition, columns) {
      list.append(
        Piece(
          offset: range.lowerBound, partitions: 128, columns: range.count, pitch: perPartition))
    }
    if count % 128 != 0 {
      let rest = count % 128
      list.append(Piece(offset: count - rest, partitions: 1, columns: rest, pitch: rest))
    }
    return list
  }
}
