import Commands
import Synchronization

/// Remembers what it was asked to run.
final class SeenItems: WorkloadExecutor {
  private let storage = Mutex<[RunItem]>([])

  var items: [RunItem] { storage.withLock { $0 } }

  func execute(
    _ item: RunItem, progress: (String, Double?) -> Void, isCancelled: () -> Bool
  ) throws -> FinishedRun {
    storage.withLock { $0.append(item) }
    return FinishedRun(result: sampleResult(workload: item.name))
  }
}
