import InstructionSet
import KernelLibrary
import ModelGraph
import NumericFormats

/// Operators that only move elements.
struct MoveRule: LoweringRule {
  func lower(_ node: Node, at position: Int, in plan: inout LoweringPlan) throws(LoweringError)
    -> [Int]?
  {
    guard let first = node.inputs.first, let x = plan.graph.tensor(first) else { return nil }
    if try spread(node, x, &plan) { return [position] }
    if try repeated(node, x, &plan) { return [position] }
    let graph = plan.graph
    let isThere = { (name: String) in
      !name.isEmpty && graph.tensor(name)?.shape.elementCount != 0
    }
    let outputs = node.outputs.filter(isThere)
    let pieces: [MoveKernel.Piece]
    switch node.operation {
    case .transpose(let permutation): pieces = [Boxes.transpose(x.shape, permutation)]
    case .expand: pieces = [Boxes.expand(x.shape, to: try plan.tensor(outputs[0]).shape)]
    case .tile(let tile): pieces = [Boxes.tile(x.shape, tile.repeats)]
    case .stridedSlice(let slice): pieces = [Boxes.slice(x.shape, slice)]
    case .pad(let pad): pieces = Boxes.pad(x.shape, pad)
    case .blockShuffle(let shuffle): pieces = [Boxes.shuffle(x.shape, shuffle)]
    case .triangle(let triangle):
      guard let rows = Boxes.triangle(x.shape, triangle) else {
        throw node.refused("matrices of so many rows; their triangles are moved row by row")
      }
      pieces = rows
    case .concatenate(let join): pieces = try self.join(node, join, plan)
    case .split(let split):
      pieces = Boxes.split(
        x.shape, split, outputs: node.outputs.map { isThere($0) ? $0 : "" })
    case .axisGather(let gather):
      guard let runs = Boxes.gather(x.shape, gather, plan.wholeNumbers(node.inputs[1])) else {
        return nil
      }
      pieces = runs
    default: return nil
    }
    let inputs = movedInputs(node).filter(isThere)
    var operands: [MoveKernel.Operand] = []
    for name in inputs + outputs {
      let tensor = try plan.tensor(name)
      operands.append(.init(count: tensor.shape.elementCount, format: tensor.format))
    }
    let kernel = MoveKernel(
      node.operation.name.lowercased(), inputs: Array(operands.prefix(inputs.count)),
      outputs: Array(operands.dropFirst(inputs.count)),
      pieces: pieces.filter { !$0.sizes.contains(0) })
    try plan.invoke(kernel, inputs + outputs, nodes: [node])
    return [position]
  }

  /// Zeros between the elements of the last two axes, each of which has an axis of length 1 behind
  /// it: element by element they would move by transfers of their own.
  private func spread(_ node: Node, _ x: TensorDeclaration, _ plan: inout LoweringPlan)
    throws(LoweringError) -> Bool
  {
    let (shape, rank) = (x.shape, x.shape.rank)
    guard case .pad(let pad) = node.operation, pad.mode == .constant, pad.value == 0, rank > 4,
      node.inputs.dropFirst().allSatisfy(\.isEmpty), !x.type.isInteger,
      shape[rank - 3] == 1, shape[rank - 1] == 1, pad.before.allSatisfy({ $0 == 0 }),
      pad.after[rank - 1] > 0, pad.after[rank - 2] == 0,
      pad.after.prefix(rank - 3).allSatisfy({ $0 == 0 })
    else { return false }
    try plan.invoke(
      SpreadKernel(
        planes: shape.dimensions.prefix(rank - 4).reduce(1, *), rows: shape[rank - 4],
        columns: shape[rank - 2], rowStep: pad.after[rank - 3] + 1,
        columnStep: pad.after[rank - 1] + 1, format: x.format),
      [node.inputs[0], node.outputs[0]], nodes: [node])
    return true
  }

  /// Elements that are repeated along the last axis are multiplied by one, and leave in runs.
  private func repeated(_ node: Node, _ x: TensorDeclaration, _ plan: inout LoweringPlan)
    throws(LoweringError) -> Bool
  {
    guard case .expand = node.operation, !x.type.isInteger, x.format.sizeBytes >= 2 else {
      return false
    }
    let out = try plan.tensor(node.outputs[0])
    guard x.shape.elementCount > 1, x.shape.columnCount == 1, out.shape.columnCount > 1,
      out.format == x.format
    else { return false }
    var chain = ElementChain()
    chain.outputs = [chain.arithmetic(.multiply, .input(0), .constant(1))]
    try plan.invoke(
      ElementChainKernel(
        "expand", shape: out.shape.dimensions,
        inputs: [
          .init(format: x.format, x.shape.dimensions, repeatedTo: out.shape.dimensions)
        ], chain: chain, outputs: [out.format]),
      [node.inputs[0], node.outputs[0]], nodes: [node])
    return true
  }

  /// The inputs whose elements move; numbers that say where are not among them.
  private func movedInputs(_ node: Node) -> [String] {
    if case .concatenate = node.operation { return node.inputs.filter { !$0.isEmpty } }
    return [node.inputs[0]]
  }

  private func join(_ node: Node, _ join: Concatenation, _ plan: LoweringPlan)
    throws(LoweringError) -> [MoveKernel.Piece]
  {
    var shapes: [TensorShape] = []
    for name in node.inputs where !name.isEmpty {
      let shape = try plan.tensor(name).shape
      if shape.elementCount > 0 { shapes.append(shape) }
    }
    let result = try plan.tensor(node.outputs[0]).shape
    let axis = result.axis(join.axis)
    var start = 0
    return shapes.enumerated().map { index, shape in
      defer { start += shape[axis] }
      return MoveKernel.Piece(
        .input(index), sizes: shape.dimensions, from: shape.strides, to: result.strides,
        atOutput: start * result.strides[axis])
    }
  }
}

/// The boxes of elements that an operator moves.
enum Boxes {
  static func transpose(_ shape: TensorShape, _ permutation: [Int]) -> MoveKernel.Piece {
    let result = TensorShape(permutation.map { shape[$0] })
    let strides = shape.strides
    return MoveKernel.Piece(
      .input(0), sizes: result.dimensions, from: permutation.map { strides[$0] },
      to: result.strides)
  }

  static func expand(_ shape: TensorShape, to result: TensorShape) -> MoveKernel.Piece {
    MoveKernel.Piece(
      .input(0), sizes: result.dimensions,
      from: IndexMap.broadcastStrides(shape, to: result), to: result.strides)
  }

  /// Each axis is two: which repetition, and where within it.
  static func tile(_ shape: TensorShape, _ repeats: [Int]) -> MoveKernel.Piece {
    let result = TensorShape(zip(shape.dimensions, repeats).map { $0 * $1 })
    var (sizes, from, to): ([Int], [Int], [Int]) = ([], [], [])
    for axis in 0..<shape.rank {
      sizes += [repeats[axis], shape[axis]]
      from += [0, shape.strides[axis]]
      to += [shape[axis] * result.strides[axis], result.strides[axis]]
    }
    return MoveKernel.Piece(.input(0), sizes: sizes, from: from, to: to)
  }

  static func slice(_ shape: TensorShape, _ slice: StridedSlice) -> MoveKernel.Piece {
    let strides = shape.strides
    return MoveKernel.Piece(
      .input(0), sizes: slice.counts, from: zip(slice.steps, strides).map { $0 * $1 },
      at: zip(slice.starts, strides).reduce(0) { $0 + $1.0 * $1.1 },
      to: TensorShape(slice.counts).strides)
  }

  static func split(_ shape: TensorShape, _ split: Split, outputs: [String])
    -> [MoveKernel.Piece]
  {
    let axis = shape.axis(split.axis)
    var start = 0
    var output = 0
    var list: [MoveKernel.Piece] = []
    for (length, name) in zip(split.lengths, outputs) {
      defer { start += length }
      if name.isEmpty { continue }
      var own = shape
      own.dimensions[axis] = length
      list.append(
        MoveKernel.Piece(
          .input(0), sizes: own.dimensions, from: shape.strides, at: start * shape.strides[axis],
          output: output, to: own.strides))
      output += 1
    }
    return list
  }

  /// Runs of known indices; nil when they are not known or too many runs.
  static func gather(_ shape: TensorShape, _ gather: AxisGather, _ indices: [Int]?)
    -> [MoveKernel.Piece]?
  {
    guard let indices, !indices.isEmpty else { return nil }
    let range = AxisRange(shape, axis: gather.axis)
    let (outer, length, inner) = (range.outer, range.reduced, range.inner)
    let chosen = indices.map { $0 < 0 ? $0 + length : $0 }
    var list: [MoveKernel.Piece] = []
    var start = 0
    while start < chosen.count {
      let step = start + 1 < chosen.count ? chosen[start + 1] - chosen[start] : 1
      var end = start + 1
      while end < chosen.count, chosen[end] - chosen[end - 1] == step { end += 1 }
      list.append(
        MoveKernel.Piece(
          .input(0), sizes: [outer, end - start, inner], from: [length * inner, step * inner, 1],
          at: chosen[start] * inner, to: [chosen.count * inner, inner, 1], atOutput: start * inner))
      guard list.count <= mostRuns else { return nil }
      start = end
    }
    return list
  }

  /// More runs than this are looked up like unknown indices.
  static let mostRuns = 64
}
