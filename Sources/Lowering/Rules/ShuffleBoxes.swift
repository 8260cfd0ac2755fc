import KernelLibrary
import ModelGraph

extension Boxes {
  /// A triangle of more rows is refused: each takes moves of its own.
  static let mostTriangleRows = 256

  /// Blocks of places as channels, or back: axes split in two and reordered.
  static func shuffle(_ shape: TensorShape, _ shuffle: BlockShuffle) -> MoveKernel.Piece {
    let size = shuffle.size
    if shuffle.toDepth {
      return transpose(
        [shape[0], shape[1], shape[2] / size, size, shape[3] / size, size],
        shuffle.channelsFirst ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4])
    }
    let channels = shape[1] / (size * size)
    return shuffle.channelsFirst
      ? transpose([shape[0], channels, size, size, shape[2], shape[3]], [0, 1, 4, 2, 5, 3])
      : transpose([shape[0], size, size, channels, shape[2], shape[3]], [0, 3, 4, 1, 5, 2])
  }

  /// Rows of matrices up to the diagonal, or from it on; zeros elsewhere. Nil for too many rows.
  static func triangle(_ shape: TensorShape, _ triangle: Triangle) -> [MoveKernel.Piece]? {
    let (rows, columns) = (shape[shape.rank - 2], shape[shape.rank - 1])
    guard rows <= mostTriangleRows else { return nil }
    let matrices = shape.elementCount / max(1, rows * columns)
    var list: [MoveKernel.Piece] = []
    for row in 0..<rows {
      // The first element from the diagonal on, or the first one behind it.
      let edge = row + triangle.diagonal + (triangle.keepsUpper ? 0 : 1)
      let cut = min(max(edge, 0), columns)
      let kept = triangle.keepsUpper ? cut..<columns : 0..<cut
      let gone = triangle.keepsUpper ? 0..<cut : cut..<columns
      for (range, source) in [(kept, MoveKernel.Source.input(0)), (gone, .constant(0))]
      where !range.isEmpty {
        let start = row * columns + range.lowerBound
        list.append(
          MoveKernel.Piece(
            source, sizes: [matrices, range.count], from: [rows * columns, 1], at: start,
            to: [rows * columns, 1], atOutput: start))
      }
    }
    return list
  }
}
