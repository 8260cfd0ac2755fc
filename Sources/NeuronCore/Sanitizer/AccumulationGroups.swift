import CoreState
import InstructionSet
import NumericFormats

/// What each 4-byte word of PSUM holds: accumulating is defined only on a sum of products.
///
/// Source: NKI instruction reference (nc_matmul: an accumulating product follows one that
/// overwrites; PSUM set by anything else is undefined behaviour before the third generation).
struct AccumulationGroups: ~Copyable {
  private static let wordBytes = 4

  /// Program counter plus one of the last instruction that wrote a word otherwise than as the sum
  /// of products; zero when none did.
  private var otherWriter: FixedBuffer<UInt32>
  /// True where a sum of products lies.
  private var holdsSum: FixedBuffer<Bool>
  private let wordsPerPartition: Int

  /// A word that an instruction adds to although it holds no sum.
  struct Misuse {
    var partition: Int
    var byte: Int
    /// Who wrote the word last; nil when nobody did.
    var writer: Int?
  }

  init(partitions: Int, bytesPerPartition: Int) {
    wordsPerPartition = bytesPerPartition / Self.wordBytes
    otherWriter = FixedBuffer(repeating: 0, count: partitions * wordsPerPartition)
    holdsSum = FixedBuffer(repeating: false, count: partitions * wordsPerPartition)
  }

  /// Notes what a matrix product writes, and returns the first word that it must not add to.
  mutating func product(_ matmul: Matmul, counter: Int) -> Misuse? {
    let access = matmul.destination
    if matmul.isTranspose {
      write(access, counter: counter)
      return nil
    }
    var misuse: Misuse?
    Self.forEachWord(access) { partition, word in
      let index = partition * wordsPerPartition + word
      if matmul.accumulate {
        if !holdsSum[index], misuse == nil {
          let writer = otherWriter[index]
          misuse = Misuse(
            partition: partition, byte: word * Self.wordBytes,
            writer: writer == 0 ? nil : Int(writer) - 1)
        }
      } else {
        holdsSum[index] = true
      }
    }
    return misuse
  }

  /// Notes that anything else wrote to PSUM.
  mutating func write(_ access: AccessPattern, counter: Int) {
    Self.forEachWord(access) { partition, word in
      let index = partition * wordsPerPartition + word
      holdsSum[index] = false
      otherWriter[index] = UInt32(truncatingIfNeeded: counter) &+ 1
    }
  }

  private static func forEachWord(_ access: AccessPattern, _ body: (Int, Int) -> Void) {
    let runs = access.byteRuns
    for partition in access.partitions {
      for run in runs {
        for word in run.lowerBound / wordBytes...(run.upperBound - 1) / wordBytes {
          body(partition, word)
        }
      }
    }
  }
}
