public import Hardware
import NumericFormats
import VectorKernels

/// The random number generators of one engine: one or more for each lane.
///
/// Source: NKI instruction reference (rng, rand_set_state: six words per lane of GpSimd, and 24 per
/// lane of NeuronCore-v4's vector engine). That the generators of a lane take turns is assumed, and
/// so is the state that a core begins with: the one of seed 0.
public struct RandomLanes: Sendable {
  /// The states, lane after lane.
  private var words: [UInt32]
  /// Lanes of the engine.
  private let count: Int
  /// XORWOW generators of a lane; none stands for one shift register.
  private let generators: Int
  /// Words of state of one lane.
  public let wordsPerLane: Int

  /// Lanes of `generators` XORWOW generators each, or of one shift register when there are none.
  init(count: Int, generators: Int) {
    self.count = count
    self.generators = generators
    wordsPerLane =
      generators == 0
      ? LinearFeedbackGenerator.stateWordCount : generators * XorwowGenerator.stateWordCount
    words = []
    seed(0)
  }

  /// Starts every lane again from a seed.
  public mutating func seed(_ seed: UInt32) {
    if generators == 0 {
      words = (0..<count).map { LinearFeedbackGenerator(seed: seed, lane: $0).state }
    } else {
      words = (0..<(count * generators)).flatMap {
        XorwowGenerator(seed: seed, lane: $0).stateWords
      }
    }
  }

  /// The words of a lane's state; missing ones become zero.
  public subscript(lane: Int) -> [UInt32] {
    get { Array(words[(lane * wordsPerLane)..<((lane + 1) * wordsPerLane)]) }
    set {
      for index in 0..<wordsPerLane {
        words[lane * wordsPerLane + index] = index < newValue.count ? newValue[index] : 0
      }
    }
  }

  /// Draws `count` words of a lane.
  mutating func draw(_ count: Int, lane: Int, into target: UnsafeMutablePointer<UInt32>) {
    let first = lane * wordsPerLane
    precondition(first >= 0 && first + wordsPerLane <= words.count, "a lane of the engine")
    let generators = generators
    unsafe words.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      if generators == 0 {
        unsafe RandomRows.linearFeedback(
          states: base + first, lanes: 1, count: count, into: target, pitch: count)
      } else {
        unsafe RandomRows.xorwow(
          states: base + first, lanes: 1, generatorsPerLane: generators, count: count,
          into: target, pitch: count)
      }
    }
  }
}

extension CoreState {
  /// Fills a row of bits with words from an engine's generators of one lane.
  public mutating func drawRandom(_ count: Int, lane: Int, into row: Row, engine: Engine) {
    rows.check(count)
    let target = unsafe rows.bits(row)
    if engine == .gpsimd {
      unsafe gpsimdRandom.draw(count, lane: lane, into: target)
    } else {
      unsafe vectorRandom.draw(count, lane: lane, into: target)
    }
  }

  /// The words of a lane's state on an engine.
  public func randomState(lane: Int, engine: Engine) -> [UInt32] {
    engine == .gpsimd ? gpsimdRandom[lane] : vectorRandom[lane]
  }

  /// Sets a lane's state on an engine; missing words are zero.
  public mutating func setRandomState(lane: Int, engine: Engine, to words: [UInt32]) {
    if engine == .gpsimd { gpsimdRandom[lane] = words } else { vectorRandom[lane] = words }
  }

  /// Starts the vector engine's generators again from a seed.
  public mutating func seedVectorRandom(_ seed: UInt32) { vectorRandom.seed(seed) }
}
