import ModelGraph

extension OperatorRules {
  static var quantization: [String: Rule] {
    [
      "QuantizeLinear": { reading in
        let standard = reading.has(2) ? try reading.type(2).type : .uint8
        let type = try reading.elementType("output_dtype", nil)
        return reading.apply(
          .quantize(
            Quantize(
              to: reading.integer("output_dtype", 0) == 0 ? standard : type ?? standard,
              axis: reading.integer("axis", 1), blockSize: reading.integer("block_size", 0),
              saturates: reading.flag("saturate", true))))
      },
      "DequantizeLinear": { reading in
        let isGiven = reading.integer("output_dtype", 0) != 0
        return reading.apply(
          .dequantize(
            Dequantize(
              axis: reading.integer("axis", 1), blockSize: reading.integer("block_size", 0),
              type: isGiven ? try reading.elementType("output_dtype", nil) : nil)))
      },
      "DynamicQuantizeLinear": { $0.apply(.dynamicQuantize(DynamicQuantize())) },
    ]
  }
}
