/// Buffers for rows that are gathered: they come some microseconds after GpSimd asked for them, in
/// which it asks for several more. Long rows, which the DMA bounds, get fewer, and none gets more
/// than half of the bytes of a partition that are free.
func gatherBuffers(rowBytes: Int, freeBytes: Int) -> Int {
  max(3, min(16, min(64 << 10, freeBytes / 2) / max(1, rowBytes)))
}
