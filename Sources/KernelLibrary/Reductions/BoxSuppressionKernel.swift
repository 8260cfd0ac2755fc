import CoreState
import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Boxes of each class that no better box of it covers (non-maximum suppression).
///
/// Layout: a class of an image on each partition, its boxes along the row. The best score of each
/// row is found (max8, find_index8); the corners of its box are picked by comparing places, and
/// every box that shares too much of its union with it leaves, and so does it itself: scores fall
/// to the lowest number. An overlap above a share s is asked for without a division: with areas a
/// and b and their common part c, c / (a + b − c) > s where c · (1 + s) > s · (a + b).
/// Nothing depends on what was found but values, so that every row takes the same time.
/// Bound: the vector engine, fifteen passes over a row for each box taken; the scalar engine adds
/// up what was picked meanwhile.
///
/// Parameters in order: boxes [batch · boxes, 4], scores [batch · classes, boxes], chosen [batch ·
/// classes, most] int32: places from the best on, −1 where there are no more.
package struct BoxSuppressionKernel: Kernel {
  /// Images.
  package var batch: Int
  /// Classes of each image.
  package var classes: Int
  /// Boxes of each image.
  package var boxes: Int
  /// Boxes taken of each class.
  package var most: Int
  /// The share of a union above which the worse box leaves.
  package var overlap: Float
  /// Only scores above it count; all unless given.
  package var least: Float?
  /// Boxes are centre x, centre y, width, height; otherwise two opposite corners y, x, y, x.
  package var isCentred = false
  /// Format of boxes and scores.
  package var format: NumberFormat

  /// The best boxes of so many classes.
  package init(
    batch: Int, classes: Int, boxes: Int, most: Int, overlap: Float, least: Float? = nil,
    format: NumberFormat = .float32
  ) {
    self.batch = batch
    self.classes = classes
    self.boxes = boxes
    self.most = most
    self.overlap = overlap
    self.least = least
    self.format = format
  }

  package var name: String {
    "box-suppression \(batch)x\(classes)x\(boxes) to \(most) \(format.name)"
  }

  package var parameters: [KernelParameter] {
    [
      KernelParameter("boxes", [batch * boxes, 4], format),
      KernelParameter("scores", [batch * classes, boxes], format),
      KernelParameter("chosen", [batch * classes, most], .int32, .output),
    ]
  }

  /// Rows that go together: some classes of one image, or all of some images.
  private var tiles: [Range<Int>] {
    guard classes <= 128 else {
      return (0..<batch).flatMap { image in
        pieces(classes, 128).map {
          image * classes + $0.lowerBound..<image * classes + $0.upperBound
        }
      }
    }
    return pieces(batch, 128 / classes).map {
      $0.lowerBound * classes..<$0.upperBound * classes
    }
  }

  /// Bytes of a partition for each box: seven rows of what stays, seven of what passes, and the
  /// boxes as they come.
  private static let bytesPerBox = 4 * (7 + 7 + 4)
  /// The same for each box taken: the eight best scores and their places.
  private static let bytesPerTaken = 64

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    let bytes = builder.freeSBUFBytes - 1024
    guard batch > 0, classes > 0, (1...bytes / Self.bytesPerTaken).contains(most), boxes > 0,
      boxes <= builder.device.vector.findElementsMaximum.value,
      boxes * Self.bytesPerBox <= bytes - most * Self.bytesPerTaken
    else {
      throw unsupported(
        "\(most) of \(boxes) boxes",
        allowed: "boxes of \(Self.bytesPerBox) bytes and \(Self.bytesPerTaken) for each that is "
          + "taken in \(bytes) bytes of a partition")
    }
    for rows in tiles {
      try builder.scope { builder throws(BuilderError) in
        let emitter = try BoxSuppressionEmitter(self, tensors, rows, &builder)
        for step in 0..<most { emitter.take(step, &builder) }
        emitter.store(&builder)
      }
    }
  }
}

/// Emits the choice for up to 128 classes.
private struct BoxSuppressionEmitter {
  private let kernel: BoxSuppressionKernel
  private let tensors: [TensorHandle]
  private let rows: Range<Int>
  /// Top, left, bottom and right of every box.
  private let corners: [Tile]
  /// Each area times the share.
  private let shares: Tile
  /// Scores of the boxes that are left; at least eight columns.
  private let scores: Tile
  private let ramp: Tile
  /// The best eight scores of each step and their places, of which the first is the best.
  private let best: Tile
  private let places: Tile
  /// Rows of what passes: where the best box stands, picked corners, extents, common parts.
  private let passing: [Tile]
  /// One number of a row each: the best box's place, corners, share of its area, and one more.
  private let numbers: Tile

  /// Any score below it has left.
  private static let gone: Float = -1e38

  init(
    _ kernel: BoxSuppressionKernel, _ tensors: [TensorHandle], _ rows: Range<Int>,
    _ builder: inout KernelBuilder
  ) throws(BuilderError) {
    self.kernel = kernel
    self.tensors = tensors
    self.rows = rows
    let (count, boxes) = (rows.count, kernel.boxes)
    func row(_ name: String, _ columns: Int, _ builder: inout KernelBuilder) throws(BuilderError)
      -> Tile
    {
      try builder.tile(name, partitions: count, columns, format: .float32)
    }
    scores = try row("scores", max(8, boxes), &builder)
    ramp = try row("ramp", boxes, &builder)
    builder.iota(ramp, steps: [1])
    var corners: [Tile] = []
    for name in ["top", "left", "bottom", "right"] {
      corners.append(try row(name, boxes, &builder))
    }
    self.corners = corners
    shares = try row("share of area", boxes, &builder)
    var passing: [Tile] = []
    for index in 0..<7 { passing.append(try row("passing \(index)", boxes, &builder)) }
    self.passing = passing
    numbers = try row("numbers", 8, &builder)
    best = try row("best", 8 * kernel.most, &builder)
    places = try builder.tile("places", partitions: count, 8 * kernel.most, format: .uint32)
    try loadBoxes(&builder)
    loadScores(&builder)
  }

  // MARK: Loading

  /// The boxes of an image on the partitions of its classes, and their corners row by row.
  private func loadBoxes(_ builder: inout KernelBuilder) throws(BuilderError) {
    let boxes = kernel.boxes
    let raw = try builder.tile("boxes", partitions: rows.count, 4 * boxes, format: kernel.format)
    let images = max(1, rows.count / kernel.classes)
    builder.load(
      raw,
      from: tensors[0].access(
        offset: 4 * (rows.lowerBound / kernel.classes) * boxes,
        sizes: [images, rows.count / images, 4 * boxes], strides: [4 * boxes, 0, 1]))
    let part = { (index: Int) in raw.viewed(offset: index, sizes: [boxes], strides: [4]) }
    if kernel.isCentred {
      // Top and bottom from centre y and height, left and right from centre x and width.
      for (low, high, centre, extent) in [(0, 2, 1, 3), (1, 3, 0, 2)] {
        builder.scalarTensorTensor(
          corners[low], part(extent), .multiply, .immediate(-0.5), .add, part(centre))
        builder.scalarTensorTensor(
          corners[high], part(extent), .multiply, .immediate(0.5), .add, part(centre))
      }
    } else {
      for (low, high) in [(0, 2), (1, 3)] {
        builder.tensorTensor(corners[low], part(low), part(high), .min)
        builder.tensorTensor(corners[high], part(low), part(high), .max)
      }
    }
    builder.tensorTensor(passing[0], corners[2], corners[0], .subtract)
    builder.tensorTensor(passing[1], corners[3], corners[1], .subtract)
    builder.scalarTensorTensor(
      shares, passing[0], .multiply, .immediate(kernel.overlap), .multiply, passing[1])
  }

  /// Scores in fp32; those that do not count have left.
  private func loadScores(_ builder: inout KernelBuilder) {
    let counted = scores.columns(0..<kernel.boxes)
    if scores.columns > kernel.boxes {
      builder.memset(scores.columns(kernel.boxes..<scores.columns), -.infinity)
    }
    let source = tensors[1].rows(rows)
    builder.load(counted, from: source, on: .scalar)
    guard let least = kernel.least else { return }
    builder.tensorScalar(passing[0], counted, .lessEqual, .immediate(least))
    leave(passing[0], &builder)
  }

  /// Scores fall where a row is not zero.
  private func leave(_ leaving: Tile, _ builder: inout KernelBuilder) {
    let counted = scores.columns(0..<kernel.boxes)
    builder.scalarTensorTensor(
      counted, leaving, .multiply, .immediate(3 * Self.gone), .add, counted)
  }

  // MARK: A step

  /// Takes the best box of each row, and out with it those that it covers.
  func take(_ step: Int, _ builder: inout KernelBuilder) {
    let eight = 8 * step..<8 * step + 8
    let value = best.columns(eight)
    builder.largestEight(value, scores)
    builder.findEight(places.columns(eight), scores, values: value)
    let number = { (index: Int) in numbers.columns(index..<index + 1) }
    builder.copy(number(0), places.columns(8 * step..<8 * step + 1))
    let own = passing[0]
    builder.tensorScalar(own, ramp, .isEqual, number(0).pointer)
    for (index, corner) in corners.enumerated() {
      let picked = passing[1 + index]
      builder.tensorTensor(picked, own, corner, .multiply)
      builder.activation(picked, .copy, picked, sum: number(1 + index))
    }
    // Extents of the common parts: the picked corners have been added up by now.
    let (height, width, edge) = (passing[1], passing[2], passing[5])
    builder.tensorScalar(edge, corners[0], .max, number(1).pointer)
    builder.scalarTensorTensor(height, corners[2], .min, number(3).pointer, .subtract, edge)
    builder.tensorScalar(passing[6], corners[1], .max, number(2).pointer)
    builder.scalarTensorTensor(width, corners[3], .min, number(4).pointer, .subtract, passing[6])
    // The best box's own share of area.
    builder.tensorTensor(number(5), number(3), number(1), .subtract)
    builder.tensorTensor(number(6), number(4), number(2), .subtract)
    builder.scalarTensorTensor(
      number(5), number(5), .multiply, .immediate(kernel.overlap), .multiply, number(6))
    // A width below zero makes the product negative, since heights are not.
    let common = passing[3]
    builder.scalarTensorTensor(common, height, .max, .immediate(0), .multiply, width)
    builder.scalarTensorTensor(
      common, common, .multiply, .immediate(1 + kernel.overlap), .subtract, shares)
    builder.scalarTensorTensor(common, common, .greaterThan, number(5).pointer, .add, own)
    leave(common, &builder)
  }

  /// Places of the boxes taken, −1 where the best score had left already.
  func store(_ builder: inout KernelBuilder) {
    let most = kernel.most
    let values = best.viewed(sizes: [most], strides: [8])
    let found = places.viewed(sizes: [most], strides: [8])
    builder.tensorScalar(values, values, .greaterThan, .immediate(Self.gone))
    builder.scalarTensorTensor(values, found, .add, .immediate(1), .multiply, values)
    let chosen = places.columns(0..<most).reinterpreted(as: .int32)
    builder.tensorScalar(chosen, values, .subtract, .immediate(1))
    builder.store(tensors[2].rows(rows), from: chosen)
  }
}
