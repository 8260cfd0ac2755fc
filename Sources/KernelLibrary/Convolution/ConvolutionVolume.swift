import Hardware
import CoreState
import KernelBuilder

/// A convolution seen as windows over planes × rows × columns, whatever its rank: the images of a
/// batch are planes that no window joins, a pointwise window has one long row.
struct ConvolutionVolume {
  /// How a tensor of activations is walked: elements from one index to the next.
  struct Strides: Hashable {
    var image: Int
    var channel: Int
    var plane: Int
  }

  /// Volumes that are done one after the other.
  let images: Int
  /// Planes, rows, columns.
  let axes: [WindowAxis]
  let input: Strides
  let output: Strides

  init(_ kernel: ConvolutionKernel) {
    let space = [kernel.depth ?? WindowAxis(1), kernel.rows, kernel.columns]
    let isPointwise = space.allSatisfy(\.isPointwise)
    let isFlat =
      isPointwise && kernel.inputLayout == .channelsFirst && kernel.outputLayout == .channelsFirst
      && !kernel.hasImageBias
    let isVolume = kernel.depth != nil && !isPointwise
    func strides(
      _ channels: Int, _ sizes: [Int], _ layout: ConvolutionKernel.ActivationLayout
    ) -> Strides {
      let places = sizes.reduce(1, *)
      let image = layout == .imagesFirst ? channels * places : places
      let channel = layout == .imagesFirst ? places : kernel.batch * places
      return Strides(
        image: image, channel: channel, plane: isVolume ? places / sizes[0] : image)
    }
    input = strides(kernel.inputs, space.map(\.size), kernel.inputLayout)
    output = strides(kernel.outputs, space.map(\.output), kernel.outputLayout)
    images = isVolume ? kernel.batch : 1
    let places = space.map(\.size).reduce(1, *)
    if isFlat {
      axes = [WindowAxis(1), WindowAxis(1), WindowAxis(kernel.batch * places)]
    } else if isPointwise {
      axes = [WindowAxis(kernel.batch), WindowAxis(1), WindowAxis(places)]
    } else if isVolume {
      axes = space
    } else {
      axes = [WindowAxis(kernel.batch), kernel.rows, kernel.columns]
    }
  }

  /// A box of some channels of the input in HBM; rows may be taken with a step.
  func inputAccess(
    _ tensor: TensorHandle, image: Int, channels: Range<Int>, _ box: ConvolutionBox,
    rowStep: Int = 1
  ) -> TensorAccess {
    access(tensor, input, image, channels, box, axes[1].size, axes[2].size, rowStep)
  }

  /// A box of some channels of the result in HBM.
  func outputAccess(
    _ tensor: TensorHandle, image: Int, channels: Range<Int>, _ box: ConvolutionBox
  ) -> TensorAccess {
    access(tensor, output, image, channels, box, axes[1].output, axes[2].output, 1)
  }

  private func access(
    _ tensor: TensorHandle, _ strides: Strides, _ image: Int, _ channels: Range<Int>,
    _ box: ConvolutionBox, _ rows: Int, _ columns: Int, _ rowStep: Int
  ) -> TensorAccess {
    let offset =
      image * strides.image + channels.lowerBound * strides.channel
      + box.planes.lowerBound * strides.plane + box.rows.lowerBound * columns
      + box.columns.lowerBound
    return tensor.access(
      offset: offset,
      sizes: [channels.count, box.planes.count, box.rows.count, box.columns.count],
      strides: [strides.channel, strides.plane, rowStep * columns, 1])
  }
}

/// A box of places: planes × rows × columns.
struct ConvolutionBox: Hashable {
  var planes: Range<Int>
  var rows: Range<Int>
  var columns: Range<Int>

  var count: Int { planes.count * rows.count * columns.count }

  /// The part of a tile that holds `self`, row-major, where `part` lies.
  func view(_ tile: Tile, _ part: ConvolutionBox) -> Tile {
    tile.viewed(
      offset: offset(part.planes.lowerBound, part.rows.lowerBound, part.columns.lowerBound),
      sizes: [part.planes.count, part.rows.count, part.columns.count],
      strides: [
        part.planes.count > 1 ? rows.count * columns.count : 0,
        part.rows.count > 1 ? columns.count : 0, 1,
      ])
  }

  /// Where a place lies in a row-major tile of the box.
  func offset(_ plane: Int, _ row: Int, _ column: Int) -> Int {
    ((plane - planes.lowerBound) * rows.count + row - rows.lowerBound) * columns.count + column
      - columns.lowerBound
  }
}
