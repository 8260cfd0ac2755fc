import TraceFile
import Units

/// The chain of records that the end of a run, or of a part of it, waited for.
///
/// Each step owns a stretch of time: its work as far as the next step did not begin, and the gap
/// before it. Stretches meet without gap or overlap, so that they add up to the whole.
package struct CriticalPath: Sendable {
  /// One record on the path.
  package struct Step: Sendable {
    /// The record.
    package var reference: EventReference
    /// Why it did not start earlier.
    package var cause: Cause
    /// Where the gap before it begins.
    package var gapFrom: Int64
    /// Where its work begins.
    package var from: Int64
    /// Where the next step takes over.
    package var to: Int64
  }

  /// Where a part of the time went.
  package struct Part: Hashable, Sendable {
    /// An engine's name, or `dma`.
    package var engine: String
    /// `busy`, or why nothing on the path worked: the names of `Cause.Kind`, and `end` after the
    /// last record.
    package var cause: String
    /// The kernel that the record belongs to.
    package var kernel: String

    package init(engine: String, cause: String, kernel: String) {
      self.engine = engine
      self.cause = cause
      self.kernel = kernel
    }
  }

  /// A part of the path's time: the work of one record, or a gap before one.
  struct Share {
    var reference: EventReference
    /// Why nothing worked; nil where the record did.
    var cause: Cause.Kind?
    var time: Int64
  }

  /// From the last record to the first.
  package private(set) var steps: [Step] = []
  /// The beginning of what the path covers.
  package let from: Int64
  /// The end.
  package let to: Int64

  /// Follows the causes back from the record that is busy last in the window.
  package init(_ graph: CauseGraph) {
    (from, to) = (graph.window.from, graph.window.to)
    guard let last = graph.last else { return }
    var reference = last
    var until = min(to, max(from, graph.window[last].end.value))
    // A path visits a record once; the limit ends a walk through a forged file.
    while steps.count <= graph.window.count {
      let event = graph.window[reference]
      let start = min(until, max(from, event.start.value))
      let cause = graph.cause(of: reference)
      var step = Step(reference: reference, cause: cause, gapFrom: from, from: start, to: until)
      guard let source = cause.source, start > from else {
        steps.append(step)
        return
      }
      step.gapFrom = min(start, max(from, graph.window[source].end.value))
      steps.append(step)
      until = step.gapFrom
      reference = source
    }
  }

  /// What a step's time went to; the shares add up to `step.to - step.gapFrom`.
  ///
  /// Records of an engine overlap where it is a pipeline: weights are loaded while the product
  /// before still streams. Such time is the earlier record's, as in the engine's totals, so that no
  /// row has more of the path than it was busy.
  static func shares(_ step: Step, _ cover: BusyCover) -> [Share] {
    let (engine, index) = (Int(step.reference.track), Int(step.reference.index))
    let (work, gap) = (step.to - step.from, step.from - step.gapFrom)
    guard engine < TrackID.engineCount else {
      return [
        Share(reference: step.reference, time: work),
        Share(reference: step.reference, cause: step.cause.kind, time: gap),
      ]
    }
    func split(_ from: Int64, _ to: Int64, else cause: Cause.Kind?) -> [Share] {
      cover.split(engine: engine, index: index, from: from, to: to).map { part in
        guard let index = part.index else {
          return Share(reference: step.reference, cause: cause, time: part.time)
        }
        return Share(reference: EventReference(track: engine, index: index), time: part.time)
      }
    }
    let own = split(step.from, step.to, else: nil)
    // Between instructions in order an earlier one may still be at work.
    guard step.cause.kind == .issue else {
      return own + [Share(reference: step.reference, cause: step.cause.kind, time: gap)]
    }
    return own + split(step.gapFrom, step.from, else: .issue)
  }

  /// The time of the path by engine, cause and kernel; the values add up to `to - from`.
  package func parts(_ window: EventWindow) -> [Part: Int64] {
    parts(window, BusyCover(window))
  }

  /// See `parts(_:)`.
  func parts(_ window: EventWindow, _ cover: BusyCover) -> [Part: Int64] {
    var times: [RowPart: Int64] = [:]
    for share in steps.lazy.flatMap({ Self.shares($0, cover) }) {
      let row = window[share.reference].programCounter
      let engine = min(share.reference.track, UInt8(TrackID.engineCount))
      times[RowPart(engine: engine, cause: share.cause, row: row), default: 0] += share.time
    }
    var parts: [Part: Int64] = [:]
    for (place, time) in times where time > 0 {
      let part = Part(
        engine: Self.engine(EventReference(track: Int(place.engine), index: 0)),
        cause: place.cause?.rawValue ?? "busy", kernel: window.program[place.row]?.kernel ?? "")
      parts[part, default: 0] += time
    }
    let end = steps.first?.to ?? from
    if to > end {
      let engine = steps.first.map { Self.engine($0.reference) } ?? "none"
      parts[Part(engine: engine, cause: "end", kernel: ""), default: 0] += to - end
    }
    return parts
  }

  /// A part before its row's texts are looked up; no cause means busy.
  private struct RowPart: Hashable {
    var engine: UInt8
    var cause: Cause.Kind?
    var row: UInt32
  }

  /// The part of the path that a share belongs to.
  static func part(_ share: Share, _ window: EventWindow) -> Part {
    Part(
      engine: engine(share.reference), cause: share.cause?.rawValue ?? "busy",
      kernel: window.row(share.reference)?.kernel ?? "")
  }

  /// The engine's name; all DMA engines are one.
  package static func engine(_ reference: EventReference) -> String {
    guard Int(reference.track) < TrackID.engineCount,
      let track = TrackID(rawValue: reference.track)
    else { return "dma" }
    return track.name
  }
}
