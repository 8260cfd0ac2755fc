import Hardware
import InstructionSet
package import KernelBuilder
package import NumericFormats

/// Products of the same few rows with several weights: out_i [M, N_i] = x · W_i, x being
/// normalised on the way where that is asked for.
///
/// Layouts: x [M, K] or xᵀ [K, M], W_i [K, N_i] row-major; whole tiles of 128. The weights are the
/// stationary operand (`StationaryStream`), the sums are turned at the end (`TurnedSums`).
/// Bound: the DMA, which brings the weights once.
///
/// Parameters in order: x, addend [M, K] and gamma [K] of a norm (if any), the weights, the sum of
/// x and addend (if any), the results.
package struct ProjectionsKernel: Kernel {
  /// Rows: M.
  package var rows: Int
  /// The contraction length: K.
  package var depth: Int
  /// Columns of each result.
  package var widths: [Int]
  /// How x lies in HBM.
  package var layout: MatmulKernel.Layout
  /// Format of x and the results: two bytes.
  package var format: NumberFormat
  /// Format of the weights: one byte, or that of x.
  package var weightFormat: NumberFormat
  /// The norm of the rows, if it is taken here; x is [M, K] then.
  package var norm: RowNorm?

  /// Products of x with weights of these widths.
  package init(
    rows: Int, depth: Int, widths: [Int], layout: MatmulKernel.Layout = .contractionColumns,
    format: NumberFormat, weightFormat: NumberFormat
  ) {
    self.rows = rows
    self.depth = depth
    self.widths = widths
    self.layout = layout
    self.format = format
    self.weightFormat = weightFormat
  }

  /// The same of a product by itself, if it is one that gains: few rows, narrow weights in whole
  /// tiles, nothing to be done to the sums.
  init?(_ kernel: MatmulKernel) {
    guard kernel.rhsLayout == .contractionRows, kernel.scale == 1, kernel.bias == .none,
      kernel.activation == nil, !kernel.hasResidual, kernel.output == kernel.input
    else { return nil }
    self.init(
      rows: kernel.m, depth: kernel.k, widths: [kernel.n], layout: kernel.lhsLayout,
      format: kernel.input, weightFormat: kernel.rhsFormat)
    guard isSupported else { return nil }
  }

  /// True where shapes and formats are those that the kernel is made for.
  package var isSupported: Bool {
    let tiles = widths.map { $0 / 128 }
    return rows > 0 && rows <= TurnedSums.mostRows && depth > 0
      && StationaryStream.holds(rows: rows, tiles: depth / 128)
      && (widths + [depth]).allSatisfy { $0 > 0 && $0 % 128 == 0 }
      && tiles.allSatisfy { $0 <= TurnedSums.mostTiles }
      && StationaryStream.banks(rows: rows, tiles: tiles.reduce(0, +)) != nil
      && format.sizeBytes == 2
      && (weightFormat.sizeBytes == 1 || weightFormat == format)
      && (norm == nil || layout == .contractionColumns)
  }

  package var name: String {
    let columns = widths.map(String.init).joined(separator: "+")
    let kind = widths.count > 1 ? "projections" : "matmul"
    let shape = "\(rows)x\(depth)x\(columns) \(format.name)x\(weightFormat.name)"
    return "\(norm?.label ?? "")\(kind) \(shape)"
  }

  package var parameters: [KernelParameter] {
    let x = layout == .contractionColumns ? [rows, depth] : [depth, rows]
    let weights = widths.indices.map {
      KernelParameter("w\($0)", [depth, widths[$0]], weightFormat)
    }
    let results = widths.indices.map {
      KernelParameter("out\($0)", [rows, widths[$0]], format, .output)
    }
    var list = [KernelParameter("x", x, format)]
    if norm?.hasAddend == true { list.append(KernelParameter("addend", x, format)) }
    if norm != nil { list.append(KernelParameter("gamma", [depth], format)) }
    list += weights
    if norm?.hasAddend == true { list.append(KernelParameter("sum", x, format, .output)) }
    return list + results
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
          + "whole tiles of 128")
    }
    try builder.scope { builder throws(BuilderError) in
      let tiles = depth / 128
      let hasAddend = norm?.hasAddend == true
      let firstWeight = norm == nil ? 1 : hasAddend ? 3 : 2
      let firstResult = tensors.count - widths.count
      let x = try FewRows(
        tensors[0], layout: layout, rows: rows, depth: depth,
        norm: norm.map {
          (
            $0, tensors[firstWeight - 1], hasAddend ? tensors[1] : nil,
            hasAddend ? tensors[firstResult - 1] : nil
          )
        }, &builder)
      var turned = try TurnedSums(
        rows: rows, tiles: (widths.max() ?? 0) / 128, format: format, &builder)
      let all = widths.reduce(0, +) / 128
      var banks = try builder.banks(
        "sums", buffers: 2, banksPerBuffer: StationaryStream.banks(rows: rows, tiles: all) ?? 1)
      let sums = banks.next(columns: all * rows)
      var stream = try StationaryStream(
        widths.indices.map { index in
          StationaryStream.Weights(
            loader: ContractionLoader(
              tensor: tensors[firstWeight + index], layout: .contractionRows, contraction: depth,
              isPartitionMajor: true), tiles: tiles, columns: widths[index])
        }, weightFormat, &builder)
      var first = 0
      for (index, width) in widths.enumerated() {
        let count = width / 128 * rows
        let part = sums.columns(first..<first + count)
        stream.multiply(rows: rows, into: part, &builder) { x.tile($0) }
        turned.store(
          part, tiles: width / 128, rows: rows, to: tensors[firstResult + index],
          over: &banks, &builder)
        first += count
      }
    }
  }
}
