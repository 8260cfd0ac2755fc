import Hardware
import KernelBuilder
import NumericFormats

/// Channels that one product can take: all of them, one group, or groups that share the array.
struct ConvolutionBundle: Hashable {
  /// Channels of x.
  var inputs: Range<Int>
  /// Channels of out.
  var outputs: Range<Int>
  /// Several groups share the products: their weights are block-diagonal.
  var isDiagonal: Bool

  /// Tiles of input channels, counted from the bundle's first.
  var inputTiles: [Range<Int>] { pieces(inputs.count, 128) }
  /// Tiles of output channels, counted from the bundle's first.
  var outputTiles: [Range<Int>] { pieces(outputs.count, 128) }

  static func all(_ kernel: ConvolutionKernel) -> [ConvolutionBundle] {
    let (inputs, outputs) = (kernel.inputs / kernel.groups, kernel.outputs / kernel.groups)
    let together = kernel.groups == 1 ? 1 : max(1, min(128 / inputs, 128 / outputs))
    return pieces(kernel.groups, together).map { groups in
      ConvolutionBundle(
        inputs: groups.lowerBound * inputs..<groups.upperBound * inputs,
        outputs: groups.lowerBound * outputs..<groups.upperBound * outputs,
        isDiagonal: together > 1)
    }
  }
}

/// Taps along rows that are packed into the contraction: partition block j holds the rows that tap
/// j sees, one slot per output row.
struct ConvolutionPacking: Hashable {
  /// Row taps per product.
  var taps: Int
  /// Products that cover all row taps.
  var groups: Int
  /// Slots from the rows of one group of taps to those of the next.
  var slotsPerGroup: Int

  /// Nil when the channels fill the array, or no packing fits the stride.
  init?(_ kernel: ConvolutionKernel, _ axis: WindowAxis) {
    guard kernel.groups == 1, axis.kernel > 1, kernel.inputs <= 64 else { return nil }
    taps = min(axis.kernel, 128 / kernel.inputs)
    groups = ceilDivide(axis.kernel, taps)
    let shift = taps * axis.dilation
    guard groups == 1 || shift % axis.stride == 0 else { return nil }
    slotsPerGroup = shift / axis.stride
  }
}

/// One product's place in the window.
struct ConvolutionTap: Hashable {
  var plane: Int
  /// The row tap, or the group of packed row taps.
  var row: Int
  var column: Int
  /// The weights' index in their tile.
  var index: Int
}

/// Some output channels over a box of places: what is loaded, computed and stored together.
struct ConvolutionStep: Hashable {
  var bundle: Int
  /// Tiles of output channels.
  var outputTiles: Range<Int>
  var image: Int
  /// Places of out.
  var band: ConvolutionBox
}

/// How a convolution is cut.
struct ConvolutionPlan {
  /// Places that one product streams, and one PSUM bank holds.
  static let tileColumns = 512
  /// Elements that one tile of SBUF can have.
  private static let mostElements = (1 << 16) - 1
  /// Buffers of results.
  static let resultBuffers = 4
  /// Steps whose residuals are in SBUF together.
  static let residualSteps = 3

  let kernel: ConvolutionKernel
  let volume: ConvolutionVolume
  let bundles: [ConvolutionBundle]
  let packing: ConvolutionPacking?
  /// The products of one tile of input channels.
  let taps: [ConvolutionTap]
  let steps: [ConvolutionStep]
  /// Tiles of output channels whose weights are in SBUF together.
  let outputTilesPerStep: Int
  /// Buffers of the weights of a step.
  let weightBuffers: Int
  /// Buffers of the input of a band; with `keepsInput` one for each band.
  let inputBuffers: Int
  let keepsInput: Bool
  /// Elements per partition of the largest box of inputs and of results.
  let inputElements: Int
  let resultElements: Int

  init(_ kernel: ConvolutionKernel, _ builder: KernelBuilder) throws(BuilderError) {
    let volume = ConvolutionVolume(kernel)
    let bundles = ConvolutionBundle.all(kernel)
    let packing = ConvolutionPacking(kernel, volume.axes[1])
    let taps = Self.taps(volume, packing)
    let (inputTiles, outputTiles) = (bundles[0].inputTiles.count, bundles[0].outputTiles.count)
    let free = builder.freeSBUFBytes - Self.fixedBytes(kernel, bundles)
    let size = kernel.input.sizeBytes
    let perTile = inputTiles * taps.count * 128 * size
    func groupCount(_ tiles: Int) -> Int { ceilDivide(outputTiles, tiles) * bundles.count }
    var perStep = outputTiles
    while perStep > 1,
      perTile * perStep * min(2, groupCount(perStep)) > free / 2
        || taps.count * perStep * 128 > Self.mostElements
    {
      perStep = ceilDivide(perStep, 2)
    }
    let weightBuffers = min(2, groupCount(perStep))
    let left = free - perTile * perStep * weightBuffers
    let cut = try Self.bands(
      kernel, volume, packing, free: left, inputTiles: inputTiles, outputTiles: perStep)
    let bandCount = cut.bands.count * volume.images
    let allBytes = bandCount * inputTiles * (cut.inputElements * size + 64)
    keepsInput =
      groupCount(perStep) > bundles.count && bundles.count == 1
      && allBytes + Self.resultBytes(kernel, cut.resultElements + 32, perStep) <= left
    inputBuffers = keepsInput ? bandCount : min(3, bandCount * groupCount(perStep))
    steps = Self.steps(bundles, perStep, volume.images, cut.bands)
    inputElements = cut.inputElements
    resultElements = cut.resultElements
    outputTilesPerStep = perStep
    self.weightBuffers = weightBuffers
    self.kernel = kernel
    self.volume = volume
    self.bundles = bundles
    self.packing = packing
    self.taps = taps
  }

  private static func taps(_ volume: ConvolutionVolume, _ packing: ConvolutionPacking?)
    -> [ConvolutionTap]
  {
    var list: [ConvolutionTap] = []
    for plane in 0..<volume.axes[0].kernel {
      for row in 0..<(packing?.groups ?? volume.axes[1].kernel) {
        for column in 0..<volume.axes[2].kernel {
          list.append(
            ConvolutionTap(plane: plane, row: row, column: column, index: list.count))
        }
      }
    }
    return list
  }

  /// Bytes per partition of what does not depend on the cut: constants and biases.
  private static func fixedBytes(_ kernel: ConvolutionKernel, _ bundles: [ConvolutionBundle])
    -> Int
  {
    let square = 128 * max(kernel.input.sizeBytes, kernel.output.sizeBytes) + 64
    let tiles = bundles.map(\.outputTiles.count).reduce(0, +)
    let perGroup = kernel.inputs / kernel.groups
    let raw = min(128, perGroup) * kernel.taps * kernel.input.sizeBytes
    return (kernel.hasResidual ? square : 0) + (bundles[0].isDiagonal ? square : 0)
      + (kernel.weightLayout == .outputsFirst ? square + 2 * (raw + 64) : 0)
      + tiles * 4 * (kernel.hasImageBias ? kernel.batch + 1 : 1) + 128 + tileColumns
      * kernel.input.sizeBytes + 2048
  }

  private static func resultBytes(
    _ kernel: ConvolutionKernel, _ elements: Int, _ outputTiles: Int
  ) -> Int {
    elements * kernel.output.sizeBytes
      * (resultBuffers + (kernel.hasResidual ? residualSteps * outputTiles : 0))
  }

  /// Bands of places: at most 4,096 each, and at least four in all so that loads and stores overlap
  /// with products, in as much of SBUF as there is.
  private static func bands(
    _ kernel: ConvolutionKernel, _ volume: ConvolutionVolume, _ packing: ConvolutionPacking?,
    free: Int, inputTiles: Int, outputTiles: Int
  ) throws(BuilderError) -> (bands: [ConvolutionBox], inputElements: Int, resultElements: Int) {
    let places = volume.axes.map(\.output).reduce(1, *)
    var target = min(4096, max(tileColumns, ceilDivide(places, 4)))
    while target > 0 {
      let bands = boxes(volume, target)
      let inputs = bands.map { inputBox(volume, packing, $0).count }.max() ?? 0
      let results = bands.map(\.count).max() ?? 0
      let bytes =
        3 * inputTiles * (inputs * kernel.input.sizeBytes + 64)
        + resultBytes(kernel, results + 32, outputTiles)
      if bytes <= free, inputs <= mostElements { return (bands, inputs, results) }
      target /= 2
    }
    throw kernel.unsupported(
      "weights or rows that do not fit SBUF", allowed: "\(free) bytes per partition beside them")
  }

  /// Boxes of at most `target` places: whole planes, else rows of a plane, else parts of a row.
  private static func boxes(_ volume: ConvolutionVolume, _ target: Int) -> [ConvolutionBox] {
    let (planes, rows, columns) = (
      volume.axes[0].output, volume.axes[1].output, volume.axes[2].output
    )
    let planeCuts = (0..<planes).evenly(ceilDivide(planes, max(1, target / (rows * columns))))
    let rowCuts = (0..<rows).evenly(
      rows * columns <= target ? 1 : ceilDivide(rows, max(1, target / columns)))
    let columnCuts = columns <= target ? [0..<columns] : pieces(columns, target)
    var list: [ConvolutionBox] = []
    for plane in planeCuts {
      for row in rowCuts {
        for column in columnCuts {
          list.append(ConvolutionBox(planes: plane, rows: row, columns: column))
        }
      }
    }
    return list
  }

  private static func steps(
    _ bundles: [ConvolutionBundle], _ perStep: Int, _ images: Int, _ bands: [ConvolutionBox]
  ) -> [ConvolutionStep] {
    var list: [ConvolutionStep] = []
    for (index, bundle) in bundles.enumerated() {
      for tiles in pieces(bundle.outputTiles.count, perStep) {
        for image in 0..<images {
          for band in bands {
            list.append(
              ConvolutionStep(bundle: index, outputTiles: tiles, image: image, band: band))
          }
        }
      }
    }
    return list
  }
}
