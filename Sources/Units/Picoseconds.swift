/// Simulated time: an integer number of picoseconds. The only time unit inside the model.
public struct Picoseconds: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The count of picoseconds.
  public var value: Int64

  /// That many picoseconds.
  @inlinable public init(_ value: Int64) { self.value = value }

  /// The beginning of a run.
  public static let zero = Picoseconds(0)
  /// Later than any time that a run can reach; marks "not known yet".
  public static let never = Picoseconds(.max / 4)

  /// Exact conversion of a whole number of nanoseconds.
  @inlinable public static func nanoseconds(_ value: Int64) -> Picoseconds {
    Picoseconds(value * 1_000)
  }

  /// For printing only: this time in nanoseconds.
  public var nanoseconds: Double { Double(value) / 1e3 }
  /// For printing only: this time in microseconds.
  public var microseconds: Double { Double(value) / 1e6 }
  /// For printing only: this time in seconds.
  public var seconds: Double { Double(value) / 1e12 }

  @inlinable public static func < (a: Picoseconds, b: Picoseconds) -> Bool { a.value < b.value }
  @inlinable public static func + (a: Picoseconds, b: Picoseconds) -> Picoseconds {
    Picoseconds(a.value &+ b.value)
  }
  @inlinable public static func - (a: Picoseconds, b: Picoseconds) -> Picoseconds {
    Picoseconds(a.value &- b.value)
  }
  @inlinable public static func += (a: inout Picoseconds, b: Picoseconds) { a.value &+= b.value }
  @inlinable public static func * (a: Picoseconds, b: Int64) -> Picoseconds {
    Picoseconds(a.value * b)
  }
}
