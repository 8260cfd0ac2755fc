import Synchronization
import TerminalUI

/// One progress line for several runs at once; silent where standard error is no terminal.
final class RunProgress: Sendable {
  private struct State {
    var reporter: ProgressReporter
    var running: [Int: (name: String, phase: String, fraction: Double)] = [:]
    var finished = 0
  }

  private let state: Mutex<State>
  private let total: Int
  private let clock: @Sendable () -> Double
  private let start: Double

  /// `isShown` is false where the output is a document for machines.
  init(_ environment: CommandEnvironment, total: Int, isShown: Bool) {
    var terminal = environment.errorTerminal
    if !isShown { terminal.isTerminal = false }
    let sink = environment.errors
    // Progress that cannot be shown is no reason to stop a run.
    let reporter = ProgressReporter(terminal: terminal) { try? sink.write($0) }
    state = Mutex(State(reporter: reporter))
    self.total = total
    clock = environment.clock
    start = environment.clock()
  }

  func begin(_ index: Int, _ name: String) {
    change { $0.running[index] = (name, "starting", 0) }
  }

  func update(_ index: Int, phase: String, fraction: Double?) {
    change {
      $0.running[index]?.phase = phase
      if let fraction { $0.running[index]?.fraction = fraction }
    }
  }

  func end(_ index: Int) {
    change {
      $0.running[index] = nil
      $0.finished += 1
    }
  }

  /// Wipes the line, so that results follow on a clean one.
  func finish() { state.withLock { $0.reporter.finish() } }

  private func change(_ body: (inout State) -> Void) {
    state.withLock { state in
      body(&state)
      guard let first = state.running.min(by: { $0.key < $1.key }) else { return }
      let parts = state.running.values.reduce(Double(state.finished)) { $0 + $1.fraction }
      let others = state.running.count > 1 ? " and \(state.running.count - 1) more" : ""
      let title =
        "\(first.key + 1)/\(total) \(first.value.name): \(first.value.phase)\(others)"
      state.reporter.update(
        ProgressLine(
          title: title, done: Int64(100 * parts / Double(max(1, total))), total: 100,
          elapsedSeconds: clock() - start, unit: "%"))
    }
  }
}
