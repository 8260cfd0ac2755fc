import Hardware
import Lowering
import ModelGraph
import NumericFormats
import Testing

/// Tensors that no memory holds are refused by name before a kernel is made.
@Suite struct HugeTensorTests {
  private func product(_ size: Int) throws -> Graph {
    var builder = GraphBuilder(name: "product", format: .bfloat16)
    try builder.given("a", [size, size])
    try builder.given("b", [size, size], role: .weight)
    try builder.apply(
      .matMul(transposeA: false, transposeB: false), to: ["a", "b"], name: "c", role: .output)
    return try builder.finish()
  }

  @Test func weightsBeyondTheDeviceAreRefusedAtOnce() throws {
    let graph = try product(1 << 20)
    do {
      _ = try Lowerer(device: .trainium2).lower(graph, keepsIntermediates: false)
      Issue.record("a matrix of 2 TiB was taken")
    } catch LoweringError.tooLarge(let overflow) {
      #expect(overflow.largestBytes == 1 << 41 && overflow.bytes == 1 << 42)
    }
  }

  @Test(arguments: [1 << 23, 1 << 31]) func noTensorHasMoreElementsThanAnyMemory(size: Int) throws {
    #expect(throws: GraphError.self) { try product(size) }
  }
}
