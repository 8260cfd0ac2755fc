/// Buffers for rows that are gathered: they come some microseconds after GpSimd asked for them, in
/// which it asks for several more. Long rows, which the DMA bounds, get fewer.
func gatherBuffers(rowBytes: Int) -> Int { max(3, min(16, (64 << 10) / max(1, rowBytes))) }
