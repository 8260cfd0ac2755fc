import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Products of the same few rows with several weights: out_i [M, N_i] = x · W_i, x being
/// normalised on the way where that is asked for. Each result may get a bias, have its heads turned
/// by position, and go into a cache: all that lies between a layer's input and its attention in a
/// decoding step.
///
/// Layouts: x [M, K] or xᵀ [K, M], W_i [K, N_i] row-major; K and N_i are cut into even parts of at
/// most 128. The weights are the stationary operand (`StationaryStream`), the sums are turned at
/// the end (`TurnedSums`), where heads lie whole on partitions; but keys for a cache that is
/// transposed lie right as they are (`KeyColumns`).
/// Bound: the DMA, which brings the weights once.
///
/// Parameters in order: x, addend [M, K], its bias [K] and gamma [K] of a norm (if any), the
/// weights, their biases [N_i] (if any), cos and sin [1, size / 2] (if any), the sum of x and
/// addend (if any), the results.
package struct ProjectionsKernel: Kernel {
  /// One of the products.
  package struct Projection: Hashable, Sendable {
    /// Columns of the result.
    package var width: Int
    /// The format of one value per column that is added, if any is.
    package var bias: NumberFormat?
    /// Elements of the heads that are turned by position, all of them by halves; nil for none.
    package var turnedHead: Int?
    /// Where rows go that are tokens of a cache.
    package var cache: TokenCache?

    /// A product with `width` columns, and nothing else.
    package init(width: Int) { self.width = width }
  }

  /// Rows: M.
  package var rows: Int
  /// The contraction length: K.
  package var depth: Int
  /// The products.
  package var projections: [Projection]
  /// How x lies in HBM.
  package var layout: MatmulKernel.Layout
  /// Format of x and the results: two bytes.
  package var format: NumberFormat
  /// Format of the weights: one byte, or that of x.
  package var weightFormat: NumberFormat
  /// The norm of the rows, if it is taken here; x is [M, K] then.
  package var norm: RowNorm?
  /// Format of the tables of positions.
  package var table = NumberFormat.float32

  /// Products of x with weights of these widths.
  package init(
    rows: Int, depth: Int, widths: [Int], layout: MatmulKernel.Layout = .contractionColumns,
    format: NumberFormat, weightFormat: NumberFormat
  ) {
    self.rows = rows
    self.depth = depth
    projections = widths.map { Projection(width: $0) }
    self.layout = layout
    self.format = format
    self.weightFormat = weightFormat
  }

  /// The same of a product by itself, if it is one that gains: few rows, narrow weights, at most a
  /// bias added to the sums.
  init?(_ kernel: MatmulKernel) {
    guard kernel.rhsLayout == .contractionRows, kernel.scale == 1, kernel.bias != .perRow,
      kernel.activation == nil, !kernel.hasResidual, kernel.output == kernel.input
    else { return nil }
    self.init(
      rows: kernel.m, depth: kernel.k, widths: [kernel.n], layout: kernel.lhsLayout,
      format: kernel.input, weightFormat: kernel.rhsFormat)
    projections[0].bias = kernel.bias == .perColumn ? kernel.biasFormat : nil
    let isWhole = kernel.k % 128 == 0 && kernel.n % 128 == 0 && kernel.bias == .none
    guard isSupported, isWhole || gains else { return nil }
  }

  /// True where bringing the weights takes longer than turning the rows of each product.
  package var gains: Bool {
    depth * projections.reduce(0) { $0 + $1.width }
      >= rows * projections.count * Self.weightsPerRow
  }

  /// Weights whose way from HBM takes as long as a row takes to be turned, a transpose and a copy
  /// of about 0.2 us in our traces: of a product with fewer, the other operand's form is shorter.
  private static let weightsPerRow = 32 << 10

  /// The most rows that the kernel takes.
  package static let mostRows = TurnedSums.mostRows

  /// How the columns of each product are cut.
  private var cuts: [EvenCut] { projections.map { EvenCut($0.width) } }
  /// Elements of the heads that are turned, if any are.
  private var turnedHead: Int? { projections.compactMap(\.turnedHead).first }

  /// True where shapes and formats are those that the kernel is made for.
  package var isSupported: Bool {
    let (contraction, tiles) = (EvenCut(depth), cuts.map(\.count))
    return rows > 0 && rows <= TurnedSums.mostRows && depth > 0
      && StationaryStream.holds(rows: rows, tiles: contraction.count)
      && contraction.size >= 64 && contraction.size % 4 == 0
      // Partitions store 16 bytes at least at once.
      && zip(projections, cuts).allSatisfy { $0.width > 0 && $1.isDense && $1.size % 8 == 0 }
      && tiles.allSatisfy { $0 <= TurnedSums.mostTiles }
      && StationaryStream.banks(rows: rows, tiles: tiles.max() ?? 0) != nil
      && format.sizeBytes == 2
      && (weightFormat.sizeBytes == 1 || weightFormat == format)
      && (norm == nil || layout == .contractionColumns) && hasWholeHeads
  }

  /// True where heads that are turned are alike and lie whole in tiles of columns.
  private var hasWholeHeads: Bool {
    let sizes = zip(projections, cuts).compactMap { one, cut in
      one.turnedHead.map { (head: $0, cut: cut.size) }
    }
    return sizes.allSatisfy { $0.head == turnedHead && $0.head % 2 == 0 && $0.cut % $0.head == 0 }
      && zip(projections, cuts).allSatisfy { one, cut in
        guard let head = one.turnedHead, one.cache?.isTransposed == true else { return true }
        return KeyColumns.fits(cut, head: head)
      }
  }

  package var name: String {
    let columns = projections.map { "\($0.width)" }.joined(separator: "+")
    let kind = projections.count > 1 ? "projections" : "matmul"
    let shape = "\(rows)x\(depth)x\(columns) \(format.name)x\(weightFormat.name)"
    let behind =
      (projections.contains { $0.bias != nil } ? "+bias" : "")
      + (turnedHead != nil ? "+rotary" : "")
      + (projections.contains { $0.cache != nil } ? "+cache" : "")
    return "\(norm?.label ?? "")\(kind)\(behind) \(shape)"
  }

  package var parameters: [KernelParameter] {
    let x = layout == .contractionColumns ? [rows, depth] : [depth, rows]
    var list = [KernelParameter("x", x, format)]
    list += norm?.inputs(rows: rows, depth: depth, format) ?? []
    list += projections.enumerated().map {
      KernelParameter("w\($0)", [depth, $1.width], weightFormat)
    }
    for (number, one) in projections.enumerated() {
      if let bias = one.bias { list.append(KernelParameter("b\(number)", [one.width], bias)) }
    }
    if let turnedHead {
      list += ["cos", "sin"].map { KernelParameter($0, [1, turnedHead / 2], table) }
    }
    if norm?.hasAddend == true { list.append(KernelParameter("sum", x, format, .output)) }
    return list
      + projections.enumerated().map { number, one in
        let shape = one.cache?.shape(rows: rows, columns: one.width) ?? [rows, one.width]
        return KernelParameter(
          "out\(number)", shape, format, one.cache == nil ? .output : .inOut)
      }
  }

  /// Few rows meet each weight once.
  package var streamsWeights: Bool { true }

  package func emit(into builder: inout KernelBuilder, _ tensors: [TensorHandle])
    throws(BuilderError)
  {
    guard isSupported else {
      throw unsupported(
        "this shape",
        allowed: "1 to \(TurnedSums.mostRows) rows of two bytes, weights alike or of one byte, "
          + "widths with a divisor of 64 to 128, whole heads")
    }
    try builder.scope { builder throws(BuilderError) in
      try emit(into: &builder, Operands(self, tensors))
    }
  }

  private func emit(into builder: inout KernelBuilder, _ operands: Operands)
    throws(BuilderError)
  {
    let x = try FewRows(
      operands.x, layout: layout, rows: rows, depth: depth, norm: operands.norm, &builder)
    let cuts = cuts
    let most = cuts.reduce(0) { max($0, $1.count) }
    // Results by rows, and those of heads before they are turned.
    let byRows = projections.filter { $0.cache?.isTransposed != true }
    let turnedCount = byRows.count { $0.turnedHead != nil }
    var turned = try TurnedSums(
      rows: rows, tiles: most, results: byRows.count + turnedCount,
      format: format, &builder)
    var rotation: HeadRotation?
    if turnedCount > 0, let tables = operands.tables, let turnedHead {
      rotation = try HeadRotation(
        tables, size: turnedHead, partitions: most, elements: rows * 128, &builder)
    }
    let keys = try projections.indices.map { number throws(BuilderError) in
      try keyColumns(number, cuts[number], operands, &builder)
    }
    let each = StationaryStream.banks(rows: rows, tiles: most) ?? 1
    var banks = try builder.banks(
      "sums", buffers: max(2, min(4, builder.freeBanks / each)), banksPerBuffer: each)
    let order = order
    var stream = try StationaryStream(
      order.map { weights(operands.weights[$0], x.cut, cuts[$0]) }, weightFormat, &builder)
    for number in order {
      let one = projections[number]
      let sums = banks.next(columns: cuts[number].count * rows)
      stream.multiply(rows: rows, into: sums, &builder) { x.tile($0) }
      if let keys = keys[number] {
        keys.store(sums, to: operands.results[number], &builder)
        continue
      }
      let finish = TurnedSums.Finish(
        bias: operands.biases[number], rotation: one.turnedHead == nil ? nil : rotation,
        cache: one.cache)
      try turned.store(
        sums, cuts[number], to: operands.results[number], finish, over: &banks, &builder)
    }
  }

  /// What a product whose columns go into a cache as they lie needs; nil for others.
  private func keyColumns(
    _ number: Int, _ cut: EvenCut, _ operands: Operands, _ builder: inout KernelBuilder
  ) throws(BuilderError) -> KeyColumns? {
    let one = projections[number]
    guard let cache = one.cache, cache.isTransposed else { return nil }
    let size = one.turnedHead
    return try KeyColumns(
      rows: rows, cut, in: cache, bias: operands.biases[number],
      tables: operands.tables.flatMap { tables in
        size.map { (tables.cosine, tables.sine, $0) }
      }, format: format, &builder)
  }

  /// What has most to do behind its sums comes first, while the other products go on: keys are
  /// stored element by element, heads are turned.
  private var order: [Int] {
    let kinds = projections.map { one in
      one.cache?.isTransposed == true ? 0 : one.turnedHead != nil ? 1 : 2
    }
    return kinds.indices.sorted { (kinds[$0], $0) < (kinds[$1], $1) }
  }

  private func weights(_ tensor: TensorHandle, _ contraction: EvenCut, _ columns: EvenCut)
    -> StationaryStream.Weights
  {
    var loader = ContractionLoader(
      tensor: tensor, layout: .contractionRows, contraction: depth, isPartitionMajor: true)
    loader.mostRows = contraction.size
    return StationaryStream.Weights(
      loader: loader, tiles: contraction.count, rows: contraction.size,
      columns: columns.size * columns.count, cut: columns.size)
  }

  /// The tensors by what they are.
  private struct Operands {
    let x: TensorHandle
    private(set) var norm: RowNormOperands?
    let weights: [TensorHandle]
    /// Of each product.
    let biases: [TensorHandle?]
    private(set) var tables: (cosine: TensorHandle, sine: TensorHandle)?
    let results: [TensorHandle]

    init(_ kernel: ProjectionsKernel, _ tensors: [TensorHandle]) {
      var rest = tensors[...]
      let take = { (count: Int) -> ArraySlice<TensorHandle> in
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
      }
      x = take(1).first!
      if let norm = kernel.norm {
        let inputs = norm.inputs(rows: kernel.rows, depth: kernel.depth, kernel.format)
        self.norm = RowNormOperands(norm, take(inputs.count))
      }
      weights = Array(take(kernel.projections.count))
      biases = kernel.projections.map { $0.bias == nil ? nil : take(1).first }
      if kernel.turnedHead != nil { tables = (take(1).first!, take(1).first!) }
      if kernel.norm?.hasAddend == true { norm?.sum = take(1).first }
      results = Array(rest)
    }
  }
}
