import InstructionSet

/// Two lowered programs made one: tensors that both name are shared, and invocations are bound to
/// the data of each step.
struct JoinedProgram {
  private(set) var program: Program
  private var mapping: [Int: Int] = [:]

  /// Begins with a program's segments and tensors, and none of its invocations.
  init(_ first: Program) {
    program = first
    program.invocations = []
  }

  /// Adds a tensor like another one, in memory of its own, with views of it like the other's
  /// views; returns the index that takes each one's place.
  mutating func copy(of index: Int, name: String) -> [Int: Int] {
    let original = program.tensors[index]
    let base = end
    var copies: [Int: Int] = [:]
    var tensor = original
    tensor.name = name
    tensor.address = base
    program.tensors.append(tensor)
    let root = program.tensors.count - 1
    copies[index] = root
    for view in program.tensors.indices where program.tensors[view].aliasOf == index {
      var own = program.tensors[view]
      own.name = "\(name)/\(own.name)"
      own.address += base - original.address
      own.aliasOf = root
      program.tensors.append(own)
      copies[view] = program.tensors.count - 1
    }
    return copies
  }

  private var end: Int { (program.hbmBytes + 4_095) / 4_096 * 4_096 }

  /// Adds another program's segments and tensors; `sharing` names tensors of the second that are
  /// tensors of the first. Returns what its segment indices are raised by.
  mutating func append(_ second: Program, sharing: [Int: Int]) -> Int {
    let offset = program.segments.count
    program.segments += second.segments
    let base = end
    for (index, tensor) in second.tensors.enumerated() {
      if let shared = sharing[index] {
        mapping[index] = shared
      } else {
        var moved = tensor
        moved.address += base
        // A view lies in its root, wherever that went; roots come first.
        if let root = tensor.aliasOf, let own = mapping[root] {
          moved.aliasOf = own
          moved.address =
            program.tensors[own].address + tensor.address - second.tensors[root].address
        }
        program.tensors.append(moved)
        mapping[index] = program.tensors.count - 1
      }
    }
    return offset
  }

  /// The index in the joined program of a tensor of the second one.
  func mapped(_ index: Int) -> Int { mapping[index] ?? index }

  /// Adds invocations of the first program with some tensors replaced.
  mutating func invoke(
    _ invocations: [Invocation], segmentOffset: Int, replacing: [Int: Int]
  ) {
    for invocation in invocations {
      program.invocations.append(
        Invocation(
          segment: invocation.segment + segmentOffset,
          tensors: invocation.tensors.map { replacing[$0] ?? $0 }, layer: invocation.layer))
    }
  }

  /// Adds invocations of the second program with some tensors replaced.
  mutating func invokeAppended(
    _ invocations: [Invocation], segmentOffset: Int, replacing: [Int: Int]
  ) {
    let moved = invocations.map { invocation in
      Invocation(
        segment: invocation.segment, tensors: invocation.tensors.map(mapped),
        layer: invocation.layer)
    }
    invoke(moved, segmentOffset: segmentOffset, replacing: replacing)
  }
}
