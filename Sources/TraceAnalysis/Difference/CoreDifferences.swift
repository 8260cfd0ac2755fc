package import Foundation
import TraceFile
import Units

/// Where the time moved between two runs of several cores, core by core and in all.
package struct CoreDifferences: Sendable {
  /// Each core's name and difference.
  package let cores: [(core: String, difference: TraceDifference)]

  /// The difference of each core.
  package init(_ cores: [(core: String, difference: TraceDifference)]) { self.cores = cores }

  /// The lengths of the runs, which end with their last cores.
  package var longest: (base: Int64, new: Int64) {
    (
      cores.map(\.difference.base.duration.value).max() ?? 0,
      cores.map(\.difference.new.duration.value).max() ?? 0
    )
  }

  /// The cores' changes added up.
  package var change: Int64 { cores.reduce(0) { $0 + $1.difference.change } }

  /// All cores' critical paths, which add up to `change`; nil when one of them has none.
  package var path: [TraceDifference.Part]? {
    let paths = cores.compactMap(\.difference.path)
    return paths.count == cores.count ? TraceDifference.sum(paths) : nil
  }

  /// What the reader must know of how exact the parts are.
  package var notes: [String] {
    cores.reduce(into: []) { notes, core in
      notes += core.difference.notes.filter { !notes.contains($0) }
    }
  }

  /// All cores' engines; the parts of each engine add up to `change`.
  package var engines: [TraceDifference.Part] {
    TraceDifference.sum(cores.map(\.difference.engines))
  }

  /// Those whose change is more than the samples of all cores may be off by.
  package var certainEngines: [TraceDifference.Part] {
    let uncertainty = cores.reduce(0) { $0 + $1.difference.uncertainty }
    return engines.filter { $0.change.magnitude > uncertainty }
  }
}

/// The JSON of `trace diff` of two folders; keys are the property names in snake case.
package struct CoreDifferencesDocument: Codable, Equatable, Sendable {
  /// One core.
  package struct Core: Codable, Equatable, Sendable {
    /// Its name.
    package var core: String
    /// Its difference.
    package var difference: DifferenceDocument
  }

  /// All cores together.
  package struct Total: Codable, Equatable, Sendable {
    /// The length of the base, to the end of its last core.
    package var basePs: Int64
    /// The length of the new run.
    package var newPs: Int64
    /// The changes of all cores added up: what `path`, and each engine of `engines`, add up to.
    package var changePs: Int64
    /// All cores' critical paths; null when one of them cannot be followed.
    package var path: [DifferenceDocument.Part]?
    /// All cores' engines.
    package var engines: [DifferenceDocument.Part]
  }

  /// The version of this document.
  package var schema = 1
  /// In order of the cores.
  package var cores: [Core]
  /// See `Total`.
  package var total: Total

  /// The document of some differences.
  package init(_ differences: CoreDifferences) {
    cores = differences.cores.map { Core(core: $0.core, difference: .init($0.difference)) }
    let (base, new) = differences.longest
    total = Total(
      basePs: base, newPs: new, changePs: differences.change,
      path: differences.path?.map(DifferenceDocument.part),
      engines: differences.engines.map(DifferenceDocument.part))
  }

  /// The JSON text; equal documents give equal bytes.
  package func json() throws -> Data { try DifferenceDocument.encoder.encode(self) }
}
