import KernelLibrary
import Testing

/// Scales of four tiles lie over each other: row 64 · g + 16 · t + 4 · q + b on partition
/// 32 · q + 4 · t + b.
@Suite struct ScaleRunTests {
  @Test(arguments: [1, 3, 4, 5, 16, 18, 26, 63, 64, 65, 90, 448])
  func everyRowGoesOnce(count: Int) {
    var rows: [Int] = []
    for run in ScaleRun.all(of: count) {
      let each = run.tiles * run.rows
      #expect(run.partitions.count == run.quadrants * run.copies * each)
      for index in 0..<run.partitions.count {
        let (quadrant, copy) = (index / each / run.copies, index / each % run.copies)
        let row =
          run.firstRow + 4 * quadrant + index % each / run.rows * 16 + index % run.rows
        let place = row - 64 * run.group
        #expect(
          run.partitions.lowerBound + index - 16 * copy
            == place % 16 / 4 * 32 + place / 16 * 4 + place % 4)
        if copy == 0 { rows.append(row) }
      }
    }
    #expect(rows.sorted() == Array(0..<count))
  }
}
