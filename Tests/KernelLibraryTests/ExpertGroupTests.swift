import Hardware
import KernelBuilder
import KernelLibrary
import NumericFormats
import Testing

/// Tokens dealt to experts in blocks.
@Suite struct ExpertGroupTests {
  private func layer(_ tokens: Int, experts: Int = 8, chosen: Int = 2) -> ExpertLayerKernel {
    ExpertLayerKernel(
      tokens: tokens, width: 256, hidden: 384, experts: experts, chosen: chosen)
  }

  /// Every choice has a slot of its own, in a block of its expert, with its token in it.
  @Test(arguments: [(128, 8, 2), (300, 16, 4), (1000, 8, 1), (513, 32, 8)])
  func everyChoiceHasASlotOfItsExpert(shape: (Int, Int, Int)) throws {
    let layer = layer(shape.0, experts: shape.1, chosen: shape.2)
    let groups = try #require(ExpertGroups(layer, on: .trainium2))
    let kernel = ExpertDispatchKernel(layer, block: groups.block, blocks: groups.blocks)
    let logits = randomTensor(shape.0 * shape.1, .float32, seed: 7, scale: 2)
    let result = try SegmentRunner.run(kernel, [logits])
    let (rows, places, weights, owners) = (result[1], result[2], result[3], result[4])
    var seen: Set<Int> = []
    var last = [Int](repeating: -1, count: shape.1)
    for token in 0..<shape.0 {
      let row = Array(logits[token * shape.1..<(token + 1) * shape.1])
      let order = row.indices.sorted { (-row[$0], $0) < (-row[$1], $1) }.prefix(shape.2)
      let expected = Reference.softmax(order.map { Double(row[$0]) })
      for (choice, expert) in order.enumerated() {
        let slot = Int(places[token * shape.2 + choice])
        #expect(seen.insert(slot).inserted, "slot \(slot) is taken twice")
        #expect(Int(rows[slot]) == token)
        #expect(Int(owners[slot / groups.block]) == expert)
        #expect(slot > last[expert], "tokens of an expert keep their order")
        last[expert] = slot
        #expect(abs(Double(weights[token * shape.2 + choice]) - expected[choice]) < 1e-5)
      }
    }
    #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
  }

  /// All tokens want one expert, and every expert is wanted by a few: the blocks suffice.
  @Test func theMostUnevenChoicesFit() throws {
    let layer = layer(300)
    let groups = try #require(ExpertGroups(layer, on: .trainium2))
    let even = (0..<300 * 8).map { Float(($0 / 8 + $0) % 8) }
    let crowded = (0..<300 * 8).map { Float($0 % 8) }
    // Two experts with 297 tokens each and six with one each: no block is left over.
    let worst = (0..<300 * 8).map { index in
      let (token, expert) = index.quotientAndRemainder(dividingBy: 8)
      return token < 3
        ? Float(expert / 2 == token + 1 ? 10 : 0) : Float(expert < 2 ? 10 : expert % 3)
    }
    #expect(groups.block * 8 < 600 + 8 * groups.block && groups.blocks == 600 / groups.block + 8)
    for logits in [even, crowded, worst] {
      let result = try SegmentRunner.run(
        ExpertDispatchKernel(layer, block: groups.block, blocks: groups.blocks), [logits])
      #expect(Set(result[2]).count == 600)
      #expect(result[2].allSatisfy { Int($0) < groups.slots })
    }
  }

  @Test func aBlockTakesTheWeightsOfItsExpert() throws {
    let kernel = ExpertBlockKernel(layer(128), tokens: 128)
    let (d, f) = (kernel.width, kernel.hidden)
    let x = randomTensor(128 * d, .bfloat16, seed: 1)
    let weights = (2...4).map {
      randomTensor(8 * d * f, .bfloat16, seed: UInt64($0), scale: 0.06)
    }
    for owner in [0, 5, 7] {
      let out = try SegmentRunner.run(kernel, [x] + weights + [[Float(owner)]]).last!
      let part = { (index: Int) in
        Reference.doubles(Array(weights[index][owner * d * f..<(owner + 1) * d * f]))
      }
      let gate = Reference.product(Reference.doubles(x), part(0), m: 128, k: d, n: f)
      let up = Reference.product(Reference.doubles(x), part(1), m: 128, k: d, n: f)
      let hidden = zip(gate, up).map { Reference.silu($0) * $1 }
      let expected = Reference.product(hidden, part(2), m: 128, k: f, n: d)
      let unit = NumberFormat.bfloat16.roundoff
      expectClose(out, expected, relative: 2 * unit, absolute: unit)
    }
    #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
  }

  @Test func weightedSumsOfSlots() throws {
    let kernel = ExpertCombineKernel(layer(150, chosen: 3), slots: 1024)
    let y = randomTensor(1024 * 256, .bfloat16, seed: 3)
    let places = (0..<450).map { Float($0 * 37 % 1024) }
    let weights = randomTensor(450, .float32, seed: 4)
    let out = try SegmentRunner.run(kernel, [y, places, weights]).last!
    let expected = (0..<150 * 256).map { index in
      (0..<3).reduce(0.0) { sum, choice in
        let place = index / 256 * 3 + choice
        return sum + Double(weights[place]) * Double(y[Int(places[place]) * 256 + index % 256])
      }
    }
    expectClose(out, expected, relative: NumberFormat.bfloat16.roundoff, absolute: 1e-5)
    #expect(OrderChecker(try kernel.segment(on: .trainium2)).problems == [])
  }

  /// Few tokens, widths that 128 does not divide and long lists of experts stay as they were.
  @Test func smallLayersAreNotDealt() {
    for tokens in [1, 2, 16, 64] {
      #expect(ExpertGroups(layer(tokens), on: .trainium2) == nil)
    }
    #expect(
      ExpertGroups(
        ExpertLayerKernel(tokens: 2048, width: 2880, hidden: 360, experts: 32, chosen: 4),
        on: .trainium2) == nil)
  }
}
