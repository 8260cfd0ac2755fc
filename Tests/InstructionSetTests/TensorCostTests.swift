import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing
import Units

/// Cycles of the tensor engine's rows, documented and measured.
@Suite struct TensorCostTests {
  private func cost(_ operation: Operation, _ engine: Engine) -> Cost {
    operation.cost(on: .trainium2, engine: engine)
  }

  /// Moving columns and format, and the cycles that they stream.
  @Test(
    arguments: [
      (64, NumberFormat.bfloat16, 64), (32, .bfloat16, 64), (16, .bfloat16, 64),
      (512, .bfloat16, 512), (512, .float8e4m3, 512), (512, .float32, 1024), (16, .float32, 128),
    ])
  func matmulsStreamAtLeastSixtyFourRows(_ columns: Int, _ format: NumberFormat, _ cycles: Int) {
    let matmul = cost(
      .matmul(
        Matmul(psum(.float32, columns), sbuf(format, columns), columns: 128, accumulate: false)),
      .tensor)
    #expect(matmul.kind == .matmul)
    #expect(matmul.streamTenths == Int64(cycles) * 10)
  }

  /// Twice the products of a 16-bit tile in the same cycles: 157 of the peak's 157.3 TFLOPS.
  @Test func doubleRowsStreamNoLonger() {
    let moving = pattern(.sbuf, .float8e4m3, [(2, 512), (512, 1)])
    let operation = Operation.matmul(
      Matmul(psum(.float32, 512), moving, columns: 128, accumulate: false, isDoubleRow: true))
    #expect(fault(operation, .tensor) == nil)
    #expect(cost(operation, .tensor).streamTenths == 5120)
    #expect(operation.macs == 256 * 128 * 512)
    let weights = pattern(.sbuf, .float8e4m3, [(2, 128), (128, 1)])
    let load = Operation.loadWeights(LoadWeights(weights, isDoubleRow: true))
    #expect(fault(load, .tensor) == nil)
    #expect(cost(load, .tensor).loadCycles == 32)
  }

  @Test func weightLoads() {
    func load(_ format: NumberFormat, _ columns: Int, transpose: Bool = false) -> Cost {
      cost(.loadWeights(LoadWeights(sbuf(format, columns), isTranspose: transpose)), .tensor)
    }
    #expect(load(.bfloat16, 128).loadCycles == 32)
    #expect(load(.bfloat16, 64).loadCycles == 16)
    #expect(load(.bfloat16, 1).loadCycles == 1)
    #expect(load(.float32, 128).loadCycles == 256)
    #expect(load(.float32, 128).loadBubbleCycles == 12)
    #expect(load(.float32, 128, transpose: true).loadCycles == 128)
    #expect(load(.float32, 128, transpose: true).loadBubbleCycles == 0)
  }

  @Test func aStridedMovingOperandCostsMore() {
    let strided = pattern(.sbuf, .float32, [(256, 4)])
    let matmul = cost(
      .matmul(Matmul(psum(.float32, 256), strided, columns: 128, accumulate: false)), .tensor)
    // 2.045 ns of 2.4 GHz per element over two passes.
    #expect(matmul.streamTenths == (512 + 628) * 10)
  }
}
