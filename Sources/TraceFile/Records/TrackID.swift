/// One record stream of a core's trace: the five engines first, then the sixteen DMA engines.
public struct TrackID: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The number in the file, below `count`.
  public let rawValue: UInt8

  /// Engines of one core, in the order of their tracks.
  public static let engineCount = 5
  /// DMA engines of one core.
  public static let dmaCount = 16
  /// All tracks of one core.
  public static let count = engineCount + dmaCount

  /// The tensor engine.
  public static let tensor = TrackID(unchecked: 0)
  /// The vector engine.
  public static let vector = TrackID(unchecked: 1)
  /// The scalar engine.
  public static let scalar = TrackID(unchecked: 2)
  /// The GpSimd engine.
  public static let gpsimd = TrackID(unchecked: 3)
  /// The sync engine.
  public static let sync = TrackID(unchecked: 4)

  /// All tracks in file order.
  public static let all = (0..<count).map { TrackID(unchecked: UInt8($0)) }
  /// The tracks of the five engines.
  public static let engines = Array(all.prefix(engineCount))
  /// The tracks of the DMA engines.
  public static let dmaEngines = Array(all.dropFirst(engineCount))

  init(unchecked rawValue: UInt8) { self.rawValue = rawValue }

  /// The track of that number, or nil when there is none.
  public init?(rawValue: UInt8) {
    guard rawValue < TrackID.count else { return nil }
    self.rawValue = rawValue
  }

  /// The track of DMA engine `index`, 0 to 15.
  public static func dma(_ index: Int) -> TrackID {
    precondition((0..<dmaCount).contains(index), "a core has \(dmaCount) DMA engines")
    return TrackID(unchecked: UInt8(engineCount + index))
  }

  /// Whether records on this track are transfers rather than instructions.
  @inlinable public var isDMA: Bool { rawValue >= TrackID.engineCount }

  /// Which DMA engine's track it is, 0 to 15.
  var dmaIndex: Int { Int(rawValue) - TrackID.engineCount }

  /// `tensor`, `vector`, `scalar`, `gpsimd`, `sync`, or `dma0` to `dma15`.
  public var name: String {
    isDMA
      ? "dma\(dmaIndex)"
      : TrackID.engineNames[Int(rawValue)]
  }

  /// The track of that name, or nil.
  public init?(name: some StringProtocol) {
    guard let found = TrackID.all.first(where: { $0.name == name }) else { return nil }
    self = found
  }

  private static let engineNames = ["tensor", "vector", "scalar", "gpsimd", "sync"]

  @inlinable public static func < (a: TrackID, b: TrackID) -> Bool { a.rawValue < b.rawValue }
}
