/// A block of elements whose number never changes, owned by one value.
///
/// What an array would check at every access, that nobody shares its storage, is known here by
/// type: the step loop reads and writes state through it some dozen times per instruction. Bounds
/// are checked.
@safe public struct FixedBuffer<Element: BitwiseCopyable>: ~Copyable {
  @usableFromInline let base: UnsafeMutablePointer<Element>
  /// The number of elements.
  public let count: Int

  /// `count` copies of an element.
  @inlinable
  public init(repeating element: Element, count: Int) {
    precondition(count >= 0, "a buffer has no negative size")
    unsafe base = .allocate(capacity: Swift.max(1, count))
    self.count = count
    unsafe base.initialize(repeating: element, count: count)
  }

  /// The elements of an array.
  @inlinable
  public init(_ elements: [Element]) {
    unsafe base = .allocate(capacity: Swift.max(1, elements.count))
    count = elements.count
    for index in elements.indices { unsafe base[index] = elements[index] }
  }

  @inlinable
  deinit { unsafe base.deallocate() }

  /// The valid indices.
  @inlinable @inline(__always) public var indices: Range<Int> {
    unsafe Range(uncheckedBounds: (0, count))
  }

  /// The element at an index, which must be one of `indices`.
  @inlinable @inline(__always)
  public subscript(index: Int) -> Element {
    _read {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "no such element")
      // Inside: checked above.
      yield unsafe base[index]
    }
    _modify {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "no such element")
      // Inside: checked above.
      yield unsafe &base[index]
    }
  }

  /// The elements as an array, for reports.
  public var elements: [Element] { elements(indices) }

  /// Some of the elements as an array.
  public func elements(_ range: Range<Int>) -> [Element] {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "no such elements")
    // Inside: checked above.
    return unsafe Array(
      UnsafeBufferPointer(start: base + range.lowerBound, count: range.count))
  }
}

// Only its owner reaches the elements, and elements are plain bits.
extension FixedBuffer: @unchecked Sendable where Element: Sendable {}
