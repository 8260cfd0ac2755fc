public import Hardware
import NumericFormats

/// The random number generators of one engine: one or more for each lane.
///
/// Source: NKI instruction reference (rng, rand_set_state: six words per lane of GpSimd, and 24 per
/// lane of NeuronCore-v4's vector engine). That element i of a row is drawn from generator i modulo
/// their number is assumed, and so is the state that a core begins with: the one of seed 0.
public struct RandomLanes: Sendable {
  /// What a lane draws words from.
  private enum Lane {
    case register(LinearFeedbackGenerator)
    case xorwow([XorwowGenerator])
  }

  private var lanes: [Lane]
  private let generators: Int

  /// Lanes of `generators` XORWOW generators each, or of one shift register when there are none.
  init(count: Int, generators: Int) {
    self.generators = generators
    lanes = []
    lanes = (0..<count).map { seeded(0, lane: $0) }
  }

  /// Words of state of one lane.
  public var wordsPerLane: Int {
    generators == 0
      ? LinearFeedbackGenerator.stateWordCount : generators * XorwowGenerator.stateWordCount
  }

  /// Starts every lane again from a seed.
  public mutating func seed(_ seed: UInt32) {
    for lane in lanes.indices { lanes[lane] = seeded(seed, lane: lane) }
  }

  private func seeded(_ seed: UInt32, lane: Int) -> Lane {
    if generators == 0 { return .register(LinearFeedbackGenerator(seed: seed, lane: lane)) }
    return .xorwow(
      (0..<generators).map { XorwowGenerator(seed: seed, lane: lane * generators + $0) })
  }

  /// The words of a lane's state.
  public subscript(lane: Int) -> [UInt32] {
    get {
      switch lanes[lane] {
      case .register(let register): [register.state]
      case .xorwow(let all): all.flatMap(\.stateWords)
      }
    }
    set {
      guard generators > 0 else {
        lanes[lane] = .register(LinearFeedbackGenerator(state: newValue.first ?? 0))
        return
      }
      let size = XorwowGenerator.stateWordCount
      lanes[lane] = .xorwow(
        (0..<generators).map { XorwowGenerator(words: newValue.dropFirst($0 * size).prefix(size)) })
    }
  }

  /// Draws `count` words of a lane, in order.
  mutating func draw(_ count: Int, lane: Int, _ body: (Int, UInt32) -> Void) {
    switch lanes[lane] {
    case .register(var register):
      for index in 0..<count { body(index, register.next()) }
      lanes[lane] = .register(register)
    case .xorwow(var all):
      // The array is taken out of its lane, so that it is not copied for the first word.
      lanes[lane] = .register(LinearFeedbackGenerator(state: 0))
      var next = 0
      for index in 0..<count {
        body(index, all[next].next())
        next = next + 1 == all.count ? 0 : next + 1
      }
      lanes[lane] = .xorwow(all)
    }
  }
}

extension CoreState {
  /// Fills a row of bits with words from an engine's generators of one lane.
  public mutating func drawRandom(_ count: Int, lane: Int, into row: Row, engine: Engine) {
    rows.check(count)
    let target = unsafe rows.bits(row)
    if engine == .gpsimd {
      gpsimdRandom.draw(count, lane: lane) { unsafe target[$0] = $1 }
    } else {
      vectorRandom.draw(count, lane: lane) { unsafe target[$0] = $1 }
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
