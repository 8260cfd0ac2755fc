import CoreState
import InstructionSet
import NumericFormats

/// What the ranks of a collective hold afterwards.
///
/// Sums, minima and maxima are formed in fp32 in the order of the ranks. What is gathered or
/// scattered is cut along the free dimension in SBUF, and as one row in HBM; a permutation hands
/// each rank's elements to the next one.
/// Source: NKI collectives reference; the order of a sum is not published.
struct CollectiveValues {
  /// The instruction of each rank, in the order of the ranks.
  let instructions: [Collective]
  /// Raw elements that each rank brings.
  let contributions: [[UInt32]]

  private var ranks: Int { instructions.count }

  /// Raw elements for the destination of each rank.
  func results() -> [[UInt32]] {
    switch instructions[0].kind {
    case .allReduce: reduced().map { $0 }
    case .reduceScatter: scattered(reduced())
    case .allGather, .allGatherVariable: (0..<ranks).map { gathered(for: $0) }
    case .allToAll, .allToAllVariable: exchanged()
    case .permute, .permuteImplicit, .permuteImplicitReduce:
      (0..<ranks).map { recoded(contributions[($0 + ranks - 1) % ranks], from: $0 + ranks - 1, $0) }
    }
  }

  /// Elements of one rank in the format of another's destination.
  private func recoded(_ bits: [UInt32], from sender: Int, _ receiver: Int) -> [UInt32] {
    let source = instructions[sender % ranks].source.format
    let destination = instructions[receiver].destination.format
    if source == destination { return bits }
    return bits.map { destination.encode(source.decode($0)) }
  }

  /// The combination of all ranks, in each rank's own format.
  private func reduced() -> [[UInt32]] {
    var sum = contributions[0].map { instructions[0].source.format.decode($0) }
    for rank in 1..<ranks {
      let format = instructions[rank].source.format
      for index in sum.indices {
        let value = format.decode(contributions[rank][index])
        switch instructions[0].operation {
        case .min: sum[index] = min(sum[index], value)
        case .max: sum[index] = max(sum[index], value)
        default: sum[index] += value
        }
      }
    }
    return instructions.map { instruction in
      sum.map { instruction.destination.format.encode($0) }
    }
  }

  /// Elements of one row: those of a partition in SBUF, all in HBM.
  private static func rowLength(_ location: DataLocation) -> Int {
    switch location {
    case .onChip(let access): access.columns
    case .hbm(let access): access.count
    }
  }

  private func scattered(_ whole: [[UInt32]]) -> [[UInt32]] {
    (0..<ranks).map { rank in
      let part = Self.rowLength(instructions[rank].destination)
      let row = part * ranks
      return stride(from: 0, to: whole[rank].count, by: row).flatMap { start in
        whole[rank][start + rank * part..<start + (rank + 1) * part]
      }
    }
  }

  private func gathered(for receiver: Int) -> [UInt32] {
    let part = Self.rowLength(instructions[receiver].source)
    let parts = (0..<ranks).map { recoded(contributions[$0], from: $0, receiver) }
    return stride(from: 0, to: parts[0].count, by: part).flatMap { start in
      parts.flatMap { $0[start..<start + part] }
    }
  }

  private func exchanged() -> [[UInt32]] {
    (0..<ranks).map { receiver in
      (0..<ranks).flatMap { sender -> [UInt32] in
        let part = contributions[sender].count / ranks
        let piece = contributions[sender][receiver * part..<(receiver + 1) * part]
        return recoded(Array(piece), from: sender, receiver)
      }
    }
  }
}
