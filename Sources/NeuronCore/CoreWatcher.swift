import Units

/// Who watches a core that somebody else advances: a recorder of events, or nobody.
public struct CoreWatcher: Observer, ~Copyable {
  private var recorder: EventRecorder?

  /// Nobody.
  public init() {}

  /// A recorder of events.
  public init(recording recorder: consuming EventRecorder) { self.recorder = consume recorder }

  /// Hands over what is left.
  public mutating func finish() {
    if var own = recorder.take() {
      own.finish()
      recorder = consume own
    }
  }

  /// Goes on with the step loop.
  mutating func advance(_ model: inout CoreModel, to limit: Int64) throws(RunError) {
    if recorder != nil {
      try model.advance(&recorder!, to: limit, { false })
    } else {
      var observer = NoObserver()
      try model.advance(&observer, to: limit, { false })
    }
  }

  // What is seen beside the step loop: instructions that met others.

  public mutating func ran(_ event: Event, on engine: Int) {
    if recorder != nil { recorder!.ran(event, on: engine) }
  }

  public mutating func moved(_ event: Event, engines: Int) {
    if recorder != nil { recorder!.moved(event, engines: engines) }
  }

  public mutating func streamed(_ stretch: DMAStretch) {
    if recorder != nil { recorder!.streamed(stretch) }
  }

  public mutating func went(_ step: ProgramStep, engine: Int) {
    if recorder != nil { recorder!.went(step, engine: engine) }
  }
}

/// Keeps the event of one instruction.
struct LastEvent: Observer {
  private(set) var event: Event?
  mutating func ran(_ event: Event, on engine: Int) { self.event = event }
  mutating func moved(_ event: Event, engines: Int) {}
}
