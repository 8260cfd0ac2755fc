import CoreState
import InstructionSet
import NumericFormats

/// Foundation has an `Operation` of its own.
typealias MachineOperation = Operation

extension MicroReferenceTests {
  /// One or more faults for each kind of instruction that micro-programs measure.
  static let plants: [Plant] = tensorPlants + elementwisePlants + rowPlants + movementPlants

  private static func shifted(_ access: AccessPattern) -> AccessPattern {
    var result = access
    result.byteOffset += UInt32(access.format.sizeBytes)
    return result
  }

  private static func shorter(_ access: AccessPattern) -> AccessPattern {
    var result = access
    result.sizes[0] -= 1
    return result
  }

  private static let tensorPlants: [Plant] = [
    Plant(
      description: "half of the contraction skipped", workload: "matmul-bf16", label: "nc_matmul"
    ) { operation in
      guard case .matmul(var product) = operation else { return operation }
      product.moving.partitionCount = 64
      return .matmul(product)
    },
    Plant(
      description: "the moving tile one column further", workload: "matmul-fp8",
      label: "nc_matmul fp8e4m3 double-row"
    ) { operation in
      guard case .matmul(var product) = operation else { return operation }
      product.moving = shifted(product.moving)
      return .matmul(product)
    },
    Plant(
      description: "the low part of fp32 weights replaced", workload: "matmul-fp32",
      label: "nc_matmul"
    ) { operation in
      guard case .loadWeights(var weights) = operation, weights.part == .low else {
        return operation
      }
      weights.source = shifted(weights.source)
      return .loadWeights(weights)
    },
    Plant(description: "a column too far transposed", workload: "transpose", label: "nc_tr") {
      guard case .loadWeights(var weights) = $0 else { return $0 }
      weights.source = shifted(weights.source)
      return .loadWeights(weights)
    },
  ]

  private static let elementwisePlants: [Plant] = [
    Plant(description: "the bias omitted", workload: "activation", label: "activation exp") {
      guard case .activate(var activate) = $0 else { return $0 }
      activate.bias = .immediate(0)
      return .activate(activate)
    },
    Plant(description: "a scale off by 2^-10", workload: "activation", label: "activation silu") {
      guard case .activate(var activate) = $0 else { return $0 }
      activate.scale = .immediate(1 + 0x1p-10)
      return .activate(activate)
    },
    Plant(
      description: "sums carried over", workload: "activation",
      label: "activation exp accumulate"
    ) { operation in
      guard case .activate(var activate) = operation else { return operation }
      activate.accumulate = .reduce
      return .activate(activate)
    },
    Plant(description: "the wrong arithmetic", workload: "elementwise", label: "tensor_tensor") {
      guard case .tensorTensor(var tensor) = $0 else { return $0 }
      tensor.operation = .subtract
      return .tensorTensor(tensor)
    },
    Plant(description: "the scalar omitted", workload: "elementwise", label: "tensor_scalar") {
      guard case .tensorScalar(var tensor) = $0 else { return $0 }
      tensor.operand0 = .immediate(1)
      return .tensorScalar(tensor)
    },
    Plant(
      description: "the reciprocal of a neighbour", workload: "elementwise",
      label: "reciprocal sbuf fp32->sbuf fp32 512"
    ) { operation in
      guard case .reciprocal(var reciprocal) = operation else { return operation }
      reciprocal.source = shifted(reciprocal.source)
      return .reciprocal(reciprocal)
    },
    Plant(description: "a row shifted", workload: "copy", label: "tensor_copy") {
      guard case .copy(var copy) = $0 else { return $0 }
      copy.source = shifted(copy.source)
      return .copy(copy)
    },
  ]

  private static let rowPlants: [Plant] = [
    Plant(description: "the last element left out", workload: "reduce", label: "tensor_reduce") {
      guard case .tensorReduce(var reduce) = $0 else { return $0 }
      reduce.source = shorter(reduce.source)
      return .tensorReduce(reduce)
    },
    Plant(
      description: "the seed forgotten", workload: "scan", label: "tensor_tensor_scan tensor"
    ) { operation in
      guard case .scan(var scan) = operation else { return operation }
      scan.initial = .immediate(0)
      return .scan(scan)
    },
    Plant(description: "the first element not searched", workload: "search", label: "max8") {
      guard case .max8(var search) = $0 else { return $0 }
      search.source = shorter(shifted(search.source))
      return .max8(search)
    },
    Plant(description: "even and odd swapped", workload: "search", label: "bn_stats") {
      guard case .batchNormStatistics(var statistics) = $0 else { return $0 }
      statistics.source = shifted(statistics.source)
      return .batchNormStatistics(statistics)
    },
  ]

  private static let movementPlants: [Plant] = [
    Plant(description: "a mask off by one", workload: "gpsimd", label: "affine_select") {
      guard case .affineSelect(var select) = $0 else { return $0 }
      select.start = 1
      return .affineSelect(select)
    },
    Plant(description: "indices off by one", workload: "gpsimd", label: "iota") {
      guard case .iota(var iota) = $0 else { return $0 }
      iota.start = 1
      return .iota(iota)
    },
    Plant(description: "the wrong value", workload: "memset", label: "memset") {
      guard case .memset(var memset) = $0 else { return $0 }
      memset.value = 1 + 0x1p-20
      return .memset(memset)
    },
    Plant(description: "a load one word late", workload: "dma-load", label: "dma_load hardware") {
      guard case .dma(var transfer) = $0, case .onChip(let tile) = transfer.destination else {
        return $0
      }
      transfer.destination = .onChip(shifted(tile))
      return .dma(transfer)
    },
    Plant(description: "a store one word late", workload: "dma-store", label: "dma_store") {
      guard case .dma(var transfer) = $0, case .onChip(let tile) = transfer.source else {
        return $0
      }
      transfer.source = .onChip(shifted(tile))
      return .dma(transfer)
    },
  ]
}
