import Units

/// Who watches a core that somebody else advances: nobody, a recorder of events, or a sampler.
public struct CoreWatcher: ~Copyable {
  private var recorder: EventRecorder?
  private var sampler: Sampler?

  /// Nobody.
  public init() {}

  /// A recorder of every event.
  public init(recording recorder: consuming EventRecorder) { self.recorder = consume recorder }

  /// A sampler.
  public init(sampling sampler: consuming Sampler) { self.sampler = consume sampler }

  /// Hands over what is left.
  public mutating func finish() {
    if var own = recorder.take() {
      own.finish()
      recorder = consume own
    }
    if var own = sampler.take() {
      own.finish()
      sampler = consume own
    }
  }

  /// Goes on with the step loop.
  mutating func advance(_ model: inout CoreModel, to limit: Int64) throws(RunError) {
    if recorder != nil {
      try model.advance(&recorder!, to: limit, { false })
    } else if sampler != nil {
      try model.advance(&sampler!, to: limit, { false })
    } else {
      var observer = NoObserver()
      try model.advance(&observer, to: limit, { false })
    }
  }

  /// An instruction that met others ran.
  mutating func ran(_ event: Event, on engine: Int) {
    if recorder != nil { recorder!.ran(event, on: engine) }
    if sampler != nil { sampler!.ran(event, on: engine) }
  }
}

/// Keeps the event of one instruction.
struct LastEvent: Observer {
  private(set) var event: Event?
  mutating func ran(_ event: Event, on engine: Int) { self.event = event }
  mutating func moved(_ event: Event, engines: Int) {}
}
