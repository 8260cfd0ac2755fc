/// What the number of a constant counts.
public enum ConstantUnit: String, CaseIterable, Sendable {
  /// Tenths of a cycle of the engine's own clock.
  case tenthsOfCycles = "cycles/10"
  /// Whole cycles of the engine's own clock.
  case cycles = "cycles"
  /// Tenths of a cycle per element of the free dimension.
  case tenthsOfCyclesPerElement = "cycles/10 per element"
  /// Hundredths of a cycle per element of the free dimension.
  case hundredthsOfCyclesPerElement = "cycles/100 per element"
  /// Integer picoseconds.
  case picoseconds = "ps"
  /// Picoseconds per cycle as an exact ratio.
  case picosecondsPerCycle = "ps per cycle"
  /// Bytes.
  case bytes = "B"
  /// Bytes that move in one cycle.
  case bytesPerCycle = "B per cycle"
  /// Bytes per second.
  case bytesPerSecond = "B/s"
  /// Bytes per microsecond, which is the same number as megabytes per second.
  case bytesPerMicrosecond = "B/us"
  /// A plain count.
  case count = "count"
  /// Thousandths: 1,350 means 1.35 times.
  case permille = "permille"
  /// Thousands of millions of floating-point operations per second.
  case gigaflops = "GFLOPS"
  /// True or false.
  case flag = "flag"
  /// Hundredths of a United States dollar per hour.
  case centsPerHour = "US cents per hour"
}
