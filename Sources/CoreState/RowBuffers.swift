/// A scratch row: where an engine's data path holds the elements of one partition, widened.
public enum Row: Int, Sendable { case a, b, c, d }

/// Four scratch rows of fp32 and four of raw bits, each as long as the longest operand.
///
/// Every operation checks its counts once and then calls a kernel that does not.
@safe public struct RowBuffers: ~Copyable {
  /// Elements per row: the most that one instruction may name, and a vector beyond.
  static let capacity = 65_536 + 16
  private let memory: AlignedMemory
  private let base: UnsafeMutablePointer<Float>
  private let bitBase: UnsafeMutablePointer<UInt32>

  init() throws(MemoryError) {
    let rowBytes = Self.capacity * MemoryLayout<Float>.stride
    memory = try AlignedMemory(sizeBytes: 8 * rowBytes)
    unsafe base = memory.base.bindMemory(to: Float.self, capacity: 4 * Self.capacity)
    unsafe bitBase = (memory.base + 4 * rowBytes).bindMemory(
      to: UInt32.self, capacity: 4 * Self.capacity)
  }

  /// The first element of a row.
  @inline(__always)
  func pointer(_ row: Row) -> UnsafeMutablePointer<Float> {
    unsafe base + row.rawValue * Self.capacity
  }

  /// The first element of a row to read.
  @inline(__always)
  func source(_ row: Row) -> UnsafePointer<Float> {
    unsafe UnsafePointer(pointer(row))
  }

  /// The first element of a row of bits; it shares nothing with the fp32 row of the same name.
  @inline(__always)
  func bits(_ row: Row) -> UnsafeMutablePointer<UInt32> {
    unsafe bitBase + row.rawValue * Self.capacity
  }

  /// Proves once per operation that `count` elements lie in a row.
  @inline(__always)
  func check(_ count: Int) {
    precondition(count >= 0 && count <= Self.capacity, "a row is shorter than the operand")
  }

  /// One element of a row.
  @inline(__always)
  public subscript(row: Row, index: Int) -> Float {
    get {
      precondition(index >= 0 && index < Self.capacity)
      return unsafe pointer(row)[index]
    }
    nonmutating set {
      precondition(index >= 0 && index < Self.capacity)
      unsafe pointer(row)[index] = newValue
    }
  }
}
