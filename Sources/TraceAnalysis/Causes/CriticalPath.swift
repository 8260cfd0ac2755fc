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

  /// The time of the path by engine, cause and kernel; the values add up to `to - from`.
  package func parts(_ window: EventWindow) -> [Part: Int64] {
    var times: [RowPart: Int64] = [:]
    for step in steps {
      let row = window[step.reference].programCounter
      let engine = min(step.reference.track, UInt8(TrackID.engineCount))
      times[RowPart(engine: engine, row: row), default: 0] += step.to - step.from
      times[RowPart(engine: engine, cause: step.cause.kind, row: row), default: 0] +=
        step.from - step.gapFrom
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

  /// The engine's name; all DMA engines are one.
  package static func engine(_ reference: EventReference) -> String {
    guard Int(reference.track) < TrackID.engineCount,
      let track = TrackID(rawValue: reference.track)
    else { return "dma" }
    return track.name
  }
}
