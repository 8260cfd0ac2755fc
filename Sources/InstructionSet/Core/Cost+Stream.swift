import CoreState
import Hardware
import NumericFormats
import Units

/// What a streaming instruction moves through a data path: the inputs of every engine's law. Up to
/// three rows are read; their place decides start-up and gap.
struct StreamShape {
  private let first: AccessPattern?
  private let second: AccessPattern?
  private let third: AccessPattern?
  private let output: AccessPattern?
  /// Elements per partition that set the pace.
  let elements: Int
  /// Columns of values that are read besides.
  let pointers: Int
  /// Cycles that one element takes, in hundredths.
  let rate: Int64
  /// True when a source lies in PSUM: start-up and gap are longer.
  private(set) var readsPSUM = false

  /// The shape of an instruction; without `elements` the longest row sets the pace.
  init(
    _ first: AccessPattern? = nil, _ second: AccessPattern? = nil, _ third: AccessPattern? = nil,
    to output: AccessPattern?, rate: Int64, elements: Int? = nil, pointers: Int = 0
  ) {
    self.first = first
    self.second = second
    self.third = third
    self.output = output
    self.pointers = pointers
    self.rate = rate
    let inputs = max(first?.columns ?? 0, second?.columns ?? 0, third?.columns ?? 0)
    self.elements = elements ?? max(inputs, output?.columns ?? 0)
    readsPSUM =
      first?.space == .psum || second?.space == .psum || third?.space == .psum
  }

  /// Calls `body` with every row.
  @inline(__always)
  private func forEachRow(_ body: (AccessPattern) -> Void) {
    if let first { body(first) }
    if let second { body(second) }
    if let third { body(third) }
    if let output { body(output) }
  }

  /// True when the address of a row comes from a register.
  var isDynamic: Bool {
    var found = false
    forEachRow { found = found || $0.register != AccessPattern.noRegister }
    return found
  }

  /// PSUM banks that the rows touch, one bit each.
  func banks(_ device: Device) -> UInt8 {
    let bankBytes = device.memory.psumBankBytes.value
    var mask: UInt8 = 0
    forEachRow { mask |= $0.banks(bankBytes: bankBytes) }
    return mask
  }

  /// Elements that strides of 16 bytes and more cost beyond `elements`. Interfaces work side by
  /// side: the worst row counts.
  func stridePenalty(_ device: Device) -> Int64 {
    let sector = device.memory.strideSectorBytes.value
    var worst = 0
    forEachRow { worst = max(worst, $0.stridePenalty(sector)) }
    return Int64(worst)
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
  /// number of distinct 16-byte words). That elements of an indirect view cost as if each lay in a
  /// word of its own is assumed: no source gives their cost.
  func stridePenalty(_ sectorBytes: Int) -> Int {
    if isIndirect { return columns > 1 ? columns : 0 }
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
    let clock = device.clocks.vector.value
    let tenths = shape.tenths(device, strideFactor: device.vector.rates.strideFactor.value)
    var cost = Cost(streaming: shape, tenths: tenths, on: device, clock: clock)
    let isPSUM = shape.readsPSUM
    let pointers = Int64(shape.pointers)
    let base =
      startup
      ?? (isPSUM ? device.vector.startupPSUM.value : device.vector.startupSBUF.value)
    let pointerStartup =
      isPSUM ? device.vector.pointerStartupPSUM.value : device.vector.pointerStartup.value
    let cold = tenths + base + pointers * pointerStartup
    let reduction =
      pointers > 0 ? device.vector.warmReductionPointer.value : device.vector.warmReduction.value
    let gap =
      (isPSUM ? device.vector.gapPSUM.value : device.vector.gapSBUF.value)
      + pointers * device.vector.pointerGap.value
    let least =
      shape.isDynamic
      ? device.vector.dynamicMinimumInterval.value : device.vector.minimumInitiationInterval.value
    let interval = max(tenths + gap, least * 10)
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
    let clock = device.clocks.gpsimd.value
    let tenths = shape.tenths(device, strideFactor: device.vector.rates.strideFactor.value)
    var cost = Cost(streaming: shape, tenths: tenths, on: device, clock: clock)
    let duration =
      clock.picoseconds(tenthsOfCycles: tenths + (startup ?? device.gpsimd.startup.value)) + extra
    let interval = max(
      duration, clock.picoseconds(tenthsOfCycles: tenths + device.gpsimd.gap.value))
    cost.coldDuration = duration
    cost.warmDuration = duration
    cost.intervalAfterCold = interval
    cost.intervalAfterWarm = interval
    return cost
  }
}
