public import CoreState
public import NeuronCore

/// Who sees what the cores of a chip do. Blocks of one core come in its own order, from any thread.
public enum ChipWatch: Sendable {
  /// Receives a block of records of one track of a core.
  public typealias Sink<Record> =
    @Sendable (
      _ core: Int, _ track: Int, _ block: RecordBlock<Record>
    ) -> Void where Record: BitwiseCopyable & Sendable

  /// Nobody.
  case nothing
  /// Every event, in blocks of each core's pool.
  case events(pools: [Int: RecordPool<Event>], Sink<Event>)
  /// Samples at an interval of picoseconds.
  case samples(intervalPicoseconds: Int64, pools: [Int: RecordPool<Sample>], Sink<Sample>)

  /// The watcher of one core.
  func watcher(of core: Int) -> CoreWatcher {
    switch self {
    case .nothing: return CoreWatcher()
    case .events(let pools, let sink):
      return CoreWatcher(
        recording: EventRecorder(pool: pools[core]!) { track, block in sink(core, track, block) })
    case .samples(let interval, let pools, let sink):
      let sampler = Sampler(intervalPicoseconds: interval, pool: pools[core]!) { track, block in
        sink(core, track, block)
      }
      return CoreWatcher(sampling: sampler)
    }
  }
}
