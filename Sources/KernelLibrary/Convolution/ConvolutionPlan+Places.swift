import Hardware
import KernelBuilder

extension ConvolutionPlan {
  /// The inputs that a band of results needs. With packed taps the rows are slots: one per output
  /// row and then those of the later groups of taps.
  static func inputBox(
    _ volume: ConvolutionVolume, _ packing: ConvolutionPacking?, _ band: ConvolutionBox
  ) -> ConvolutionBox {
    let axes = volume.axes
    var rows = axes[1].inputs(band.rows)
    if let packing {
      rows =
        band.rows.lowerBound..<band.rows.upperBound + (packing.groups - 1) * packing.slotsPerGroup
    }
    return ConvolutionBox(
      planes: axes[0].inputs(band.planes), rows: rows, columns: axes[2].inputs(band.columns))
  }

  func inputBox(_ band: ConvolutionBox) -> ConvolutionBox {
    Self.inputBox(volume, packing, band)
  }

  /// A band cut into tiles of at most 512 places: whole planes, else rows, else parts of a row.
  func tiles(_ band: ConvolutionBox) -> [ConvolutionBox] {
    let limit = Self.tileColumns
    let area = band.rows.count * band.columns.count
    let box = inputBox(band)
    // A pattern's strides have 16 bits.
    let planeStep = volume.axes[0].stride * box.rows.count * box.columns.count
    let joined =
      planeStep > Int(Int16.max) || kernel.hasImageBias ? 1 : max(1, limit / area)
    let planes = band.planes.evenly(ceilDivide(band.planes.count, joined))
    let rows = band.rows.evenly(
      area <= limit ? 1 : ceilDivide(band.rows.count, max(1, limit / band.columns.count)))
    let columns = pieces(band.columns.count, limit).map {
      band.columns.lowerBound + $0.lowerBound..<band.columns.lowerBound + $0.upperBound
    }
    var list: [ConvolutionBox] = []
    for plane in planes {
      for row in rows {
        for column in columns {
          list.append(ConvolutionBox(planes: plane, rows: row, columns: column))
        }
      }
    }
    return list
  }

  /// The places of a tile that a tap reaches: the others would read padding.
  func reach(_ tap: ConvolutionTap, _ tile: ConvolutionBox) -> ConvolutionBox {
    let axes = volume.axes
    return ConvolutionBox(
      planes: tile.planes.shared(with: axes[0].outputs(tap: tap.plane)),
      rows: packing != nil ? tile.rows : tile.rows.shared(with: axes[1].outputs(tap: tap.row)),
      columns: tile.columns.shared(with: axes[2].outputs(tap: tap.column)))
  }

  /// The taps that reach some of a tile; one that reaches all of it comes first, if there is one.
  func reachingTaps(_ tile: ConvolutionBox) -> [(tap: ConvolutionTap, part: ConvolutionBox)] {
    var list: [(tap: ConvolutionTap, part: ConvolutionBox)] = []
    for tap in taps {
      let part = reach(tap, tile)
      if part.count > 0 { list.append((tap, part)) }
    }
    if let whole = list.firstIndex(where: { $0.part == tile }) { list.swapAt(0, whole) }
    return list
  }

  /// The inputs that a tap multiplies for some places, in a tile of SBUF that holds `box`.
  func moving(_ input: Tile, _ box: ConvolutionBox, _ tap: ConvolutionTap, _ part: ConvolutionBox)
    -> Tile
  {
    let axes = volume.axes
    let (plane, column) = (
      axes[0].input(part.planes.lowerBound, tap: tap.plane),
      axes[2].input(part.columns.lowerBound, tap: tap.column)
    )
    var row = axes[1].input(part.rows.lowerBound, tap: tap.row)
    var rowStep = axes[1].stride
    if let packing {
      row = part.rows.lowerBound + tap.row * packing.slotsPerGroup
      rowStep = 1
    }
    let pitch = box.columns.count
    return input.viewed(
      offset: box.offset(plane, row, column),
      sizes: [part.planes.count, part.rows.count, part.columns.count],
      strides: [
        part.planes.count > 1 ? axes[0].stride * box.rows.count * pitch : 0,
        part.rows.count > 1 ? rowStep * pitch : 0, axes[2].stride,
      ])
  }

  /// Rows of the array that a product of a tap uses: input channels, or packed taps of them.
  func contraction(_ bundle: ConvolutionBundle, _ inputTile: Range<Int>, _ tap: ConvolutionTap)
    -> Int
  {
    guard let packing else { return inputTile.count }
    let left = volume.axes[1].kernel - tap.row * packing.taps
    return min(packing.taps, left) * bundle.inputs.count
  }
}
