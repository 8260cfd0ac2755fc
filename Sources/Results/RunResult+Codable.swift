extension RunResult: Codable {
  private enum Key: String, CodingKey {
    case schema, workload, device, mode, variant, seed, commit, dirty, started, host, metrics
    case numerics, model, trace, operation, shape, precision, flops, bytes
    case coverage, cores
    case workloadVersion = "workload_version"
    case hbmFootprintBytes = "hbm_footprint_bytes"
    case nonFinite = "non_finite"
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    let found = try fields.decode(Int.self, forKey: .schema)
    guard found == Self.schema else { throw SchemaMismatch(found: found) }
    self.init(
      workload: try fields.decode(String.self, forKey: .workload),
      device: try fields.decode(String.self, forKey: .device),
      mode: try fields.decode(RunMode.self, forKey: .mode),
      variant: try fields.decodeIfPresent(String.self, forKey: .variant),
      seed: try fields.decode(UInt64.self, forKey: .seed),
      source: SourceState(
        commit: try fields.decode(String.self, forKey: .commit),
        isDirty: try fields.decode(Bool.self, forKey: .dirty)),
      started: try fields.decode(String.self, forKey: .started),
      host: try fields.decode([String: String].self, forKey: .host),
      metrics: try fields.decode([String: Metric].self, forKey: .metrics),
      work: try Self.decodeWork(fields),
      numerics: try fields.decode(NumericsReport.self, forKey: .numerics),
      model: try fields.decode(ModelReport.self, forKey: .model),
      trace: try fields.decodeIfPresent(String.self, forKey: .trace))
  }

  private static func decodeWork(_ fields: KeyedDecodingContainer<Key>) throws -> WorkDescription {
    WorkDescription(
      workloadVersion: try fields.decodeIfPresent(String.self, forKey: .workloadVersion),
      operation: try fields.decodeIfPresent(String.self, forKey: .operation),
      shape: try fields.decodeIfPresent([String: String].self, forKey: .shape) ?? [:],
      precision: try fields.decodeIfPresent(String.self, forKey: .precision),
      flops: try fields.decodeIfPresent(Int64.self, forKey: .flops),
      bytes: try fields.decodeIfPresent(Int64.self, forKey: .bytes),
      hbmFootprintBytes: try fields.decodeIfPresent(Int64.self, forKey: .hbmFootprintBytes),
      coverage: try fields.decodeIfPresent(Coverage.self, forKey: .coverage),
      cores: try fields.decodeIfPresent(Int.self, forKey: .cores),
      nonFinite: try fields.decodeIfPresent([NonFiniteValues].self, forKey: .nonFinite) ?? [])
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(Self.schema, forKey: .schema)
    try fields.encode(workload, forKey: .workload)
    try fields.encode(device, forKey: .device)
    try fields.encode(mode, forKey: .mode)
    try fields.encode(variant, forKey: .variant)
    try fields.encode(seed, forKey: .seed)
    try fields.encode(source.commit, forKey: .commit)
    try fields.encode(source.isDirty, forKey: .dirty)
    try fields.encode(started, forKey: .started)
    try fields.encode(host, forKey: .host)
    try fields.encode(metrics, forKey: .metrics)
    try fields.encode(work.workloadVersion, forKey: .workloadVersion)
    try fields.encode(work.operation, forKey: .operation)
    try fields.encode(work.shape, forKey: .shape)
    try fields.encode(work.precision, forKey: .precision)
    try fields.encode(work.flops, forKey: .flops)
    try fields.encode(work.bytes, forKey: .bytes)
    try fields.encode(work.hbmFootprintBytes, forKey: .hbmFootprintBytes)
    try fields.encode(work.coverage, forKey: .coverage)
    try fields.encodeIfPresent(work.cores, forKey: .cores)
    if !work.nonFinite.isEmpty { try fields.encode(work.nonFinite, forKey: .nonFinite) }
    try fields.encode(numerics, forKey: .numerics)
    try fields.encode(model, forKey: .model)
    try fields.encode(trace, forKey: .trace)
  }
}

/// Thrown while decoding, turned into `ResultsError.unsupportedSchema` where the path is known.
struct SchemaMismatch: Error {
  var found: Int
}
