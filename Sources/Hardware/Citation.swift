/// A short name that sources of constants use, and the public material behind it.
public struct Citation: Hashable, Sendable {
  /// The words as they stand in `Constant.source`.
  public var key: String
  /// Where to find it.
  public var work: String

  /// Every short name. Names of vendor guides are not listed: they are their pages' titles.
  public static let all: [Citation] = [
    Citation(
      key: "profiler captures, attention s=512",
      work: "github.com/allenkchau/trainium-kernel-fusion, profiling/artifacts: four captures of "
        + "softmax(QK^T)V on one core of a trn2.3xlarge, fused and baseline, BF16 and FP32"),
    Citation(
      key: "AKS", work: "the start-to-start intervals of all captures in the same repository"),
    Citation(
      key: "three small matmul captures on inf2",
      work: "published profiler captures of matrix products on one Inferentia2 core"),
    Citation(
      key: "published matmul sweep on inf2",
      work: "github.com/AnchovyPark/npu_profiling_code: profiler captures of products 128x128xN on "
        + "one Inferentia2 core"),
    Citation(
      key: "published bandwidth probe",
      work: "github.com/pantheongpu/pantheonneuron: sustained rates on Trainium1 and Inferentia2"),
    Citation(
      key: "VOY",
      work: "github.com/Joejoedesu/voyager-compiler: about 93 probe programs on Trainium2"),
    Citation(
      key: "DN", work: "DeltaNet decode-layer optimization, public notes measured on Trainium2"),
    Citation(
      key: "KDA",
      work: "github.com/Jerry2423/kda-for-trainium; its times are half of the device's"),
    Citation(
      key: "MIN_II", work: "minimum initiation interval in the instruction reference, SDK 2.26"),
  ]
}
