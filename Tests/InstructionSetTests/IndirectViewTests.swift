import CoreState
import Hardware
import InstructionSet
import NumericFormats
import Testing

/// What views through offsets read and write, beside the plainest loop over the documented places.
@Suite struct IndirectViewTests {
  private static let indexByte = 16_384
  private static let columns = 100
  private static let taken = 40

  /// The offsets of each group of partitions, all in 0..<`columns`, distinct within a group.
  private static func offsets(_ partitions: Int, group: Int, _ generator: inout Generator)
    -> [[Int]]
  {
    (0..<partitions / group).map { _ in
      Array(Array(0..<columns).shuffled(using: &generator).prefix(taken))
    }
  }

  /// Puts offsets where an engine looks for them: element i of a group in partition i mod G.
  private static func place(
    _ offsets: [[Int]], group: Int, partition: Int = 0, on core: inout CoreState
  ) {
    for (number, list) in offsets.enumerated() {
      for (element, offset) in list.enumerated() {
        let first = partition + number * group + element % group
        let byte = indexByte + element / group * 2
        core.setElementBits(
          sbuf(.uint16, 1, partitions: first..<first + 1, byte: byte), to: [UInt32(offset)])
      }
    }
  }

  private static func view(
    _ format: NumberFormat, partitions: Range<Int>, byte: Int = 0, indexPartition: Int? = nil
  ) -> AccessPattern {
    sbuf(format, columns, partitions: partitions, byte: byte).indirect(
      count: taken, indexByte: indexByte, partition: indexPartition ?? partitions.lowerBound)
  }

  @Test(arguments: [NumberFormat.float32, .bfloat16, .float8e4m3, .int32, .uint16], [32, 128])
  func gathers(_ format: NumberFormat, _ partitions: Int) throws {
    var generator = Generator(seed: 7)
    var core = try makeCore(generation: 4)
    let all = 0..<partitions
    let values = randomValues(partitions * Self.columns, &generator).map(\.magnitude)
    core.setElements(sbuf(format, Self.columns, partitions: all), to: values)
    let held = core.elements(sbuf(format, Self.columns, partitions: all))
    let offsets = Self.offsets(partitions, group: 16, &generator)
    Self.place(offsets, group: 16, on: &core)
    let target = sbuf(format, Self.taken, partitions: all, byte: 8192)
    try perform(
      .copy(Copy(target, from: Self.view(format, partitions: all))), on: &core, .vector,
      generation: 4)
    let expected = all.flatMap { partition in
      offsets[partition / 16].map { held[partition * Self.columns + $0] }
    }
    #expect(core.elements(target) == expected)
  }

  /// Elements that no offset names stay; a cast goes by way of fp32 as ever.
  @Test func scatters() throws {
    var generator = Generator(seed: 8)
    var core = try makeCore(generation: 4)
    let all = 0..<64
    let before = randomValues(64 * Self.columns, &generator)
    let target = sbuf(.float32, Self.columns, partitions: all, byte: 8192)
    core.setElements(target, to: before)
    let source = sbuf(.bfloat16, Self.taken, partitions: all)
    core.setElements(source, to: randomValues(64 * Self.taken, &generator))
    let values = core.elements(source)
    let offsets = Self.offsets(64, group: 16, &generator)
    Self.place(offsets, group: 16, on: &core)
    try perform(
      .tensorScalar(
        TensorScalar(
          Self.view(.float32, partitions: all, byte: 8192), source, .multiply, .immediate(2))),
      on: &core, .gpsimd, generation: 4)
    var expected = before
    for partition in all {
      for (element, offset) in offsets[partition / 16].enumerated() {
        expected[partition * Self.columns + offset] = 2 * values[partition * Self.taken + element]
      }
    }
    #expect(core.elements(target) == expected)
  }

  /// Of equal offsets the last value stays, as a loop over the elements would leave it.
  @Test func theLastOfEqualOffsetsStays() throws {
    var core = try makeCore(generation: 4)
    let all = 0..<16
    Self.place([Array(repeating: 5, count: Self.taken)], group: 16, on: &core)
    let row = (0..<Self.taken).map(Float.init)
    let source = sbuf(.float32, Self.taken, partitions: all)
    core.setElements(source, to: all.flatMap { _ in row })
    try perform(
      .copy(Copy(Self.view(.float32, partitions: all, byte: 8192), from: source)), on: &core,
      .vector, generation: 4)
    let target = sbuf(.float32, Self.columns, partitions: all, byte: 8192)
    #expect(core.elements(target)[5] == Float(Self.taken - 1))
  }

  /// The tensor engine's groups have 32 partitions; weights, moving tile and result at once.
  @Test func productsThroughOffsets() throws {
    var generator = Generator(seed: 9)
    var core = try makeCore(generation: 4)
    let all = 0..<64
    let rows = randomValues(64 * Self.columns, &generator)
    let weights = sbuf(.bfloat16, Self.columns, partitions: all)
    core.setElements(weights, to: rows)
    let moving = sbuf(.bfloat16, Self.columns, partitions: all, byte: 4096)
    core.setElements(moving, to: rows.reversed())
    let (a, b) = (core.elements(weights), core.elements(moving))
    let offsets = Self.offsets(64, group: 32, &generator)
    Self.place(offsets, group: 32, on: &core)
    try perform(
      .loadWeights(LoadWeights(Self.view(.bfloat16, partitions: all))), on: &core, .tensor,
      generation: 4)
    // 40 rows of a result are no whole groups: the first 32 columns of the weights are used.
    let result = psum(.float32, Self.columns, partitions: 0..<32).indirect(
      count: Self.taken, indexByte: Self.indexByte, partition: 0)
    var product = Matmul(
      result, Self.view(.bfloat16, partitions: all, byte: 4096), columns: 32, accumulate: false)
    try perform(.matmul(product), on: &core, .tensor, generation: 4)
    product.accumulate = true
    try perform(.matmul(product), on: &core, .tensor, generation: 4)
    let found = core.elements(psum(.float32, Self.columns, partitions: 0..<32))
    for row in 0..<32 {
      for (column, place) in offsets[0].enumerated() {
        let exact = all.reduce(0.0) { sum, k in
          let list = offsets[k / 32]
          return sum + Double(a[k * Self.columns + list[row]])
            * Double(b[k * Self.columns + list[column]])
        }
        #expect(abs(Double(found[row * Self.columns + place]) - 2 * exact) < 1e-2)
      }
    }
  }

  @Test func offsetsOutsideTheViewAreFaults() throws {
    var core = try makeCore(generation: 4)
    Self.place([Array(repeating: Self.columns, count: Self.taken)], group: 16, on: &core)
    let operation = Operation.copy(
      Copy(
        sbuf(.float32, Self.taken, partitions: 0..<16, byte: 8192),
        from: Self.view(.float32, partitions: 0..<16)))
    #expect(operation.isDynamic)
    #expect(throws: Fault.self) { try operation.checkRegisters(on: core, engine: .vector) }
  }

  // MARK: Rules

  private static let target = sbuf(.float32, taken, partitions: 0..<32, byte: 8192)

  private static func copy(_ source: AccessPattern) -> Operation {
    .copy(Copy(target, from: source))
  }

  @Test func olderGenerationsHaveNone() {
    let operation = Self.copy(Self.view(.float32, partitions: 0..<32))
    #expect(fault(operation, .vector, generation: 4) == nil)
    #expect(fault(operation, .vector, generation: 3)?.rule == lacking(3, needs: 4))
  }

  @Test func placesOfOffsetsAreChecked() {
    let view = Self.view(.float32, partitions: 0..<32)
    var changed = view
    changed.setIndex(byte: Self.indexByte, partition: 16)
    #expect(fault(Self.copy(changed), .vector, generation: 4) != nil, "no quadrant")
    changed.setIndex(byte: Self.indexByte, partition: 32)
    #expect(fault(Self.copy(changed), .vector, generation: 4) != nil, "another quadrant")
    changed.setIndex(byte: Self.indexByte + 1, partition: 0)
    #expect(fault(Self.copy(changed), .vector, generation: 4) != nil, "an odd byte")
    changed.setIndex(byte: AccessPattern.lastIndexByte - 1, partition: 0)
    #expect(fault(Self.copy(changed), .vector, generation: 4) != nil, "beyond SBUF")
    changed = view
    changed.register = 3
    #expect(fault(Self.copy(changed), .vector, generation: 4) != nil, "a register too")
    changed = Self.view(.float32, partitions: 0..<24)
    var target = Self.target
    target.partitionCount = 24
    #expect(
      fault(.copy(Copy(target, from: changed)), .vector, generation: 4) != nil, "half a group")
  }

  @Test func scatteredOffsetsBeginWhereTheSourceDoes() {
    let source = sbuf(.float32, Self.taken, partitions: 32..<64)
    for (index, isLegal) in [(32, true), (0, false)] {
      let view = Self.view(.float32, partitions: 0..<32, byte: 8192, indexPartition: index)
      let found = fault(.copy(Copy(view, from: source)), .vector, generation: 4)
      #expect((found == nil) == isLegal)
    }
  }

  @Test func theScalarEngineDoesNotScatterToPSUM() {
    let view = psum(.float32, Self.columns, partitions: 0..<32).indirect(
      count: Self.taken, indexByte: Self.indexByte, partition: 0)
    let source = sbuf(.float32, Self.taken, partitions: 0..<32)
    #expect(fault(.copy(Copy(view, from: source)), .vector, generation: 4) == nil)
    #expect(fault(.copy(Copy(view, from: source)), .scalar, generation: 4) != nil)
  }

  @Test func otherOperandsMayNotBeIndirect() {
    let view = Self.view(.float32, partitions: 0..<32)
    let plain = sbuf(.float32, Self.taken, partitions: 0..<32)
    #expect(
      fault(.tensorTensor(TensorTensor(Self.target, view, plain, .add)), .vector, generation: 4)
        == nil)
    #expect(
      fault(.tensorTensor(TensorTensor(Self.target, plain, view, .add)), .vector, generation: 4)
        != nil)
    #expect(fault(.reciprocal(Reciprocal(Self.target, view)), .vector, generation: 4) != nil)
    var memset = Memset(Self.target, 0)
    memset.destination = view
    #expect(fault(.memset(memset), .vector, generation: 4) != nil)
  }

  @Test func tensorEngineRules() {
    let view = Self.view(.bfloat16, partitions: 0..<64)
    #expect(fault(.loadWeights(LoadWeights(view)), .tensor, generation: 4) == nil)
    var wide = LoadWeights(Self.view(.float32, partitions: 0..<64))
    #expect(fault(.loadWeights(wide), .tensor, generation: 4) != nil, "fp32")
    wide.source = view
    wide.row = 64
    #expect(fault(.loadWeights(wide), .tensor, generation: 4) != nil, "a tile")
    wide.row = 0
    wide.isTranspose = true
    #expect(fault(.loadWeights(wide), .tensor, generation: 4) != nil, "a transpose")
  }

  // MARK: Accesses, costs, text

  @Test func offsetsAreReadToo() {
    var reads: [AccessPattern] = []
    let view = Self.view(.float32, partitions: 0..<32)
    Self.copy(view).memoryAccesses { location, isWrite in
      if case .onChip(let access) = location, !isWrite { reads.append(access) }
    }
    #expect(
      reads == [
        sbuf(.uint16, 3, partitions: 0..<32, byte: Self.indexByte), view,
      ])
    #expect(view.byteExtent == 0..<400 && !view.isContiguous)
  }

  @Test func offsetsCostWhatStridesDo() {
    let device = Device.trainium3
    let view = Self.view(.float32, partitions: 0..<32)
    let spread = pattern(.sbuf, .float32, partitions: 0..<32, [(Self.taken, 16)])
    let cost = Self.copy(view).cost(on: device, engine: .vector)
    #expect(cost == Self.copy(spread).cost(on: device, engine: .vector))
    let dense = Self.copy(sbuf(.float32, Self.taken, partitions: 0..<32))
    #expect(cost.coldDuration > dense.cost(on: device, engine: .vector).coldDuration)
  }

  @Test func textNamesViewAndOffsets() {
    let text = Assembly.text(
      of: Program(
        segments: [
          Segment(
            name: "s",
            streams: [
              [], [Instruction(Self.copy(Self.view(.float32, partitions: 0..<32)))], [], [], [],
            ])
        ], invocations: [], tensors: []))
    #expect(text.contains("src=sbuf:fp32[0:32]@0{40:1}~100@16384[0]"))
  }
}
