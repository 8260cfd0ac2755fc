import NumericFormats
import Testing
import VectorKernels

/// Rows of random words, with a word behind each row that must survive.
private func rows(_ lanes: Int, _ count: Int, _ body: (UnsafeMutablePointer<UInt32>) -> Void)
  -> [[UInt32]]
{
  var words = [UInt32](repeating: 77, count: lanes * (count + 1))
  unsafe words.withUnsafeMutableBufferPointer { buffer in
    if let base = buffer.baseAddress { unsafe body(base) }
  }
  return (0..<lanes).map { lane in
    #expect(words[lane * (count + 1) + count] == 77)
    return Array(words[(lane * (count + 1))..<(lane * (count + 1) + count)])
  }
}

@Suite struct RandomRowsTests {
  @Test func shiftRegistersEqualTheirGenerators() {
    for lanes in [1, 3, 15, 16, 17, 32, 128] {
      for count in [0, 1, 2, 33] {
        var generators = (0..<lanes).map { LinearFeedbackGenerator(seed: 4, lane: $0) }
        var states = generators.map(\.state)
        let words = unsafe rows(lanes, count) { target in
          unsafe states.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            unsafe RandomRows.linearFeedback(
              states: base, lanes: lanes, count: count, into: target, pitch: count + 1)
          }
        }
        for lane in 0..<lanes {
          #expect(words[lane] == (0..<count).map { _ in generators[lane].next() })
          #expect(states[lane] == generators[lane].state)
        }
      }
    }
  }

  @Test(arguments: [1, 2, 4])
  func xorwowLanesEqualTheirGenerators(perLane: Int) {
    for lanes in [1, 3, 4, 5, 16, 128] {
      for count in [0, 1, 3, 4, 34] {
        var generators = (0..<(lanes * perLane)).map { XorwowGenerator(seed: 4, lane: $0) }
        var states = generators.flatMap(\.stateWords)
        let words = unsafe rows(lanes, count) { target in
          unsafe states.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            unsafe RandomRows.xorwow(
              states: base, lanes: lanes, generatorsPerLane: perLane, count: count, into: target,
              pitch: count + 1)
          }
        }
        let steps = (count + perLane - 1) / perLane
        for lane in 0..<lanes {
          var expected: [UInt32] = []
          for _ in 0..<steps {
            for turn in 0..<perLane { expected.append(generators[lane * perLane + turn].next()) }
          }
          #expect(words[lane] == Array(expected.prefix(count)))
        }
        #expect(states == generators.flatMap(\.stateWords))
      }
    }
  }
}
