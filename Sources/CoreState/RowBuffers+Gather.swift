import VectorKernels

/// Rows of raw elements that are picked or written one by one.
extension RowBuffers {
  /// `destination[i * run + j] = source[indices[i] + j]` for every index and j below `run`.
  ///
  /// An index whose run leaves the source gives zeros; programs are refused before that.
  public func gather(
    _ source: Row, count: Int, at indices: [UInt32], run: Int, into destination: Row
  ) {
    check(count)
    check(indices.count * run)
    let from = unsafe bits(source)
    let into = unsafe bits(destination)
    for (place, index) in indices.enumerated() {
      let start = Int(index)
      for step in 0..<run {
        let isInside = start + step < count
        unsafe into[place * run + step] = isInside ? from[start + step] : 0
      }
    }
  }

}
