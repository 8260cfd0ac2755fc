public import CoreState
public import NeuronCore

/// Who sees what the cores of a chip do. Blocks of one core come in its own order, from any thread.
public enum ChipWatch: Sendable {
  /// Receives a block of records of one track of a core.
  public typealias Sink =
    @Sendable (_ core: Int, _ track: Int, _ block: RecordBlock<EventRecord>) -> Void

  /// Nobody.
  case nothing
  /// Events, in blocks of each core's pool.
  case events(EventRecorder.Extent, pools: [Int: RecordPool<EventRecord>], Sink)

  /// The watcher of one core.
  func watcher(of core: Int) -> CoreWatcher {
    guard case .events(let extent, let pools, let sink) = self else { return CoreWatcher() }
    return CoreWatcher(
      recording: EventRecorder(extent, pool: pools[core]!) { track, block in
        sink(core, track, block)
      })
  }
}
