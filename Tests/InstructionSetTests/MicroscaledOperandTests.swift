import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// Packed elements are moved, multiplied and made; nothing reads a part of one.
@Suite struct MicroscaledOperandTests {
  private let packed = NumberFormat.allCases.filter(\.isPacked) + [.float8e8m0]

  @Test func movesKeepTheFormat() {
    for format in packed {
      #expect(fault(.copy(Copy(sbuf(format, 8), from: sbuf(format, 8))), .vector) == nil)
      for (destination, source) in [(format, NumberFormat.float32), (.float32, format)] {
        let found = fault(.copy(Copy(sbuf(destination, 8), from: sbuf(source, 8))), .vector)
        guard case .format(let name, _)? = found?.rule else {
          Issue.record("a cast between \(destination.name) and \(source.name) was let through")
          continue
        }
        #expect(name == format.name)
      }
    }
  }

  @Test func arithmeticTakesNone() {
    for format in packed {
      for operation in [
        Operation.tensorScalar(
          TensorScalar(sbuf(.float32, 8), sbuf(format, 8), .add, .immediate(1))),
        .reciprocal(Reciprocal(sbuf(format, 8), sbuf(.float32, 8))),
      ] {
        #expect(fault(operation, .vector) != nil, "\(format.name)")
      }
    }
  }

  @Test func fillsWithZerosOnly() {
    for format in packed where format.isPacked {
      #expect(fault(.memset(Memset(sbuf(format, 8), 0)), .vector) == nil)
      #expect(
        fault(.memset(Memset(sbuf(format, 8), 1)), .vector)?.rule
          == .value(found: "1.0", allowed: "0 for \(format.name)"))
    }
  }
}
