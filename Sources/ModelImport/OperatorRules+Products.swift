import ModelGraph

extension OperatorRules {
  static var products: [String: Rule] {
    [
      "MatMul": { reading in
        let (a, b) = (try reading.type(0), try reading.shape(1))
        let isPlain = b.rank == 2 && a.shape.rank >= 2 && a.type.isFloat
        return reading.apply(
          isPlain ? .matMul(transposeA: false, transposeB: false) : .batchMatMul(BatchMatMul()))
      },
      "Gemm": { reading in
        let gemm = Gemm(
          alpha: reading.real("alpha", 1), beta: reading.real("beta", 1),
          transposeA: reading.flag("transA"), transposeB: reading.flag("transB"))
        if !reading.has(2), gemm.alpha == 1, try reading.type(0).type.isFloat,
          try reading.shape(0).rank == 2
        {
          return reading.apply(
            .matMul(transposeA: gemm.transposeA, transposeB: gemm.transposeB), 2)
        }
        return reading.apply(.gemm(gemm))
      },
      "Einsum": { reading in
        reading.apply(.einsum(Einsum(reading.text("equation", ""))))
      },
      "MatMulInteger": { reading in
        reading.apply(.quantizedMatMul(QuantizedMatMul(isScaled: false)))
      },
      "QLinearMatMul": { reading in
        reading.apply(.quantizedMatMul(QuantizedMatMul(isScaled: true)))
      },
    ]
  }
}
