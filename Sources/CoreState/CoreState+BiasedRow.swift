public import Hardware
import NumericFormats
import VectorKernels

extension CoreState {
  /// True where `storeBiased` does what a load, an activation and a store in turn would do: dense
  /// fp32 rows become dense bf16 elsewhere, rounded to nearest.
  public func storesBiasedRows(from source: AccessPattern, to target: AccessPattern) -> Bool {
    source.format == .float32 && target.format == .bfloat16 && source.isContiguous
      && target.isContiguous && rounding == .nearestEven && !keepsUnroundedValues
      && source.register == AccessPattern.noRegister
      && target.register == AccessPattern.noRegister && !source.mayOverlap(target)
  }

  /// Stores one partition of `source` times `scale` plus `bias`, and nothing below zero if `clips`.
  public mutating func storeBiased(
    _ source: AccessPattern, scale: Float, bias: Float, clips: Bool, to target: AccessPattern,
    partition: Int, engine: Engine
  ) {
    noteWrite(target, partition: partition, engine: engine)
    if partition == 0 { storedPatterns &+= 1 }
    unsafe BiasedRow.toBFloat16(
      UnsafePointer(address(source, partition, engine).assumingMemoryBound(to: Float.self)),
      scale: scale, bias: bias, clips: clips, into: address(target, partition, engine),
      count: min(source.columns, target.columns))
  }
}
