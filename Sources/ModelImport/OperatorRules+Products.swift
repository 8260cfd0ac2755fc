import ModelGraph
import ONNXSchema

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
        // Without factors it is a product and a sum, which kernels take as one.
        let isPlain = gemm.alpha == 1 && (gemm.beta == 1 || !reading.has(2))
        guard isPlain, try reading.type(0).type.isFloat, try reading.shape(0).rank == 2,
          try reading.shape(1).rank == 2
        else { return reading.apply(.gemm(gemm)) }
        let product = Operator.matMul(
          transposeA: gemm.transposeA, transposeB: gemm.transposeB)
        guard reading.has(2) else { return reading.apply(product, 2) }
        // C must not be wider than the product, which a sum would allow.
        let types = [try reading.type(0), try reading.type(1), try reading.type(2)]
        _ = try ShapeInference.results(of: .gemm(gemm), inputs: types, node: reading.node.name)
        return .chain(product, [0, 1], then: .add, [2])
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
