import NumericFormats

/// Random words for many lanes at once.
///
/// The generators of `NumericFormats` are the scalar reference: every lane's words and final state
/// are those of its own generator.
public enum RandomRows {
  /// `count` words for each of `lanes` lanes from one shift register per lane.
  ///
  /// Lane l's register is `states[l]`, its words start at `destination + l * pitch`.
  public static func linearFeedback(
    states: UnsafeMutablePointer<UInt32>, lanes: Int, count: Int,
    into destination: UnsafeMutablePointer<UInt32>, pitch: Int
  ) {
    var lane = 0
    while lane < lanes {
      let width = min(laneCount, lanes - lane)
      var state = LaneBits(repeating: 1)
      for index in 0..<width { state[index] = unsafe states[lane + index] }
      for step in 0..<count {
        state = advanced(state)
        unsafe scatter(state, width, destination + (lane * pitch + step), pitch)
      }
      for index in 0..<width { unsafe states[lane + index] = state[index] }
      lane += laneCount
    }
  }

  @inline(__always)
  private static func advanced(_ state: LaneBits) -> LaneBits {
    let known = state ^ (state &>> 1) ^ (state &>> 2) ^ (state &>> 22)
    let near = known ^ (known &<< 31) ^ (known &<< 30)
    return near ^ (near &<< 10) ^ (near &<< 20) ^ (near &<< 30)
  }

  /// `count` words for each of `lanes` lanes from `generatorsPerLane` XORWOW generators per lane.
  ///
  /// Generator g of lane l has the six words at `states + 6 * (l * generatorsPerLane + g)`. Word i
  /// of a lane comes from generator i modulo their number; all step together, so that words of a
  /// last step that nobody asked for are lost. The vector engine of NeuronCore-v4 has four
  /// generators per lane, GpSimd one (source: the state sizes of the public kernel interface;
  /// that they take turns is assumed).
  public static func xorwow(
    states: UnsafeMutablePointer<UInt32>, lanes: Int, generatorsPerLane: Int, count: Int,
    into destination: UnsafeMutablePointer<UInt32>, pitch: Int
  ) {
    precondition(generatorsPerLane > 0, "a lane has a generator")
    let generators = lanes * generatorsPerLane
    let steps = (count + generatorsPerLane - 1) / generatorsPerLane
    var first = 0
    while first < generators {
      let width = min(laneCount, generators - first)
      var bank = unsafe XorwowBank(loading: states + 6 * first, width: width)
      for step in 0..<steps {
        let turns = min(generatorsPerLane, count - step * generatorsPerLane)
        let words = bank.next()
        // Where these words' first generator stands; counting on is cheaper than dividing.
        var (lane, turn) = first.quotientAndRemainder(dividingBy: generatorsPerLane)
        for index in 0..<width {
          if turn < turns {
            unsafe destination[lane * pitch + step * generatorsPerLane + turn] = words[index]
          }
          turn += 1
          if turn == generatorsPerLane { (lane, turn) = (lane + 1, 0) }
        }
      }
      unsafe bank.store(to: states + 6 * first, width: width)
      first += laneCount
    }
  }

  /// One word to each of `width` lanes, `pitch` words apart.
  @inline(__always)
  private static func scatter(
    _ words: LaneBits, _ width: Int, _ destination: UnsafeMutablePointer<UInt32>, _ pitch: Int
  ) {
    for index in 0..<width { unsafe destination[index * pitch] = words[index] }
  }
}

/// Sixteen XORWOW generators, one per lane of a vector.
private struct XorwowBank {
  private var x = LaneBits()
  private var y = LaneBits()
  private var z = LaneBits()
  private var w = LaneBits()
  private var v = LaneBits()
  private var d = LaneBits()

  init(loading states: UnsafePointer<UInt32>, width: Int) {
    for lane in 0..<width {
      let words = unsafe states + XorwowGenerator.stateWordCount * lane
      x[lane] = unsafe words[0]
      y[lane] = unsafe words[1]
      z[lane] = unsafe words[2]
      w[lane] = unsafe words[3]
      v[lane] = unsafe words[4]
      d[lane] = unsafe words[5]
    }
  }

  func store(to states: UnsafeMutablePointer<UInt32>, width: Int) {
    for lane in 0..<width {
      let words = unsafe states + XorwowGenerator.stateWordCount * lane
      unsafe words[0] = x[lane]
      unsafe words[1] = y[lane]
      unsafe words[2] = z[lane]
      unsafe words[3] = w[lane]
      unsafe words[4] = v[lane]
      unsafe words[5] = d[lane]
    }
  }

  @inline(__always)
  mutating func next() -> LaneBits {
    let t = x ^ (x &>> 2)
    x = y
    y = z
    z = w
    w = v
    v = (v ^ (v &<< 4)) ^ (t ^ (t &<< 1))
    d = d &+ 362_437
    return d &+ v
  }
}
