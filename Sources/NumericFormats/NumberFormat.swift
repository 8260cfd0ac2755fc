/// The number formats that an operand can have in SBUF, PSUM or HBM.
///
/// Source: the public data-type pages of the AWS Neuron documentation. `float8e4m3` is the
/// IEEE-like format with a largest value of 240; `float8e4m3fn` is the OCP one with 448.
/// `float8e8m0` is the scale of microscaling groups, and the names that end in x4 are memory
/// elements of four numbers each (source: the `nc_matmul_mx` page of the kernel interface).
///
/// There is no 64-bit format: engines hold 64-bit integers as 32-bit ones (`WideInteger`).
public enum NumberFormat: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case float32, tensorFloat32, bfloat16, float16
  case float8e4m3, float8e4m3fn, float8e5m2, float8e3m4
  case int8, uint8, int16, uint16, int32, uint32
  case float8e8m0
  case float8e4m3fnx4, float8e5m2x4, float4e2m1fnx4

  /// Bytes that one element takes in memory. TF32 is stored in four bytes, and the four numbers of
  /// a packed element count as one element.
  @inlinable public var sizeBytes: Int {
    switch self {
    case .float32, .tensorFloat32, .int32, .uint32, .float8e4m3fnx4, .float8e5m2x4: 4
    case .bfloat16, .float16, .int16, .uint16, .float4e2m1fnx4: 2
    case .float8e4m3, .float8e4m3fn, .float8e5m2, .float8e3m4, .float8e8m0, .int8, .uint8: 1
    }
  }

  /// True for the integer formats.
  @inlinable public var isInteger: Bool {
    switch self {
    case .int8, .uint8, .int16, .uint16, .int32, .uint32: true
    default: false
    }
  }

  /// The formats that engines compute on: all but the scale format and packed elements.
  public static var arithmeticFormats: [NumberFormat] {
    allCases.filter { !$0.isPacked && $0 != .float8e8m0 }
  }

  /// The name in assembly text, workload files and reports.
  public var name: String {
    switch self {
    case .float32: "fp32"
    case .tensorFloat32: "tf32"
    case .bfloat16: "bf16"
    case .float16: "fp16"
    case .float8e4m3: "fp8e4m3"
    case .float8e4m3fn: "fp8e4m3fn"
    case .float8e5m2: "fp8e5m2"
    case .float8e3m4: "fp8e3m4"
    case .int8: "int8"
    case .uint8: "uint8"
    case .int16: "int16"
    case .uint16: "uint16"
    case .int32: "int32"
    case .uint32: "uint32"
    case .float8e8m0: "fp8e8m0"
    case .float8e4m3fnx4: "fp8e4m3fnx4"
    case .float8e5m2x4: "fp8e5m2x4"
    case .float4e2m1fnx4: "fp4e2m1fnx4"
    }
  }

  /// The format of that name, or nil.
  public init?(name: some StringProtocol) {
    guard let found = NumberFormat.allCases.first(where: { $0.name == name }) else { return nil }
    self = found
  }
}
