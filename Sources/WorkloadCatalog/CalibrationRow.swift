/// What of a small program is compared with a measurement.
package enum CalibrationQuantity: String, Hashable, Sendable, CaseIterable {
  /// Duration of the row alone, after a wait.
  case first
  /// Duration of the last row of a long stream.
  case last
  /// Duration of a row behind one of 512 columns.
  case behind
  /// Median duration of the rows of a burst of four.
  case burst
  /// Completion to completion at the end of a long stream.
  case interval
  /// The same near its beginning, while the tensor engine is limited.
  case halfInterval = "half-interval"
  /// Start to start back to back.
  case dispatch
  /// Start to start after a row that waited.
  case dispatchAfterCold = "dispatch-after-cold"
  /// Duration of a row that waits for the one before it.
  case dependent
  /// Start to start of rows that wait for each other.
  case dependentInterval = "dependent-interval"
  /// Duration of one DMA descriptor.
  case descriptor
  /// Duration of a transfer, or of all transfers of a program.
  case duration
  /// Sustained bytes per nanosecond of one DMA engine.
  case engineRate = "engine-rate"
  /// Sustained bytes per second of one core.
  case coreRate = "core-rate"
  /// The same of two cores with an HBM stack each.
  case twoCoreRate = "two-core-rate"
  /// Time of a whole kernel, its envelope included.
  case kernel
  /// A straight line through the durations of other rows, at one size.
  case fit
}

/// One published measurement and the small program that the model runs beside it.
package struct CalibrationRow: Hashable, Sendable {
  /// Unique over all files, such as `ANI-001`.
  package var id: String
  /// The device that was measured.
  package var device: String
  /// What is run, such as `scalar copy psum:fp32 sbuf:fp16`; empty for rows that are left out.
  package var program: String
  /// Columns, bytes or whatever else the program takes; 0 where it takes nothing.
  package var size: Int
  /// What of it is compared; nil for rows that are left out.
  package var quantity: CalibrationQuantity?
  /// The measured value.
  package var value: Double
  /// Its unit: ns, us, ms, B/ns or GB/s.
  package var unit: String
  /// The lowest and highest observation, or the tenth and ninetieth percentile.
  package var observed: ClosedRange<Double>?
  /// Observations behind the value; 1 where that is not known.
  package var count: Int
  /// Why the model runs nothing for this row; nil for rows that it runs.
  package var leftOut: String?
  /// What was measured, for people.
  package var what: String
  /// Where it is published.
  package var source: String
  /// Where it stands in our files.
  package var location: SourceLocation

  /// The letters before the number: rows of one origin.
  package var prefix: String { String(id.prefix { $0 != "-" }) }
}
