import Hardware
import InstructionSet
import KernelBuilder
import KernelLibrary
import NumericFormats
import Testing

/// Group norms, batch norms and stencils against their definitions.
@Suite struct ScienceKernelTests {
  @Test(arguments: [
    (2, 64, 32, 30), (1, 130, 13, 700), (3, 200, 200, 9), (1, 16, 1, 1030),
  ])
  func groupNorm(shape: (Int, Int, Int, Int)) throws {
    let (batch, channels, groups, places) = shape
    for layout in [ConvolutionKernel.ActivationLayout.channelsFirst, .imagesFirst] {
      let kernel = GroupNormKernel(
        batch: batch, channels: channels, groups: groups, places: places, layout: layout)
      let x = randomTensor(batch * channels * places, .bfloat16, seed: 1)
      let gamma = randomTensor(channels, .float32, seed: 2)
      let beta = randomTensor(channels, .float32, seed: 3)
      let out = try SegmentRunner.run(kernel, [x, gamma, beta]).last!
      func index(_ image: Int, _ channel: Int, _ place: Int) -> Int {
        layout == .imagesFirst
          ? (image * channels + channel) * places + place
          : (channel * batch + image) * places + place
      }
      var expected = [Double](repeating: 0, count: x.count)
      let perGroup = channels / groups
      for image in 0..<batch {
        for group in 0..<groups {
          let members = (0..<perGroup * places).map {
            (channel: group * perGroup + $0 / places, place: $0 % places)
          }
          let values = members.map { Double(x[index(image, $0.channel, $0.place)]) }
          let mean = values.reduce(0, +) / Double(values.count)
          let variance =
            values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
          for (member, value) in zip(members, values) {
            expected[index(image, member.channel, member.place)] =
              (value - mean) / (variance + 1e-5).squareRoot() * Double(gamma[member.channel])
              + Double(beta[member.channel])
          }
        }
      }
      expectClose(out, expected, relative: 0x1p-7, absolute: 2e-5)
    }
  }

  @Test func batchNorm() throws {
    for layout in [ConvolutionKernel.ActivationLayout.channelsFirst, .imagesFirst] {
      var kernel = ChannelScaleKernel(batch: 3, channels: 140, places: 35, layout: layout)
      kernel.rectifies = true
      let x = randomTensor(3 * 140 * 35, .bfloat16, seed: 1)
      let lines = (0..<3).map { randomTensor(140, .float32, seed: UInt64($0 + 4)) }
      let variance = randomTensor(140, .float32, seed: 9).map { abs($0) + 0.1 }
      let out = try SegmentRunner.run(kernel, [x] + lines + [variance]).last!
      let expected = x.indices.map { index in
        let plane = index / 35
        let channel = layout == .imagesFirst ? plane % 140 : plane / 3
        let deviation = (Double(variance[channel]) + 1e-5).squareRoot()
        let normal = (Double(x[index]) - Double(lines[2][channel])) / deviation
        return max(0, normal * Double(lines[0][channel]) + Double(lines[1][channel]))
      }
      expectClose(out, expected, relative: 0x1p-7, absolute: 1e-5)
    }
  }

  @Test(arguments: [(1, 1, 1), (3, 130, 20), (5, 126, 7), (2, 127, 600), (4, 300, 5)])
  func stencil(shape: (Int, Int, Int)) throws {
    let (planes, rows, columns) = shape
    let kernel = StencilKernel(
      planes: planes, rows: rows, columns: columns, centre: 0.25, neighbour: 0.125,
      format: .float32)
    let x = randomTensor(planes * rows * columns, .float32, seed: 5)
    let out = try SegmentRunner.run(kernel, [x]).last!
    func value(_ p: Int, _ r: Int, _ c: Int) -> Double {
      guard (0..<planes).contains(p), (0..<rows).contains(r), (0..<columns).contains(c) else {
        return 0
      }
      return Double(x[(p * rows + r) * columns + c])
    }
    let expected = x.indices.map { index in
      let (p, r, c) = (index / (rows * columns), index / columns % rows, index % columns)
      let neighbours =
        value(p - 1, r, c) + value(p + 1, r, c) + value(p, r - 1, c) + value(p, r + 1, c)
        + value(p, r, c - 1) + value(p, r, c + 1)
      return 0.25 * value(p, r, c) + 0.125 * neighbours
    }
    expectClose(out, expected, relative: 1e-5, absolute: 1e-6)
  }
}
