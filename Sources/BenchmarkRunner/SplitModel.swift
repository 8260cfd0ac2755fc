import CoreState
import InstructionSet
import Lowering
import ModelGraph
import NeuronChip

/// A model that ranks have parts of: the program of each rank and the graph of the whole.
///
/// A rank's tensors have the names of the whole model's. One that is shorter along an axis is the
/// rank's part of it, in the order of the ranks; the others are the same on every rank.
struct SplitModel: Sendable {
  /// Where a tensor is cut.
  struct Cut: Hashable, Sendable {
    /// Runs that each rank has a part of.
    var outer: Int
    /// Elements of a run that belong to one rank.
    var part: Int
    /// Ranks that the tensor is dealt over: 1 where all have the same.
    var ranks: Int
  }

  /// What each rank runs.
  let lowered: LoweredGraph
  /// The whole model.
  let wholeGraph: Graph
  /// Cores that work together.
  let ranks: Int

  init(lowered: LoweredGraph, whole: Graph, ranks: Int) {
    self.lowered = lowered
    wholeGraph = whole
    self.ranks = ranks
  }

  /// The whole tensor that a rank has a part of; its own declaration where the whole has none.
  func whole(_ tensor: TensorDeclaration) -> TensorDeclaration {
    wholeGraph.tensor(tensor.name) ?? tensor
  }

  /// Where a rank's tensor is cut out of the whole one.
  func cut(_ tensor: TensorDeclaration) -> Cut {
    let (own, whole) = (tensor.shape.dimensions, whole(tensor).shape.dimensions)
    guard own.count == whole.count, let axis = own.indices.first(where: { own[$0] != whole[$0] })
    else { return Cut(outer: 1, part: tensor.shape.elementCount, ranks: 1) }
    return Cut(
      outer: own.prefix(axis).reduce(1, *), part: own.dropFirst(axis).reduce(1, *),
      ranks: whole[axis] / own[axis])
  }
}

extension SplitModel {
  /// Gives each core its part of the seeded tensors.
  func fill(_ chip: borrowing ChipModel, seed: UInt64) {
    for tensor in lowered.graph.givenTensors {
      guard let index = lowered.allocations[tensor.name] else { continue }
      let address = lowered.program.tensors[index].address
      let values = DeviceTensor(filling: whole(tensor), seed: seed)
      for rank in 0..<ranks {
        let part = values.part(rank, of: cut(tensor))
        chip.withCore(rank) { core in part.upload(to: core.hbm, at: address) }
      }
    }
  }
}

extension SplitModel.Cut {
  /// The elements of a whole tensor that a rank has.
  func part<Element>(_ rank: Int, of whole: [Element]) -> [Element] {
    guard ranks > 1 else { return whole }
    return (0..<outer).flatMap { run -> ArraySlice<Element> in
      let start = (run * ranks + rank) * part
      return whole[start..<start + part]
    }
  }

  /// The whole tensor of all ranks' parts.
  func joined<Element>(_ parts: [[Element]]) -> [Element] {
    guard ranks > 1 else { return parts[0] }
    return (0..<outer).flatMap { run in
      parts.flatMap { $0[run * part..<(run + 1) * part] }
    }
  }
}

extension DeviceTensor {
  /// The elements that a rank has.
  func part(_ rank: Int, of cut: SplitModel.Cut) -> DeviceTensor {
    switch self {
    case .halves(let values): .halves(cut.part(rank, of: values))
    case .words(let values): .words(cut.part(rank, of: values))
    case .bytes(let values): .bytes(cut.part(rank, of: values))
    }
  }
}
