import NumericFormats
import Testing
import VectorKernels

@Suite struct BiasedRowTests {
  @Test func onePassEqualsAnActivationAndARounding() {
    for count in rowSizes {
      for (scale, bias) in [(Float(1), Float(0)), (1, -0.75), (0.3, 1e-3), (1, -0.0), (2, .nan)] {
        let source = sampleRow(count, seed: UInt64(count + 3))
        for clips in [false, true] {
          let wide = unsafe floats(count) {
            unsafe Activation.apply(
              clips ? .relu : .identity, source, into: $0, count: count, scale: scale, bias: bias)
          }
          let expected: [UInt16] = Conversion.codes(.bfloat16, of: wide)
          var found = [UInt16](repeating: 77, count: count + 1)
          unsafe BiasedRow.toBFloat16(
            source, scale: scale, bias: bias, clips: clips, into: &found, count: count)
          #expect(found == expected + [77], "\(count) \(scale) \(bias) \(clips)")
        }
      }
    }
  }
}
