import NumericFormats
import Testing

@Suite struct RandomGeneratorTests {
  /// The recurrence of the polynomial, one bit at a time.
  @Test func shiftRegisterFollowsItsPolynomial() {
    for start: UInt32 in [1, 0x1234_5678, 0x8000_0000, .max] {
      var bits = (UInt32(0)..<32).map { start >> $0 & 1 }
      var generator = LinearFeedbackGenerator(state: start)
      for _ in 0..<100 {
        for _ in 0..<32 {
          let first = bits.count - 32
          bits.append(bits[first] ^ bits[first + 1] ^ bits[first + 2] ^ bits[first + 22])
        }
        let word = bits.suffix(32).enumerated().reduce(UInt32(0)) {
          $0 | $1.element << UInt32($1.offset)
        }
        #expect(generator.next() == word)
      }
    }
  }

  /// The step is linear over bits, so it is a matrix; its order divides 2^32 - 1 and no proper
  /// divisor by one of that number's primes, so the period is 2^32 - 1.
  @Test func shiftRegisterHasTheFullPeriod() {
    typealias Matrix = [UInt32]  // column j: the image of bit j
    func apply(_ matrix: Matrix, _ vector: UInt32) -> UInt32 {
      (0..<32).reduce(0) { $0 ^ (vector >> UInt32($1) & 1 == 1 ? matrix[$1] : 0) }
    }
    func product(_ left: Matrix, _ right: Matrix) -> Matrix { right.map { apply(left, $0) } }
    let identity: Matrix = (0..<32).map { UInt32(1) << UInt32($0) }
    func power(_ exponent: UInt32) -> Matrix {
      var result = identity
      var square = identity.map { LinearFeedbackGenerator.advanced($0) }
      var rest = exponent
      while rest > 0 {
        if rest & 1 == 1 { result = product(square, result) }
        square = product(square, square)
        rest >>= 1
      }
      return result
    }
    let period = UInt32.max
    #expect(power(period) == identity)
    for prime: UInt32 in [3, 5, 17, 257, 65537] {
      #expect(period % prime == 0 && power(period / prime) != identity)
    }
  }

  /// The recurrence of the paper, written over an array of all words ever made.
  @Test func xorwowFollowsThePaper() {
    var history: [UInt32] = [123_456_789, 362_436_069, 521_288_629, 88_675_123, 5_783_321]
    var counter: UInt32 = 6_615_241
    var generator = XorwowGenerator()
    for _ in 0..<1000 {
      let x = history[history.count - 5]
      let v = history[history.count - 1]
      let t = x ^ x >> 2
      history.append(v ^ v << 4 ^ (t ^ t << 1))
      counter &+= 362_437
      #expect(generator.next() == history[history.count - 1] &+ counter)
    }
    #expect(generator.stateWords == Array(history.suffix(5)) + [counter])
  }

  @Test func stateCanBeSavedAndSet() {
    var generator = XorwowGenerator(seed: 5, lane: 3)
    _ = generator.next()
    var copy = XorwowGenerator(words: generator.stateWords)
    #expect(copy == generator)
    for _ in 0..<10 { #expect(copy.next() == generator.next()) }
    copy.stateWords = [1, 2, 3]
    #expect(copy.stateWords == [1, 2, 3, 0, 0, 0])
    var register = LinearFeedbackGenerator(seed: 5)
    var other = LinearFeedbackGenerator(state: register.state)
    #expect(register.next() == other.next())
  }

  @Test func seedsAndLanesDiffer() {
    let lanes = (0..<128).flatMap { lane in
      (UInt32(0)..<8).map { XorwowGenerator(seed: $0, lane: lane).stateWords }
    }
    #expect(Set(lanes).count == 1024)
    let registers = (0..<128).map { LinearFeedbackGenerator(seed: 9, lane: $0).state }
    #expect(Set(registers).count == 128 && !registers.contains(0))
  }

  /// A million uniform numbers: mean and variance within five standard errors.
  @Test func uniformNumbersAreUniform() {
    let count = 1_000_000.0
    var xorwow = XorwowGenerator(seed: 1)
    var register = LinearFeedbackGenerator(seed: 1)
    for isXorwow in [true, false] {
      var sum = 0.0
      var squares = 0.0
      for _ in 0..<Int(count) {
        let word = isXorwow ? xorwow.next() : register.next()
        let value = Double(UniformFloat.unit(word)) - 0.5
        #expect(value >= -0.5 && value < 0.5)
        sum += value
        squares += value * value
      }
      #expect(abs(sum / count) < 5 * (1 / 12 / count).squareRoot())
      // The fourth moment of the unit interval about its middle is 1/80.
      #expect(abs(squares / count - 1 / 12) < 5 * ((1 / 80 - 1 / 144) / count).squareRoot())
    }
    #expect(UniformFloat.unit(.max) < 1 && UniformFloat.unit(0) == 0)
    #expect(UniformFloat.between(-2, 6, 0x8000_0000) == 2)
  }
}
