import Foundation

/// Changes bytes at random, by a seed: flips, cuts, repeats, swapped lines, words that matter.
struct FuzzMutator {
  var generator: Generator
  /// What is inserted now and then.
  let words: [[UInt8]]

  init(seed: UInt64, words: [String]) {
    generator = Generator(seed: seed)
    self.words = words.map { Array($0.utf8) }
  }

  /// Seconds of fuzzing: a moment in the tests, longer with TRNBENCH_FUZZ_SECONDS.
  static var seconds: Double {
    ProcessInfo.processInfo.environment["TRNBENCH_FUZZ_SECONDS"].flatMap(Double.init) ?? 1
  }

  /// Calls `body` with mutants of a growing pool until the time is over, and at least `least`
  /// times; a mutant for which it returns true is worth changing again. Returns how many there
  /// were.
  static func run(
    _ seeds: [[UInt8]], mutator: FuzzMutator, least: Int, _ body: ([UInt8]) throws -> Bool
  ) rethrows -> (kept: Int, refused: Int) {
    var mutator = mutator
    var pool = seeds
    var (kept, refused) = (0, 0)
    let start = ProcessInfo.processInfo.systemUptime
    while ProcessInfo.processInfo.systemUptime - start < seconds || kept + refused < least {
      let mutant = mutator.mutate(pool[mutator.below(pool.count)])
      guard try body(mutant) else {
        refused += 1
        continue
      }
      kept += 1
      // An old mutant makes room, a seed never does.
      if pool.count < 500 {
        pool.append(mutant)
      } else {
        pool[seeds.count + mutator.below(pool.count - seeds.count)] = mutant
      }
    }
    return (kept, refused)
  }

  /// The files that once broke a reader, with their names.
  static func crashes(_ folder: String, beside file: String = #filePath) -> [(String, [UInt8])] {
    let url = URL(filePath: file).deletingLastPathComponent().appending(path: folder)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    return names.sorted().compactMap { name in
      (try? Data(contentsOf: url.appending(path: name))).map { (name, [UInt8]($0)) }
    }
  }

  mutating func below(_ count: Int) -> Int { Int.random(in: 0..<max(1, count), using: &generator) }

  private mutating func mutate(_ seed: [UInt8]) -> [UInt8] {
    var bytes = seed
    for _ in 0...below(5) { change(&bytes) }
    // Texts that double again and again say nothing new and cost time.
    return Array(bytes.prefix(60_000))
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    let place = below(bytes.count + 1)
    switch below(8) {
    case 0 where !bytes.isEmpty: bytes[below(bytes.count)] ^= UInt8(1 << below(8))
    case 1: bytes.removeSubrange(place..<min(bytes.count, place + below(40)))
    case 2:
      let end = min(bytes.count, place + below(60))
      bytes.insert(contentsOf: bytes[place..<end], at: below(bytes.count + 1))
    case 3 where !words.isEmpty: bytes.insert(contentsOf: words[below(words.count)], at: place)
    case 4:
      var lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
      if lines.count > 1 { lines.swapAt(below(lines.count), below(lines.count)) }
      bytes = Array(lines.joined(separator: [10]))
    case 5 where !bytes.isEmpty: bytes[below(bytes.count)] = UInt8(below(256))
    case 6:
      var lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
      lines.remove(at: below(lines.count))
      bytes = Array(lines.joined(separator: [10]))
    default:
      let digits = bytes.indices.filter { (48...57).contains(bytes[$0]) }
      if !digits.isEmpty { bytes[digits[below(digits.count)]] = UInt8(48 + below(10)) }
    }
  }
}
