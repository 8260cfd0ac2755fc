/// A scratch row: where an engine's data path holds the elements of one partition, widened.
public enum Row: Int, Sendable { case a, b, c, d }

/// Four scratch rows of fp32, each as long as the longest operand.
@safe public struct RowBuffers: ~Copyable {
  /// Elements per row: the most that one instruction may name, and a vector beyond.
  static let capacity = 65_536 + 16
  private let memory: AlignedMemory
  private let base: UnsafeMutablePointer<Float>

  init() throws(MemoryError) {
    memory = try AlignedMemory(sizeBytes: 4 * Self.capacity * MemoryLayout<Float>.stride)
    unsafe base = memory.base.bindMemory(to: Float.self, capacity: 4 * Self.capacity)
  }

  /// The first element of a row.
  @inline(__always)
  func pointer(_ row: Row) -> UnsafeMutablePointer<Float> {
    unsafe base + row.rawValue * Self.capacity
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
