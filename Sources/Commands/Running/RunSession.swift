import BenchmarkRunner
import Dispatch
import Results
import Synchronization

/// How one item ended.
struct RunRecord: Sendable {
  /// What was to be run.
  var item: RunItem
  /// Its report, or why there is none; nil when it was never started.
  var result: Result<FinishedRun, any Error>?

  /// The exit code's outcome of this item alone.
  var outcome: Outcome {
    switch result {
    case nil: .interrupted
    case .success(let report)?: report.result.numerics.isFailed ? .runFailed : .done
    case .failure(let error)?: ErrorReport(error).outcome
    }
  }
}

/// Runs items, several at a time if asked, and keeps their order.
struct RunSession {
  let environment: CommandEnvironment
  /// Independent runs at a time, at least 1.
  let jobs: Int
  let progress: RunProgress

  /// Runs all items; an interruption leaves the rest without a result.
  func run(_ items: [RunItem]) -> [RunRecord] {
    let records = Mutex(items.map { RunRecord(item: $0, result: nil) })
    let next = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: max(1, min(jobs, items.count))) { _ in
      while !environment.interruption.isRequested {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < items.count else { return }
        let result = run(items[index], index)
        records.withLock { $0[index].result = result }
      }
    }
    progress.finish()
    return records.withLock { $0 }
  }

  private func run(_ item: RunItem, _ index: Int) -> Result<FinishedRun, any Error>? {
    let interruption = environment.interruption
    progress.begin(index, item.name)
    defer { progress.end(index) }
    do {
      return .success(
        try environment.executor.execute(
          item, progress: { progress.update(index, phase: $0, fraction: $1) },
          isCancelled: { interruption.isRequested }))
    } catch let error as RunnerError where error.outcome == .interrupted {
      return nil
    } catch {
      return .failure(error)
    }
  }
}
