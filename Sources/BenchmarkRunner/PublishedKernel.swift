import NumericFormats
import WorkloadCatalog

/// Whole kernels whose time on a chip is published.
///
/// Source: the vendor's blocked matrix product of 4096³ in bf16 on one Trainium2 core, profiled:
/// hand-tuned, both tiles loaded again for each product (V0), rows of lhsT kept (V1). What V0 and
/// V1 leave to the compiler is not published: our eight buffers are a choice, our four rows of
/// tiles follow from the published traffic.
enum PublishedKernel {
  private static let source = "vendor's blocked matmul tutorial, profiled on Trainium2"

  /// The workload's latency beside what is published for it; empty where nothing is.
  static func measurements(_ workload: WorkloadSpecification, latencyNanoseconds: Double)
    -> [LawMeasurement]
  {
    guard case .kernel(.product(let product), let variant) = workload.body,
      workload.precision == .bfloat16,
      [product.rows, product.columns, product.depth] == [4_096, 4_096, 4_096]
    else { return [] }
    let microseconds: Double? =
      switch variant {
      case nil: 1_801
      case "v0": 8_602
      case "v1": 2_451
      default: nil
      }
    guard let microseconds else { return [] }
    let published = microseconds * 1_000
    return [
      LawMeasurement(
        name: workload.name, quantity: "latency", nanoseconds: latencyNanoseconds,
        published: published...published, source: source)
    ]
  }
}
