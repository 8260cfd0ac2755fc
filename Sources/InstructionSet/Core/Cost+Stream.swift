import CoreState
import Hardware
import NumericFormats
import Units

/// What a streaming instruction moves through a data path: the inputs of every engine's law.
struct StreamShape {
  /// Rows that are read; their place decides start-up and gap.
  var inputs: [AccessPattern]
  /// The row that is written.
  var output: AccessPattern?
  /// Elements per partition that set the pace.
  var elements: Int
  /// Columns of values that are read besides.
  var pointers: Int
  /// Cycles that one element takes, in hundredths.
  var rate: Int64

  init(
    _ inputs: [AccessPattern], to output: AccessPattern?, rate: Int64, elements: Int? = nil,
    scalars: [ScalarOperand] = []
  ) {
    self.inputs = inputs
    self.output = output
    self.elements = elements ?? max(output?.columns ?? 0, inputs.map(\.columns).max() ?? 0)
    pointers = scalars.count(where: \.isPointer)
    self.rate = rate
  }

  private var rows: [AccessPattern] { inputs + (output.map { [$0] } ?? []) }

  /// True when a source lies in PSUM: start-up and gap are longer.
  var readsPSUM: Bool { inputs.contains { $0.space == .psum } }

  /// True when the address of a row comes from a register.
  var isDynamic: Bool { rows.contains { $0.register != AccessPattern.noRegister } }

  /// PSUM banks that the rows touch, one bit each.
  func banks(_ device: Device) -> UInt8 {
    rows.reduce(0) { $0 | $1.banks(bankBytes: device.memory.psumBankBytes.value) }
  }

  /// Elements that strides of 16 bytes and more cost beyond `elements`. Interfaces work side by
  /// side: the worst row counts.
  func stridePenalty(_ device: Device) -> Int64 {
    let sector = device.memory.strideSectorBytes.value
    return Int64(rows.map { $0.stridePenalty(sector) }.max() ?? 0)
  }

  /// The stream in tenths of a cycle, rounded half up.
  func tenths(_ device: Device, strideFactor: Int64) -> Int64 {
    (Int64(elements) * rate + stridePenalty(device) * strideFactor + 5) / 10
  }
}

extension AccessPattern {
  /// max(0, 2 S - N) for N elements in S sectors of `sectorBytes`, of which every run touches at
  /// least one and a long run the part that its stride spans.
  ///
  /// Source: third-party micro-benchmarks of Trainium2 (the cost of strided fp32 rows follows the
  /// number of distinct 16-byte words).
  func stridePenalty(_ sectorBytes: Int) -> Int {
    let (size, stride, runs) = longestRun
    guard columns > 1 else { return 0 }
    let spanned = size * min(abs(stride) * format.sizeBytes, sectorBytes)
    return max(0, 2 * runs * max(sectorBytes, spanned) / sectorBytes - columns)
  }

  /// The innermost dimension after dimensions that continue each other are joined: its elements,
  /// its stride, and how many such runs there are.
  private var longestRun: (size: Int, stride: Int, runs: Int) {
    var size = 1
    var stride = 1
    for dimension in (0..<Int(dimensionCount)).reversed() where sizes[dimension] != 1 {
      let step = Int(strides[dimension])
      if size == 1 {
        stride = step
      } else if step != stride * size {
        break
      }
      size *= Int(sizes[dimension])
    }
    return (size, stride, columns / size)
  }
}

extension Cost {
  /// A streaming instruction whose times are given; ports and banks come from its shape.
  init(streaming shape: StreamShape, tenths: Int64, on device: Device, clock: Clock) {
    self.init()
    kind = .stream
    streamTenths = tenths
    streamTime = clock.picoseconds(tenthsOfCycles: tenths)
    banks = shape.banks(device)
  }

  /// The vector engine's law.
  ///
  /// duration = stream + start-up, shorter by the warm reduction back to back; start to start =
  /// stream + gap, longer by the same after a cold one, so that completions stay on one grid.
  /// - Parameters:
  ///   - startup: cold start-up in tenths of a cycle when the instruction has its own.
  ///   - extra: a time beside the cycles, in the duration only.
  static func vector(
    _ device: Device, _ shape: StreamShape, startup: Int64? = nil, extra: Picoseconds = .zero
  ) -> Cost {
    let law = device.vector
    let clock = device.clocks.vector.value
    let tenths = shape.tenths(device, strideFactor: law.rates.strideFactor.value)
    var cost = Cost(streaming: shape, tenths: tenths, on: device, clock: clock)
    let isPSUM = shape.readsPSUM
    let pointers = Int64(shape.pointers)
    let base = startup ?? (isPSUM ? law.startupPSUM : law.startupSBUF).value
    let pointerStartup = (isPSUM ? law.pointerStartupPSUM : law.pointerStartup).value
    let cold = tenths + base + pointers * pointerStartup
    let reduction = (pointers > 0 ? law.warmReductionPointer : law.warmReduction).value
    let gap = (isPSUM ? law.gapPSUM : law.gapSBUF).value + pointers * law.pointerGap.value
    let least =
      (shape.isDynamic ? law.dynamicMinimumInterval : law.minimumInitiationInterval).value * 10
    let interval = max(tenths + gap, least)
    cost.coldDuration = clock.picoseconds(tenthsOfCycles: cold) + extra
    cost.warmDuration = clock.picoseconds(tenthsOfCycles: cold - reduction) + extra
    cost.intervalAfterWarm = clock.picoseconds(tenthsOfCycles: interval)
    cost.intervalAfterCold = clock.picoseconds(tenthsOfCycles: interval + reduction)
    if shape.rate < 100 {
      // A fast mode borrows GpSimd's port; without it the stream takes a cycle per element.
      let lost = max(0, Int64(shape.elements) * 10 - tenths)
      cost.sharedPortPenalty = clock.picoseconds(tenthsOfCycles: lost)
    }
    return cost
  }

  /// GpSimd's law: nothing overlaps, so the next instruction starts when this one ends.
  static func gpsimd(
    _ device: Device, _ shape: StreamShape, startup: Int64? = nil, extra: Picoseconds = .zero
  ) -> Cost {
    let law = device.gpsimd
    let clock = device.clocks.gpsimd.value
    let tenths = shape.tenths(device, strideFactor: device.vector.rates.strideFactor.value)
    var cost = Cost(streaming: shape, tenths: tenths, on: device, clock: clock)
    let duration =
      clock.picoseconds(tenthsOfCycles: tenths + (startup ?? law.startup.value)) + extra
    let interval = max(duration, clock.picoseconds(tenthsOfCycles: tenths + law.gap.value))
    cost.coldDuration = duration
    cost.warmDuration = duration
    cost.intervalAfterCold = interval
    cost.intervalAfterWarm = interval
    return cost
  }
}
