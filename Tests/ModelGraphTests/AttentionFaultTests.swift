import Foundation
import ModelGraph
import NumericFormats
import Testing

@Suite("Attention: correct results pass, planted faults do not")
struct AttentionFaultTests {
  /// What a kernel with fp32 scores, bf16 probabilities and a late division makes of Q, K and V,
  /// with switches for its faults.
  struct Device {
    var tokens = 1024
    var channels = 64
    var scale: Float?
    var visible: (Int) -> Int = { $0 + 1 }
    var normalises = true
    var keyHead: (Int) -> Int = { $0 / 2 }
    static let heads = 2

    var query: HeadDimensions {
      HeadDimensions(batch: 1, heads: Self.heads, tokens: tokens, channels: channels)
    }
    var key: HeadDimensions {
      HeadDimensions(batch: 1, heads: 2, tokens: tokens, channels: channels)
    }
    var shape: TensorShape { [tokens, Self.heads * channels] }

    func run(_ q: [Float], _ k: [Float], _ v: [Float]) -> [Float] {
      var output = [Float](repeating: 0, count: q.count)
      let scale = self.scale ?? 1 / Float(channels).squareRoot()
      let row = Self.heads * channels
      for head in 0..<Self.heads {
        for token in 0..<tokens {
          let count = max(0, min(tokens, visible(token)))
          var scores = [Float](repeating: 0, count: count)
          for other in 0..<count {
            var sum: Float = 0
            for channel in 0..<channels {
              sum.addProduct(
                q[token * row + head * channels + channel],
                k[other * row + keyHead(head) * channels + channel])
            }
            scores[other] = sum * scale
          }
          let largest = scores.max() ?? 0
          let powers = scores.map { roundedToBfloat16(exp($0 - largest)) }
          let sum = normalises ? scores.reduce(0) { $0 + exp($1 - largest) } : 1
          for channel in 0..<channels {
            var total: Float = 0
            for other in 0..<count {
              total.addProduct(
                powers[other], v[other * row + keyHead(head) * channels + channel])
            }
            output[token * row + head * channels + channel] = roundedToBfloat16(total / sum)
          }
        }
      }
      return output
    }
  }

  private func check(_ device: Device, isCausal: Bool = true, sampled: Bool = true) throws
    -> NumericsReport
  {
    let shape = device.shape
    let (q, k, v) = (seeded("q", shape), seeded("k", shape), seeded("v", shape))
    let attention = Attention(query: device.query, key: device.key, isCausal: isCausal)
    return try NumericsChecker(seed: 2).check(
      .attention(attention), named: "attention",
      inputs: [view(q, shape), view(k, shape), view(v, shape)],
      output: view(device.run(q, k, v), shape), operationCount: sampled ? 3_000_000_000 : 0)
  }

  private var right: Device { Device(keyHead: { $0 }) }

  @Test("A kernel with bf16 probabilities passes, causal and not, sampled and whole")
  func correctPasses() throws {
    let causal = try check(right)
    #expect(causal.passed, "\(causal.summary)")
    #expect(causal.checkedCount >= 4096)
    var all = right
    all.visible = { _ in .max }
    let whole = try check(all, isCausal: false)
    #expect(whole.passed, "\(whole.summary)")
    var small = right
    small.tokens = 130
    let report = try check(small, sampled: false)
    #expect(report.passed && report.checkedCount == report.outputCount, "\(report.summary)")
  }

  @Test("The scale 1/sqrt(d) left out fails")
  func missingScale() throws {
    var device = right
    device.scale = 1
    #expect(try !check(device).passed)
  }

  @Test("A causal mask off by one fails in either direction", arguments: [0, 2])
  func maskOffByOne(extra: Int) throws {
    var device = right
    device.visible = { $0 + extra }
    let report = try check(device)
    #expect(!report.passed)
  }

  @Test("A mask off by one in the last rows alone fails", arguments: [0, 2])
  func lateMaskOffByOne(extra: Int) throws {
    var device = right
    device.visible = { $0 < 768 ? $0 + 1 : $0 + extra }
    let report = try check(device)
    #expect(!report.passed, "\(report.summary)")
  }

  @Test("No mask where one belongs, and a mask where none belongs, fail")
  func maskMissing() throws {
    var device = right
    device.visible = { _ in .max }
    #expect(try !check(device).passed)
    #expect(try !check(right, isCausal: false).passed)
  }

  @Test("Probabilities that are not divided by their sum fail")
  func notNormalised() throws {
    var device = right
    device.normalises = false
    #expect(try !check(device).passed)
  }

  @Test("The wrong key head fails")
  func wrongHead() throws {
    #expect(try !check(Device()).passed)
  }
}
