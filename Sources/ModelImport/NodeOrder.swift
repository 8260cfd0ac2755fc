import ModelGraph
import ONNXSchema

/// Who makes what in a list of nodes, for messages about what is missing or made twice.
struct NodeOrder {
  private let nodes: [Onnx_NodeProto]
  private let given: Set<String>
  private let path: String

  /// - Parameter given: tensors that are there before the first node, or before the one that is
  ///   asked about.
  init(_ nodes: [Onnx_NodeProto], given: Set<String>, path: String) {
    self.nodes = nodes
    self.given = given
    self.path = path
  }

  /// Throws `producedTwice` for a tensor that has two values.
  func refuseTwins() throws(ImportError) {
    var made = given
    for node in nodes {
      for name in node.output where !name.isEmpty && !made.insert(name).inserted {
        throw .graph(path: path, error: .producedTwice(node: node.title, tensor: name))
      }
    }
  }

  /// Why a node's input is not there yet: nodes in a circle, nodes out of order, or no such tensor.
  func missing(_ tensor: String, of node: Onnx_NodeProto) -> ImportError {
    var makers: [String: Int] = [:]
    for (position, node) in nodes.enumerated() {
      for name in node.output where !name.isEmpty { makers[name] = position }
    }
    guard let maker = makers[tensor] else {
      let known = given.union(makers.keys).filter { !$0.isEmpty }
      return .noSuchTensor(
        path: path, node: node.title, tensor: tensor,
        nearest: NearestTensor.name(to: tensor, among: known))
    }
    if let circle = circle(from: maker, makers) {
      return .cycle(path: path, nodes: circle.map { nodes[$0].title })
    }
    return .graph(path: path, error: .notYetProduced(node: node.title, tensor: tensor))
  }

  /// Nodes each of which needs what the one before it makes, the first what the last makes. The
  /// walk keeps a stack of its own: files can hold very long chains.
  private func circle(from start: Int, _ makers: [String: Int]) -> [Int]? {
    func needs(_ position: Int) -> [Int] {
      nodes[position].input.filter { !given.contains($0) }.compactMap { makers[$0] }
    }
    var way: [(node: Int, rest: [Int])] = [(start, needs(start))]
    var onWay: Set<Int> = [start]
    var seen = onWay
    while let last = way.indices.last {
      guard let next = way[last].rest.popLast() else {
        onWay.remove(way.removeLast().node)
        continue
      }
      if onWay.contains(next), let first = way.firstIndex(where: { $0.node == next }) {
        return way[first...].map(\.node).reversed()
      }
      guard seen.insert(next).inserted else { continue }
      onWay.insert(next)
      way.append((next, needs(next)))
    }
    return nil
  }
}

/// The tensor that a misspelt name may mean.
enum NearestTensor {
  /// Longer names, and more of them, are not compared.
  private static let (longest, most) = (200, 20_000)

  /// The name nearest to `word`, at most a third of its letters away.
  static func name(to word: String, among known: Set<String>) -> String? {
    let letters = Array(word.lowercased())
    guard letters.count <= longest, known.count <= most else { return nil }
    var best: (distance: Int, name: String)?
    for name in known {
      let others = Array(name.lowercased())
      let limit = max(1, letters.count / 3)
      guard abs(others.count - letters.count) <= limit else { continue }
      let found = distance(letters, others)
      guard found <= limit else { continue }
      if let best, (best.distance, best.name) <= (found, name) { continue }
      best = (found, name)
    }
    return best?.name
  }

  /// Letters that are put in, left out or changed.
  private static func distance(_ first: [Character], _ second: [Character]) -> Int {
    var last = Array(0...second.count)
    for (row, letter) in first.enumerated() {
      var current = [row + 1]
      for (column, other) in second.enumerated() {
        current.append(
          min(last[column + 1] + 1, current[column] + 1, last[column] + (letter == other ? 0 : 1)))
      }
      last = current
    }
    return last[second.count]
  }
}
