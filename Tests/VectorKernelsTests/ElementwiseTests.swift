import Testing
import VectorKernels

@Suite struct ElementwiseTests {
  @Test func binaryEqualsTheReferenceForEverySize() {
    for operation in ArithmeticOperation.allCases {
      for count in rowSizes {
        let left = sampleRow(count, seed: 1)
        let right = sampleRow(count, seed: 2)
        let expected = zip(left, right).map { operation.apply($0, $1) }
        let fresh = unsafe floats(count) {
          unsafe Elementwise.binary(operation, left, right, into: $0, count: count)
        }
        let ontoLeft = unsafe floats(count, from: left) {
          unsafe Elementwise.binary(operation, $0, right, into: $0, count: count)
        }
        let ontoRight = unsafe floats(count, from: right) {
          unsafe Elementwise.binary(operation, left, $0, into: $0, count: count)
        }
        #expect(isSame(fresh, expected), "\(operation) \(count)")
        #expect(isSame(ontoLeft, expected) && isSame(ontoRight, expected), "\(operation) \(count)")
      }
    }
  }

  @Test func everyPairOfAwkwardValuesEqualsTheReference() {
    for operation in ArithmeticOperation.allCases {
      for value in awkward {
        let count = awkward.count
        let expected = awkward.map { operation.apply($0, value) }
        let reversed = awkward.map { operation.apply(value, $0) }
        let forward = unsafe floats(count) {
          unsafe Elementwise.withScalar(operation, awkward, value, into: $0, count: count)
        }
        let backward = unsafe floats(count) {
          unsafe Elementwise.withScalar(
            operation, awkward, value, isReversed: true, into: $0, count: count)
        }
        #expect(isSame(forward, expected), "\(operation) \(value)")
        #expect(isSame(backward, reversed), "\(operation) \(value)")
      }
    }
  }

  @Test func unaryEqualsTheReference() {
    for operation in UnaryOperation.allCases {
      for count in rowSizes {
        let row = sampleRow(count, seed: 3)
        let expected = row.map(operation.apply)
        let result = unsafe floats(count, from: row) {
          unsafe Elementwise.unary(operation, $0, into: $0, count: count)
        }
        #expect(isSame(result, expected), "\(operation) \(count)")
      }
    }
  }

  @Test func tensorScalarEqualsTwoRoundedSteps() {
    let count = 1030
    let row = sampleRow(count, seed: 4)
    for first in ArithmeticOperation.allCases {
      for second in ArithmeticOperation.allCases {
        for (isFirst, isSecond) in [(false, false), (true, false), (false, true), (true, true)] {
          let expected = row.map { value in
            let partial = isFirst ? first.apply(1.5, value) : first.apply(value, 1.5)
            return isSecond ? second.apply(-0.75, partial) : second.apply(partial, -0.75)
          }
          let result = unsafe floats(count, from: row) {
            unsafe Elementwise.tensorScalar(
              first, 1.5, isFirstReversed: isFirst, second, -0.75, isSecondReversed: isSecond,
              from: $0, into: $0, count: count)
          }
          #expect(isSame(result, expected), "\(first) \(second) \(isFirst) \(isSecond)")
        }
      }
    }
  }

  @Test func scalarTensorTensorEqualsTwoRoundedStepsOntoTheSecondRow() {
    for count in [0, 1, 17, 511, 512, 513, 1100] {
      let row = sampleRow(count, seed: 5)
      let other = sampleRow(count, seed: 6)
      for (isFirst, isSecond) in [(false, false), (true, true)] {
        let expected = zip(row, other).map { value, right in
          let partial = isFirst ? 2.5 - value : value - 2.5
          return isSecond ? right / partial : partial / right
        }
        let result = unsafe floats(count, from: other) {
          unsafe Elementwise.scalarTensorTensor(
            .subtract, 2.5, isFirstReversed: isFirst, .divide, $0, isSecondReversed: isSecond,
            from: row, into: $0, count: count)
        }
        #expect(isSame(result, expected))
      }
    }
  }

  @Test func maximumKeepsNaNAndComparisonsAreTruthValues() {
    #expect(ArithmeticOperation.max.apply(.nan, 1).isNaN)
    #expect(ArithmeticOperation.max.apply(1, .nan).isNaN)
    #expect(ArithmeticOperation.min.apply(-3, 2) == -3)
    #expect(ArithmeticOperation.absMax.apply(-3, 2) == 3)
    #expect(ArithmeticOperation.isEqual.apply(2, 2) == 1)
    #expect(ArithmeticOperation.lessThan.apply(2, 2) == 0)
    #expect(ArithmeticOperation.logicalXor.apply(0, 5) == 1)
    #expect(ArithmeticOperation.subtract.apply(5, 3) == 2)
  }

  @Test func bitwiseEqualsTheReference() {
    var generator = Seeded(8)
    for operation in BitwiseOperation.allCases {
      for count in rowSizes {
        let left = (0..<count).map { _ in UInt32.random(in: 0...UInt32.max, using: &generator) }
        let right = (0..<count).map { _ in UInt32.random(in: 0...40, using: &generator) }
        var both = left
        var scalar = left
        var reversed = right
        unsafe both.withUnsafeMutableBufferPointer { buffer in
          guard let base = buffer.baseAddress else { return }
          unsafe Elementwise.bitwise(operation, base, right, into: base, count: count)
        }
        unsafe Elementwise.bitwiseWithScalar(operation, left, 9, into: &scalar, count: count)
        unsafe Elementwise.bitwiseWithScalar(
          operation, right, 0xF0F0_1234, isReversed: true, into: &reversed, count: count)
        #expect(both == zip(left, right).map { operation.apply($0, $1) }, "\(operation) \(count)")
        #expect(scalar == left.map { operation.apply($0, 9) })
        #expect(reversed == right.map { operation.apply(0xF0F0_1234, $0) })
      }
    }
    #expect(BitwiseOperation.shiftLeft.apply(1, 32) == 0)
    #expect(BitwiseOperation.shiftRight.apply(0x8000_0000, 31) == 1)
  }
}

@Suite struct ReductionAndScanTests {
  @Test func reductionsEqualTheReference() {
    for operation in ReductionOperation.allCases {
      for count in rowSizes {
        for isTame in [true, false] {
          let row = sampleRow(count, seed: UInt64(count + 11), isTame: isTame)
          let fast = unsafe Reduction.reduce(operation, row, count: count)
          let slow = unsafe Reduction.reduceReference(operation, row, count: count)
          #expect(isSame(fast, slow), "\(operation) \(count)")
        }
      }
    }
  }

  @Test func theTreeHasTheStatedOrder() {
    // With one huge value per lane pair only the stated order gives these sums.
    var row = [Float](repeating: 0, count: 32)
    (row[0], row[8], row[16], row[24]) = (1e8, -1e8, 1, 1)
    #expect(unsafe Reduction.reduce(.add, row, count: 32) == 0)
    (row[0], row[8], row[16], row[24]) = (1e8, 1, -1e8, 1)
    #expect(unsafe Reduction.reduce(.add, row, count: 32) == 2)
    #expect(unsafe Reduction.reduce(.max, row, count: 32) == 1e8)
    #expect(unsafe Reduction.reduce(.absMax, [-3, 2], count: 2) == 3)
    #expect(unsafe Reduction.reduce(.min, row, count: 0) == .infinity)
  }

  @Test func scansEqualTheReference() {
    for first in ArithmeticOperation.allCases {
      for second in ArithmeticOperation.allCases {
        for (count, isTame) in [(0, true), (1, true), (2, false), (33, true), (33, false)] {
          let data0 = sampleRow(count, seed: 21, isTame: isTame)
          let data1 = sampleRow(count, seed: 22, isTame: isTame)
          var last: Float = 0
          let fast = unsafe floats(count, from: data1) {
            last = unsafe Scan.run(first, second, data0, $0, initial: 0.5, into: $0, count: count)
          }
          let slow = unsafe floats(count) {
            unsafe Scan.reference(first, second, data0, data1, initial: 0.5, into: $0, count: count)
          }
          #expect(isSame(fast, slow), "\(first) \(second) \(count)")
          #expect(isSame(last, slow.last ?? 0.5))
          for (isFirst, isSecond) in [(true, false), (false, true), (true, true)] {
            let reversed = unsafe floats(count, from: data1) {
              unsafe Scan.run(
                first, second, data0, $0, initial: 0.5, into: $0, count: count,
                isFirstReversed: isFirst, isSecondReversed: isSecond)
            }
            let expected = unsafe floats(count) {
              unsafe Scan.reference(
                first, second, data0, data1, initial: 0.5, into: $0, count: count,
                isFirstReversed: isFirst, isSecondReversed: isSecond)
            }
            #expect(isSame(reversed, expected), "\(first) \(second) \(count) reversed")
          }
        }
      }
    }
  }

  @Test func aScanOfMultiplyAndAddIsTheRecurrence() {
    let result = unsafe floats(3) {
      unsafe Scan.run(.multiply, .add, [2, 3, 4], [1, 1, 1], initial: 1, into: $0, count: 3)
    }
    #expect(result == [3, 10, 41])
    let reversed = unsafe floats(3) {
      unsafe Scan.run(
        .subtract, .divide, [2, 3, 4], [1, 2, 4], initial: 1, into: $0, count: 3,
        isFirstReversed: true, isSecondReversed: true)
    }
    // 1 - 2 under 1, -1 - 3 under 2, -1/2 - 4 under 4.
    #expect(reversed == [-1, -0.5, 4 / -4.5])
  }
}
