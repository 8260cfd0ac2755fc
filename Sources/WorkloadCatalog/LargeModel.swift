import ModelGraph
import NumericFormats

/// A model that needs more than one chip, from `Workloads/large/`: it is listed with what it needs,
/// and not run, since the cores of one chip are all that is joined.
package struct LargeModel: Hashable, Sendable {
  /// `family/name`, as of workloads.
  package let name: String
  /// One line for people.
  package let title: String
  /// The chip that the number of chips is of unless another is asked for.
  package let device: String
  /// Bytes of HBM that a parameter takes.
  package let bytesPerParameter: Int
  /// What these bytes are.
  package let contents: String
  /// Parameters of the whole model.
  package let parameterCount: Int
  /// Workloads in its place that one chip carries out.
  package let onOneChip: [String]
  /// Where the numbers come from.
  package let source: String

  /// Bytes that the parameters take, what is computed on the way aside.
  package var bytes: Int { parameterCount * bytesPerParameter }

  /// Chips of so many bytes that hold the parameters.
  package func chips(of bytesPerChip: Int) -> Int { (bytes + bytesPerChip - 1) / bytesPerChip }

  /// Reads a file. Throws what `YAMLSection` finds, and `badValue` for a place that names no
  /// workload of `workloads`.
  static func read(
    contentsOf path: String, name: String, workloads: [String],
    architecture: (String) throws(WorkloadError) -> ModelArchitecture
  ) throws(WorkloadError) -> LargeModel {
    var section = try YAMLSection(contentsOf: path, name: "the model")
    guard try section.text("name") == name else {
      throw section.badValue("name", expected: "'\(name)', as the file's place says")
    }
    let onOneChip = try section.located("on_one_chip")
    for entry in onOneChip where !workloads.contains(entry.text) {
      throw .badValue(
        entry.location, key: "on_one_chip", expected: "a workload's name",
        found: "'\(entry.text)'", nearest: NearestName.find(entry.text, in: workloads))
    }
    let model = LargeModel(
      name: name, title: try section.text("title"), device: try section.text("device"),
      bytesPerParameter: try section.integer("bytes_per_parameter", atMost: 1_024),
      contents: try section.text("contents"),
      parameterCount: try parameterCount(architecture(section.text("architecture")), name),
      onOneChip: onOneChip.map(\.text), source: try section.text("source"))
    try section.finish()
    return model
  }

  /// The numbers that a decoder's graph draws: its weights.
  private static func parameterCount(_ model: ModelArchitecture, _ name: String)
    throws(WorkloadError) -> Int
  {
    let parameters = DecoderParameters(
      architecture: model, phase: .decode, batch: 1, tokens: 1, context: 2)
    do {
      return try DecoderGraphs(parameters, format: .bfloat16).model(named: name).givenTensors
        .filter { $0.role == .weight && $0.fill.isDrawn }
        .reduce(0) { $0 + $1.shape.elementCount }
    } catch { throw .graph(workload: name, error) }
  }
}
