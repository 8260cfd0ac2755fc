/// Rates of the vector engine by operand class, in hundredths of a cycle per element.
///
/// Hundredths, because the measured 0.77 and 0.55 cycles of converting copies are lost in tenths.
/// Where captures and documentation disagree the measured value stands and the source names both.
public struct VectorRates: Sendable {
  /// Copy FP32 to FP32, SBUF to SBUF. Hundredths of a cycle per element.
  public var copyFloat32: Constant<Int64>
  /// Copy FP32 to a 16-bit format, SBUF to SBUF. Hundredths of a cycle per element.
  public var copyFloat32To16: Constant<Int64>
  /// Copy between 16-bit formats, SBUF to SBUF, contiguous. Hundredths of a cycle per element.
  public var copy16: Constant<Int64>
  /// The same, not contiguous. Hundredths of a cycle per element.
  public var copy16Strided: Constant<Int64>
  /// The same, contiguous, one side in PSUM. Hundredths of a cycle per element.
  public var copy16PSUM: Constant<Int64>
  /// Copy a 16-bit format to FP32, SBUF to SBUF. Hundredths of a cycle per element.
  public var copy16ToFloat32: Constant<Int64>
  /// Copy FP32 to INT32, SBUF to SBUF. Hundredths of a cycle per element.
  public var copyFloat32ToInt32: Constant<Int64>
  /// Copy FP32 to an 8-bit format, SBUF to SBUF. Hundredths of a cycle per element.
  public var copyFloat32To8: Constant<Int64>
  /// Copy INT32 to INT32, SBUF to SBUF. Hundredths of a cycle per element.
  public var copyInt32: Constant<Int64>
  /// Copy between 8-bit formats, SBUF to SBUF. Hundredths of a cycle per element.
  public var copy8: Constant<Int64>
  /// Copy between formats not named here, SBUF to SBUF. Hundredths of a cycle per element.
  public var copyOther: Constant<Int64>
  /// Copy with a side in PSUM, source 32 bits. Hundredths of a cycle per element.
  public var copyPSUM: Constant<Int64>
  /// TENSOR_SCALAR on FP32, SBUF to SBUF. Hundredths of a cycle per element.
  public var scalarFloat32: Constant<Int64>
  /// TENSOR_SCALAR on 16-bit formats, SBUF to SBUF, contiguous. Hundredths of a cycle per element.
  public var scalar16: Constant<Int64>
  /// The same, not contiguous. Hundredths of a cycle per element.
  public var scalar16Strided: Constant<Int64>
  /// The same, contiguous, one side in PSUM. Hundredths of a cycle per element.
  public var scalar16PSUM: Constant<Int64>
  /// TENSOR_SCALAR with a side in PSUM, 32 bits. Hundredths of a cycle per element.
  public var scalarPSUM: Constant<Int64>
  /// TENSOR_TENSOR with an FP32 operand. Hundredths of a cycle per element.
  public var tensorFloat32: Constant<Int64>
  /// TENSOR_TENSOR, all three 16-bit, inputs in SBUF. Hundredths of a cycle per element.
  public var tensor16: Constant<Int64>
  /// TENSOR_TENSOR with an input in PSUM. Hundredths of a cycle per element.
  public var tensorPSUM: Constant<Int64>
  /// SCALAR_TENSOR_TENSOR. Hundredths of a cycle per element.
  public var scalarTensor: Constant<Int64>
  /// TENSOR_REDUCE and POOL, per element read. Hundredths of a cycle per element.
  public var reduce: Constant<Int64>
  /// TENSOR_REDUCE of a 16-bit format. Hundredths of a cycle per element.
  public var reduce16: Constant<Int64>
  /// TENSOR_SCALAR with a reduction. Hundredths of a cycle per element.
  public var scalarReduce: Constant<Int64>
  /// Running TENSOR_SCALAR. Hundredths of a cycle per element.
  public var scalarCumulative: Constant<Int64>
  /// Select and select with a reduction. Hundredths of a cycle per element.
  public var select: Constant<Int64>
  /// Range select. Hundredths of a cycle per element.
  public var rangeSelect: Constant<Int64>
  /// Dropout. Hundredths of a cycle per element.
  public var dropout: Constant<Int64>
  /// Predicated copy, scalar or tensor source. Hundredths of a cycle per element.
  public var copyPredicated: Constant<Int64>
  /// STREAM_SHUFFLE within quadrants. Hundredths of a cycle per element.
  public var streamShuffle: Constant<Int64>
  /// 32 x 32 STREAM_TRANSPOSE, per element of the free dimension. Hundredths of a cycle per
  /// element.
  public var streamTranspose: Constant<Int64>
  /// MEMSET of any format. Hundredths of a cycle per element.
  public var memset: Constant<Int64>
  /// Eight largest. Hundredths of a cycle per element.
  public var max8: Constant<Int64>
  /// Indices of eight values. Hundredths of a cycle per element.
  public var findIndex8: Constant<Int64>
  /// Replace first matches of eight values. Hundredths of a cycle per element.
  public var matchReplace8: Constant<Int64>
  /// BN_STATS. Hundredths of a cycle per element.
  public var batchNormStatistics: Constant<Int64>
  /// BN_AGGR: cycles per three elements. Cycles.
  public var batchNormAggregateNumerator: Constant<Int64>
  /// Elements that those cycles serve. Cycles.
  public var batchNormAggregateDenominator: Constant<Int64>
  /// Random bits. Hundredths of a cycle per element.
  public var random: Constant<Int64>
  /// Index fill. Hundredths of a cycle per element.
  public var iota: Constant<Int64>
  /// Exponential (0: no such instruction). Hundredths of a cycle per element.
  public var exponential: Constant<Int64>
  /// Quantisation to MX formats (0: no such instruction). Hundredths of a cycle per element.
  public var quantizeMX: Constant<Int64>
  /// A strided FP32 operand: cycles for each of max(0, 2 x sectors - N). Hundredths of a cycle per
  /// element.
  public var strideFactor: Constant<Int64>
}

extension VectorRates: ConstantGroup {
  static let entries: [ConstantEntry<VectorRates>] = [
    .init("copyFloat32", \.copyFloat32),
    .init("copyFloat32To16", \.copyFloat32To16),
    .init("copy16", \.copy16),
    .init("copy16Strided", \.copy16Strided),
    .init("copy16PSUM", \.copy16PSUM),
    .init("copy16ToFloat32", \.copy16ToFloat32),
    .init("copyFloat32ToInt32", \.copyFloat32ToInt32),
    .init("copyFloat32To8", \.copyFloat32To8),
    .init("copyInt32", \.copyInt32),
    .init("copy8", \.copy8),
    .init("copyOther", \.copyOther),
    .init("copyPSUM", \.copyPSUM),
    .init("scalarFloat32", \.scalarFloat32),
    .init("scalar16", \.scalar16),
    .init("scalar16Strided", \.scalar16Strided),
    .init("scalar16PSUM", \.scalar16PSUM),
    .init("scalarPSUM", \.scalarPSUM),
    .init("tensorFloat32", \.tensorFloat32),
    .init("tensor16", \.tensor16),
    .init("tensorPSUM", \.tensorPSUM),
    .init("scalarTensor", \.scalarTensor),
    .init("reduce", \.reduce),
    .init("reduce16", \.reduce16),
    .init("scalarReduce", \.scalarReduce),
    .init("scalarCumulative", \.scalarCumulative),
    .init("select", \.select),
    .init("rangeSelect", \.rangeSelect),
    .init("dropout", \.dropout),
    .init("copyPredicated", \.copyPredicated),
    .init("streamShuffle", \.streamShuffle),
    .init("streamTranspose", \.streamTranspose),
    .init("memset", \.memset),
    .init("max8", \.max8),
    .init("findIndex8", \.findIndex8),
    .init("matchReplace8", \.matchReplace8),
    .init("batchNormStatistics", \.batchNormStatistics),
    .init("batchNormAggregateNumerator", \.batchNormAggregateNumerator),
    .init("batchNormAggregateDenominator", \.batchNormAggregateDenominator),
    .init("random", \.random),
    .init("iota", \.iota),
    .init("exponential", \.exponential),
    .init("quantizeMX", \.quantizeMX),
    .init("strideFactor", \.strideFactor),
  ]
}
