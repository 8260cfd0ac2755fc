import Hardware
import InstructionSet
import KernelBuilder
import KernelLibrary
import NumericFormats
import Testing

/// A convolution written out as its definition, NC(D)HW activations and OI(D)HW weights.
struct ConvolutionReference {
  let kernel: ConvolutionKernel
  var axes: [WindowAxis] { [kernel.depth ?? WindowAxis(1), kernel.rows, kernel.columns] }
  var inputPlaces: Int { axes.map(\.size).reduce(1, *) }
  var outputPlaces: Int { axes.map(\.output).reduce(1, *) }

  func result(
    _ x: [Float], _ weights: [Float], _ bias: [Float], _ residual: [Float], _ imageBias: [Float]
  ) -> [Double] {
    var out: [Double] = []
    let perGroup = kernel.inputs / kernel.groups
    let places = outputPlaces
    let sources = (0..<places).map { place in
      (0..<kernel.taps).compactMap { tap in source(place, tap).map { (tap: tap, from: $0) } }
    }
    let inside = inputPlaces
    for image in 0..<kernel.batch {
      for channel in 0..<kernel.outputs {
        let group = channel / (kernel.outputs / kernel.groups)
        for place in 0..<places {
          var sum = bias.isEmpty ? 0 : Double(bias[channel])
          for input in 0..<perGroup {
            let plane = image * kernel.inputs + group * perGroup + input
            for (tap, from) in sources[place] {
              sum +=
                Double(x[plane * inside + from])
                * Double(weights[(channel * perGroup + input) * kernel.taps + tap])
            }
          }
          if !imageBias.isEmpty { sum += Double(imageBias[channel * kernel.batch + image]) }
          if !residual.isEmpty { sum += Double(residual[out.count]) }
          out.append(kernel.activation == .relu ? max(0, sum) : sum)
        }
      }
    }
    return out
  }

  /// The input that a place sees through a tap, or nil for padding.
  private func source(_ place: Int, _ tap: Int) -> Int? {
    var (place, tap) = (place, tap)
    var at: [Int] = []
    for axis in axes.reversed() {
      at.append(place % axis.output * axis.stride + tap % axis.kernel * axis.dilation - axis.before)
      place /= axis.output
      tap /= axis.kernel
    }
    var index = 0
    for (axis, position) in zip(axes, at.reversed()) {
      guard (0..<axis.size).contains(position) else { return nil }
      index = index * axis.size + position
    }
    return index
  }

  /// [a, b, rest] becomes [b, a, rest].
  static func swapped<T>(_ x: [T], _ a: Int, _ b: Int) -> [T] {
    let rest = x.count / (a * b)
    return (0..<x.count).map { index in
      let (outer, inner) = (index / rest, index % rest)
      return x[((outer % a) * b + outer / a) * rest + inner]
    }
  }
}

@Suite struct ConvolutionKernelTests {
  /// Runs a kernel and compares all of it with the definition. Tolerance: 4·u·√K per sum of
  /// products of values below one, and the rounding of the output.
  private func check(
    _ kernel: ConvolutionKernel, isOrderChecked: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let reference = ConvolutionReference(kernel: kernel)
    let perGroup = kernel.inputs / kernel.groups
    let x = randomTensor(
      kernel.batch * kernel.inputs * reference.inputPlaces, kernel.input, seed: 1)
    let weights = randomTensor(kernel.outputs * perGroup * kernel.taps, kernel.input, seed: 2)
    let bias = kernel.hasBias ? randomTensor(kernel.outputs, .float32, seed: 3) : []
    let count = kernel.batch * kernel.outputs * reference.outputPlaces
    let residual = kernel.hasResidual ? randomTensor(count, kernel.output, seed: 4) : []
    var inputs = [x, weights]
    if kernel.inputLayout == .channelsFirst {
      inputs[0] = ConvolutionReference.swapped(x, kernel.batch, kernel.inputs)
    }
    if kernel.weightLayout == .inputsFirst {
      // [O, I, T] to [I, T, O].
      inputs[1] = Reference.transposed(
        weights, rows: kernel.outputs, columns: perGroup * kernel.taps)
    }
    if kernel.hasBias { inputs.append(bias) }
    let imageBias =
      kernel.hasImageBias ? randomTensor(kernel.outputs * kernel.batch, .float32, seed: 6) : []
    if kernel.hasImageBias { inputs.append(imageBias) }
    let isSwapped = kernel.outputLayout == .channelsFirst
    if kernel.hasResidual {
      inputs.append(
        isSwapped
          ? ConvolutionReference.swapped(residual, kernel.batch, kernel.outputs) : residual)
    }
    var out = try SegmentRunner.run(kernel, inputs).last!
    if isSwapped { out = ConvolutionReference.swapped(out, kernel.outputs, kernel.batch) }
    let expected = reference.result(x, weights, bias, residual, imageBias)
    let depth = Double(perGroup * kernel.taps)
    let sum = 4 * NumberFormat.float32.roundoff * depth
    expectClose(
      out, expected, relative: 2 * kernel.output.roundoff + sum,
      absolute: sum + 0.01 * kernel.output.roundoff, sourceLocation: sourceLocation)
    if isOrderChecked {
      let problems = OrderChecker(try kernel.segment(on: .trainium2)).problems
      #expect(problems.isEmpty, "\(problems.prefix(3))", sourceLocation: sourceLocation)
    }
  }

  private func square(
    _ size: Int, _ kernel: Int, stride: Int = 1, pad: Int, dilation: Int = 1
  ) -> WindowAxis {
    WindowAxis(size, kernel: kernel, stride: stride, before: pad, after: pad, dilation: dilation)
  }

  private func kernel(
    _ batch: Int, _ inputs: Int, _ outputs: Int, _ axis: WindowAxis, _ other: WindowAxis? = nil
  ) -> ConvolutionKernel {
    ConvolutionKernel(
      batch: batch, inputs: inputs, outputs: outputs, rows: other ?? axis, columns: axis)
  }

  @Test func pointwise() throws {
    try check(kernel(2, 128, 64, WindowAxis(7)))
    try check(kernel(3, 200, 130, WindowAxis(9)))
    try check(kernel(2, 64, 64, WindowAxis(8, kernel: 1, stride: 2)))
  }

  @Test func threeByThree() throws {
    try check(kernel(1, 130, 20, square(5, 3, pad: 1)), isOrderChecked: true)
    try check(kernel(3, 130, 70, square(14, 3, pad: 1)))
    try check(kernel(2, 96, 32, square(9, 3, stride: 2, pad: 1)))
    try check(kernel(1, 80, 16, square(27, 3, pad: 1)))
    try check(kernel(1, 72, 24, square(11, 3, pad: 2, dilation: 2)))
  }

  @Test func packedTaps() throws {
    try check(kernel(2, 3, 16, square(21, 7, stride: 2, pad: 3)))
    try check(kernel(1, 3, 4, square(6, 3, stride: 2, pad: 1)), isOrderChecked: true)
    try check(kernel(2, 64, 32, square(10, 3, pad: 1)))
    try check(kernel(2, 48, 32, square(10, 3, stride: 2, pad: 1)))
    try check(kernel(1, 1, 8, square(12, 5, pad: 2)))
    try check(kernel(2, 3, 24, WindowAxis(16, kernel: 4, stride: 4)))
  }

  @Test func groups() throws {
    var grouped = kernel(2, 128, 128, square(8, 3, pad: 1))
    grouped.groups = 32
    try check(grouped)
    var depthwise = kernel(2, 150, 150, square(9, 3, stride: 2, pad: 1))
    depthwise.groups = 150
    try check(depthwise)
    var wide = kernel(1, 192, 256, square(6, 3, pad: 1))
    wide.groups = 2
    try check(wide)
    var multiplied = kernel(1, 10, 20, square(6, 3, pad: 1))
    multiplied.groups = 5
    try check(multiplied)
  }

  @Test func epilogues() throws {
    var block = kernel(2, 128, 160, square(10, 3, pad: 1))
    block.hasBias = true
    block.activation = .relu
    try check(block)
    block.hasResidual = true
    try check(block)
    block.activation = nil
    block.output = .float32
    try check(block)
    block.hasBias = false
    try check(block)
    var small = kernel(1, 20, 24, square(4, 3, pad: 1))
    small.hasBias = true
    small.hasResidual = true
    small.activation = .relu
    small.weightLayout = .outputsFirst
    try check(small, isOrderChecked: true)
  }

  @Test func imageBiases() throws {
    for hasBias in [false, true] {
      var block = kernel(3, 130, 140, square(5, 3, pad: 1))
      block.hasImageBias = true
      block.hasBias = hasBias
      try check(block)
      var point = kernel(2, 16, 24, WindowAxis(5))
      point.hasImageBias = true
      point.hasBias = hasBias
      try check(point)
    }
  }

  @Test(arguments: [
    ConvolutionKernel.ActivationLayout.imagesFirst, .channelsFirst,
  ])
  func layouts(layout: ConvolutionKernel.ActivationLayout) throws {
    for weights in [ConvolutionKernel.WeightLayout.outputsFirst, .inputsFirst] {
      for (inputs, outputs, groups, size) in [
        (140, 136, 1, 3), (3, 20, 1, 5), (32, 64, 16, 3), (130, 16, 1, 1),
      ] {
        var some = kernel(2, inputs, outputs, square(7, size, stride: 2, pad: size / 2))
        some.groups = groups
        some.inputLayout = layout
        some.outputLayout = .imagesFirst
        some.weightLayout = weights
        some.hasBias = true
        some.hasResidual = size == 3
        try check(some)
      }
    }
  }

  @Test func volumes() throws {
    for (inputs, layout) in [
      (16, ConvolutionKernel.ActivationLayout.imagesFirst), (100, .channelsFirst),
    ] {
      var volume = ConvolutionKernel(
        batch: 2, inputs: inputs, outputs: 24, depth: square(6, 3, pad: 1),
        rows: square(7, 3, stride: 2, pad: 1), columns: square(5, 3, pad: 1))
      volume.inputLayout = layout
      volume.outputLayout = layout
      try check(volume)
    }
    let line = ConvolutionKernel(
      batch: 2, inputs: 130, outputs: 24, rows: WindowAxis(1), columns: square(700, 3, pad: 1))
    try check(line)
  }

  @Test func unusualWindows() throws {
    // Padding beyond the window: some places see nothing at all.
    try check(kernel(1, 80, 16, WindowAxis(4, kernel: 2, before: 3, after: 3)))
    try check(kernel(1, 80, 16, WindowAxis(5, kernel: 3, stride: 3, before: 1)))
    try check(kernel(1, 128, 16, WindowAxis(6, kernel: 2, after: 1), WindowAxis(3, kernel: 3)))
    #expect(throws: BuilderError.self) {
      try kernel(1, 8, 8, WindowAxis(2, kernel: 5)).segment(on: .trainium2)
    }
  }

  @Test func fp32() throws {
    var plain = kernel(1, 130, 24, square(6, 3, pad: 1))
    plain.input = .float32
    plain.output = .float32
    plain.hasBias = true
    try check(plain)
  }

  /// Many output channels with large windows: weights come in groups while images stay.
  @Test func weightsInGroups() throws {
    try check(kernel(1, 384, 720, square(3, 5, pad: 2)))
  }

  @Test func transposed() throws {
    for window in [[1, 2, 2], [2, 2, 2], [1, 3, 1]] {
      for hasBias in [false, true] {
        let (inputs, outputs, planes, rows, columns) = (140, 130, 3, 5, 7)
        var kernel = TransposedConvolutionKernel(
          inputs: inputs, outputs: outputs, planes: planes, rows: rows, columns: columns,
          window: window)
        kernel.hasBias = hasBias
        let taps = window.reduce(1, *)
        let places = planes * rows * columns
        let x = randomTensor(inputs * places, .bfloat16, seed: 1)
        let weights = randomTensor(inputs * taps * outputs, .bfloat16, seed: 2)
        let bias = hasBias ? randomTensor(outputs, .float32, seed: 3) : []
        let out = try SegmentRunner.run(
          kernel, [x, weights] + (hasBias ? [bias] : [])
        ).last!
        var expected = [Double](repeating: 0, count: outputs * places * taps)
        let (height, width) = (rows * window[1], columns * window[2])
        for output in 0..<outputs {
          for place in 0..<places {
            for tap in 0..<taps {
              var sum = hasBias ? Double(bias[output]) : 0
              for input in 0..<inputs {
                sum +=
                  Double(x[input * places + place])
                  * Double(weights[(input * taps + tap) * outputs + output])
              }
              let plane =
                place / (rows * columns) * window[0] + tap / (window[1] * window[2])
              let row = place / columns % rows * window[1] + tap / window[2] % window[1]
              let column = place % columns * window[2] + tap % window[2]
              let at = (output * planes * window[0] + plane) * height + row
              expected[at * width + column] = sum
            }
          }
        }
        expectClose(out, expected, relative: 0x1p-7, absolute: 1e-4)
      }
    }
  }
}
