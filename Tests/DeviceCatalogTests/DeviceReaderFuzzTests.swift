import DeviceCatalog
import Foundation
import Hardware
import Testing

/// Small random numbers that repeat: the same seed makes the same texts on every host.
private struct SplitMix {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func below(_ count: Int) -> Int { Int(next() % UInt64(max(1, count))) }
}

/// Changes the bytes of a text: flips, cuts, repeats, swaps lines, inserts words that matter.
private struct Mutator {
  var random: SplitMix

  private static let words: [[UInt8]] = [
    "extends: trn2\n", "extends: inf2\n", "name: x\n", "dma:\n", "  value: ", "{", "}", "[", "]",
    "- ", "? ", ": ", "\t", "#", "'", "\"", "|\n", ">\n", "&a ", "*a", "!!binary ", "---\n",
    "...\n",
    "999999999999999999999", "-1", "0", "1/0", "0/0", "1000000/1", "1/1000000", "0.0000001 ns",
    "2.4 GHz", "0 GHz", "1e9", "nan", "true", "~", "dma.skew: 0", "clocks.tensor: ",
    "memory.partitions: ", "vector.rates.copy16: ", "limiter.windowCycles: 0", "<<: ", "\u{FEFF}",
    "\u{1F4A5}", "%YAML 1.1\n", "\u{0}",
  ].map { Array($0.utf8) }

  mutating func mutate(_ seed: [UInt8]) -> [UInt8] {
    var bytes = seed
    for _ in 0...random.below(6) { change(&bytes) }
    return bytes
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    let place = random.below(bytes.count + 1)
    switch random.below(6) {
    case 0 where !bytes.isEmpty:
      bytes[random.below(bytes.count)] ^= UInt8(1 << random.below(8))
    case 1:
      let end = min(bytes.count, place + random.below(40))
      bytes.removeSubrange(place..<end)
    case 2:
      let end = min(bytes.count, place + random.below(60))
      bytes.insert(contentsOf: bytes[place..<end], at: place)
    case 3:
      let word = Self.words[random.below(Self.words.count)]
      let count = random.below(10) == 0 ? 1 + random.below(400) : 1
      for _ in 0..<count { bytes.insert(contentsOf: word, at: place) }
    case 4:
      var lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
      if lines.count > 1 { lines.swapAt(random.below(lines.count), random.below(lines.count)) }
      bytes = Array(lines.joined(separator: [10]))
    default:
      let digit = bytes.indices.filter { (48...57).contains(bytes[$0]) }
      if !digit.isEmpty { bytes[digit[random.below(digit.count)]] = UInt8(48 + random.below(10)) }
    }
  }
}

@Suite struct DeviceReaderFuzzTests {
  private static let seeds = [
    """
    extends: trn2
    name: wide
    source: a what-if
    dma.bytesPerCycle: 64
    clocks: {tensor: 2.8 GHz, vector: 3125/3}
    semaphore:
      detectVector:
        value: 20 ns
        source: a faster hand-off
    dma.skew: [0, 1 ns, 2 ns, 3 ns, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1.5 ns]
    limiter.startsHalf: false
    vector: {rates: {copy16: 0.3 cycles/element}}
    memory.sbufBytesPerPartition: 256 KiB

    """,
    "extends: inf2\n",
    "extends: trainium4\ntitle: t\nmemory:\n  psumBanks: 4\n  psumBytesPerPartition: 8 KiB\n",
  ].map { Array($0.utf8) }

  /// Seconds of fuzzing: a moment in the tests, longer with TRNBENCH_FUZZ_SECONDS.
  private static var seconds: Double {
    ProcessInfo.processInfo.environment["TRNBENCH_FUZZ_SECONDS"].flatMap(Double.init) ?? 2
  }

  /// Whatever the bytes are, the reader answers with a device or with one of its errors, and a
  /// device that it hands out is one that the model can hold.
  @Test func noTextBreaksTheReader() throws {
    var mutator = Mutator(random: SplitMix(seed: 20_261_121))
    let start = ProcessInfo.processInfo.systemUptime
    var pool = Self.seeds
    var (read, refused) = (0, 0)
    while ProcessInfo.processInfo.systemUptime - start < Self.seconds || read + refused < 200 {
      let bytes = mutator.mutate(pool[mutator.random.below(pool.count)])
      let text = String(decoding: bytes, as: UTF8.self)
      do {
        let device = try DeviceFile.device(text: text, file: "fuzz.yaml")
        try device.checkLimits()
        #expect(
          device.constants().count
            == (try Device.named(device.baseName ?? "")).constants()
            .count)
        read += 1
        // What was read is worth changing again.
        if pool.count < 400 { pool.append(bytes) }
      } catch let error as DeviceFileError {
        #expect(!error.description.isEmpty)
        refused += 1
      }
    }
    #expect(read > 10 && refused > 10, "read \(read), refused \(refused)")
  }

  /// Texts that once broke the reader; each file of the folder is read without a crash.
  @Test func whatBrokeItOnceIsReplayed() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Crashes")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    for name in names.sorted() {
      _ = try? DeviceFile.device(contentsOf: folder.appending(path: name).path)
    }
  }
}
