package import CoreState
package import InstructionSet
package import NumericFormats

/// A piece of SBUF or PSUM, or a view into one: partitions × up to four free dimensions.
///
/// A tile is a value: slicing makes another view of the same memory.
package struct Tile: Hashable, Sendable, BitwiseCopyable {
  /// Which elements the tile names.
  package var access: AccessPattern

  /// The tile of a pattern.
  package init(_ access: AccessPattern) { self.access = access }

  /// Partitions.
  package var partitions: Int { Int(access.partitionCount) }
  /// Elements per partition.
  package var columns: Int { access.columns }
  /// How each element is stored.
  package var format: NumberFormat { access.format }
  /// Elements along the innermost dimension.
  package var innermost: Int { access.innermostSize }
  /// This tile as a per-partition scalar operand: one value per partition.
  package var pointer: ScalarOperand { .pointer(access) }

  /// Some of the partitions, counted from the tile's first.
  package func rows(_ range: Range<Int>) -> Tile {
    precondition(range.lowerBound >= 0 && range.upperBound <= partitions, "rows lie in the tile")
    var view = self
    view.access.startPartition += UInt8(range.lowerBound)
    view.access.partitionCount = UInt8(range.count)
    return view
  }

  /// A slice of the innermost dimension.
  package func columns(_ range: Range<Int>) -> Tile {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= innermost && !range.isEmpty,
      "columns lie in the tile")
    var view = self
    let last = Int(access.dimensionCount) - 1
    view.move(byElements: range.lowerBound * Int(access.strides[last]))
    view.access.sizes[last] = UInt16(range.count)
    return view
  }

  /// Partitions and a slice of the innermost dimension.
  package subscript(_ rows: Range<Int>, _ columns: Range<Int>) -> Tile {
    self.rows(rows).columns(columns)
  }

  /// One index of the outermost dimension; the dimension goes away.
  package func block(_ index: Int) -> Tile {
    precondition(access.dimensionCount > 1, "a block is an index of the outermost dimension")
    precondition(index >= 0 && index < Int(access.sizes[0]), "the block lies in the tile")
    var view = self
    view.move(byElements: index * Int(access.strides[0]))
    view.access.sizes = SIMD4(access.sizes[1], access.sizes[2], access.sizes[3], 1)
    view.access.strides = SIMD4(access.strides[1], access.strides[2], access.strides[3], 0)
    view.access.dimensionCount -= 1
    return view
  }

  /// A slice of the outermost of several dimensions.
  package func blocks(_ range: Range<Int>) -> Tile {
    precondition(access.dimensionCount > 1, "blocks are indices of the outermost dimension")
    precondition(
      range.upperBound <= Int(access.sizes[0]) && !range.isEmpty, "blocks lie in the tile")
    var view = self
    view.move(byElements: range.lowerBound * Int(access.strides[0]))
    view.access.sizes[0] = UInt16(range.count)
    return view
  }

  /// A dense tile seen with other free dimensions, outermost first.
  package func shaped(_ sizes: Int...) -> Tile {
    precondition(access.isContiguous, "only a dense tile can be seen with other dimensions")
    precondition(sizes.reduce(1, *) == columns, "another shape names the same elements")
    var strides: [Int] = []
    var stride = 1
    for size in sizes.reversed() {
      strides.insert(stride, at: 0)
      stride *= size
    }
    return viewed(sizes: sizes, strides: strides)
  }

  /// Any pattern from the tile's first element on: sizes and strides in elements.
  package func viewed(offset: Int = 0, sizes: [Int], strides: [Int]) -> Tile {
    precondition((1...4).contains(sizes.count) && sizes.count == strides.count, "1 to 4 dimensions")
    var view = self
    view.move(byElements: offset)
    view.access.dimensionCount = UInt8(sizes.count)
    view.access.sizes = SIMD4(1, 1, 1, 1)
    view.access.strides = SIMD4(0, 0, 0, 0)
    for (index, size) in sizes.enumerated() {
      view.access.sizes[index] = UInt16(size)
      view.access.strides[index] = Int16(strides[index])
    }
    return view
  }

  /// The tile with an outermost dimension that repeats it `count` times.
  package func repeated(_ count: Int) -> Tile {
    precondition(access.dimensionCount < 4, "at most four free dimensions")
    var view = self
    view.access.sizes = SIMD4(UInt16(count), access.sizes[0], access.sizes[1], access.sizes[2])
    view.access.strides = SIMD4(0, access.strides[0], access.strides[1], access.strides[2])
    view.access.dimensionCount += 1
    return view
  }

  /// `count` elements of each partition at the uint16 offsets that begin where `index` does; see
  /// `AccessPattern.indirect`.
  package func indirect(_ index: Tile, count: Int) -> Tile {
    precondition(access.isContiguous, "offsets choose among the elements of a dense tile")
    return Tile(access.indirect(count: count, index: index.access))
  }

  /// The same bytes read as another format of the same size.
  package func reinterpreted(as format: NumberFormat) -> Tile {
    precondition(format.sizeBytes == access.format.sizeBytes, "formats of one size")
    var view = self
    view.access.format = format
    return view
  }

  private mutating func move(byElements count: Int) {
    let bytes = Int(access.byteOffset) + count * format.sizeBytes
    access.byteOffset = UInt32(bytes)
  }
}
