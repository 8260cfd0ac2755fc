/// The state of the sources that produced a result.
package struct SourceState: Hashable, Sendable {
  /// The full commit hash, or `unknown`.
  package var commit: String
  /// True when the working tree differed from the commit.
  package var isDirty: Bool

  package init(commit: String, isDirty: Bool) {
    self.commit = commit
    self.isDirty = isDirty
  }

  /// Without git or outside a repository.
  package static let unknown = SourceState(commit: "unknown", isDirty: false)

  /// True when the commit alone says exactly which sources ran.
  package var isExact: Bool { commit != "unknown" && !isDirty }

  /// The folder's name under `Results/`: twelve digits of the hash, `-dirty` where it applies.
  package var folderName: String { commit.prefix(12) + (isDirty ? "-dirty" : "") }
}

extension RunResult {
  /// What the run would have to share with another to be expected to repeat it, as name and value.
  ///
  /// The version and shape of a workload follow from a clean commit; a dirty tree may be edited
  /// between two runs, and a user's own file changed, and then the later run replaces the earlier.
  package var identity: [(field: String, value: String)] {
    var fields = [
      ("workload", workload), ("device", device), ("mode", mode.rawValue),
      ("variant", variant ?? "none"), ("seed", "\(seed)"), ("commit", source.commit),
      ("dirty", "\(source.isDirty)"), ("precision", work.precision ?? "none"),
    ]
    if source.isExact, !isOfOwnFile {
      fields.append(("workload_version", work.workloadVersion ?? "none"))
      fields.append(("shape", shapeText))
    }
    return fields.map { (field: $0.0, value: $0.1) }
  }

  /// The identity in one line.
  package var identityText: String {
    identity.map { "\($0.field)=\($0.value)" }.joined(separator: " ")
  }

  /// The shape in one line, names in alphabetical order.
  package var shapeText: String {
    if work.shape.isEmpty { return "none" }
    return work.shape.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
      .joined(separator: " ")
  }

  /// What the workload of a model's file is called before the file's name.
  package static let modelPrefix = "model/"
  /// What the workload of a program's file is called before the file's name.
  package static let programPrefix = "program/"

  /// Whether a file of the user's ran, a model or a program: many are called `model.onnx`, and no
  /// commit says what is in them, so that a later run replaces an earlier one.
  private var isOfOwnFile: Bool {
    workload.hasPrefix(Self.modelPrefix) || workload.hasPrefix(Self.programPrefix)
  }

  /// The first simulated metric in which two runs of one clean identity differ, as an error;
  /// nil if they agree or need not.
  package func determinismViolation(against other: RunResult) -> ResultsError? {
    guard source.isExact, !isOfOwnFile, identityText == other.identityText else { return nil }
    let names = Set(metrics.keys).union(other.metrics.keys).sorted()
    for name in names {
      guard let mine = metrics[name], let theirs = other.metrics[name] else { continue }
      guard mine.kind == .simulated, theirs.kind == .simulated else { continue }
      if mine.value == theirs.value { continue }
      return .determinismViolation(
        identity: identityText, metric: name, first: theirs.value.description,
        second: mine.value.description)
    }
    return nil
  }

  /// `<commit>[-dirty]/<device>/<family>/<name>[.<mode>][.<variant>].json`.
  ///
  /// The usual mode, functional, is not named; a seed other than 0 joins the variant. Throws
  /// `invalidName` when a part holds a character that does not belong in a path.
  package func relativePath() throws(ResultsError) -> String {
    let parts = workload.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    for part in parts { try Self.checkPathPart(part, field: "workload", whole: workload) }
    try Self.checkPathPart(device, field: "device", whole: device)
    try Self.checkPathPart(source.commit, field: "commit", whole: source.commit)
    var suffixes: [String] = []
    if mode != .functional { suffixes.append(mode.rawValue) }
    if let variant {
      try Self.checkPathPart(variant, field: "variant", whole: variant)
      suffixes.append(variant)
    }
    if seed != 0 { suffixes.append("seed\(seed)") }
    let name = ([workload] + suffixes).joined(separator: ".")
    return "\(source.folderName)/\(device)/\(name).json"
  }

  private static func checkPathPart(
    _ part: String, field: String, whole: String
  ) throws(ResultsError) {
    let isPlain = part.unicodeScalars.allSatisfy { scalar in
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "-", "+": true
      default: false
      }
    }
    guard isPlain, !part.isEmpty, !part.hasPrefix(".") else {
      throw .invalidName(field: field, value: whole)
    }
  }
}
