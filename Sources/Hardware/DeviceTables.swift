/// What a `Device` holds: the tables of one machine.
///
/// They are many kilobytes, so a device keeps them once and its copies share them.
struct DeviceTables: Sendable {
  var name: String
  var title: String
  var generation: Int
  var status: DeviceStatus
  var chip: ChipGeometry
  var memory: MemoryGeometry
  var clocks: ClockSet
  var tensor: TensorEngineTiming
  var limiter: ActivityLimiterTiming
  var vector: VectorEngineTiming
  var scalar: ScalarEngineTiming
  var gpsimd: GpSimdTiming
  var sequencer: SequencerTiming
  var semaphore: SemaphoreTiming
  var dma: DMATiming
  var envelope: KernelEnvelope
  var peaks: PeakRates
  var price: InstancePrice?
  var digest: String?
  var baseName: String?
}
