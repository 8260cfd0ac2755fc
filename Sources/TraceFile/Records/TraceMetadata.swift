import Foundation

/// What the recorder says about the run: key and value texts, written before the first record.
package struct TraceMetadata: Equatable, Sendable {
  /// The entries; written in order of key, so that equal entries give equal bytes.
  package var entries: [String: String]

  package init(_ entries: [String: String] = [:]) { self.entries = entries }

  /// Keys that the tools look for.
  package enum Key {
    /// The recorder's name and version.
    package static let tool = "tool_version"
    /// The modelled device.
    package static let device = "device"
    /// The workload as `family/name`.
    package static let workload = "workload"
    /// `functional` or `timing`.
    package static let mode = "mode"
    /// The run's seed.
    package static let seed = "seed"
    /// Picoseconds between samples.
    package static let sampleInterval = "sample_interval_ps"
    /// What was recorded: `samples`, `events`, `window` or `ring`.
    package static let recording = "recording"
    /// The picoseconds that a window begins and ends at.
    package static let windowFrom = "window_from_ps"
    /// See `windowFrom`.
    package static let windowTo = "window_to_ps"
    /// Floating-point operations per second of the tensor engine at its peak, in the workload's
    /// precision.
    package static let peakFlops = "peak_flops_per_second"
    /// Bytes per second that one core moves to and from HBM, at its peak.
    package static let hbmBandwidth = "hbm_bytes_per_second"
    /// The number of the core, where several ran side by side.
    package static let core = "core"
    /// How many cores ran side by side.
    package static let coreCount = "core_count"
    /// How many neighbours are one logical core, where several cores ran side by side.
    package static let coresPerLogicalCore = "cores_per_logical_core"
    /// The groups of cores that collectives name, such as `0,1;2,3`; absent where all cores are the
    /// only one.
    package static let collectiveGroups = "collective_groups"
    /// Floating-point operations that the model needs, transposes and recomputation left out.
    package static let modelFlops = "model_flops"
  }

  /// The document in the file: the entries and the table of columns that makes it self-describing.
  private struct Document: Codable {
    var format: String
    var metadata: [String: String]
    var schema: [ColumnDescription]
  }

  /// The JSON text of the metadata frame, with a line feed after it.
  func encoded() throws(TraceError) -> [UInt8] {
    let document = Document(
      format: "trntrace", metadata: entries, schema: ColumnDescription.schema)
    return try encodeJSON(document)
  }

  init(decoding bytes: [UInt8]) throws {
    entries = try JSONDecoder().decode(Document.self, from: Data(bytes)).metadata
  }
}

/// JSON with sorted keys and a line feed: equal values give equal bytes.
func encodeJSON(_ value: some Encodable) throws(TraceError) -> [UInt8] {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  do { return try [UInt8](encoder.encode(value)) + [UInt8(ascii: "\n")] } catch {
    throw .encoding("JSON: \(error)")
  }
}
