import CoreState
import Hardware
import InstructionSet
import KernelBuilder
import KernelLibrary
import NumericFormats
import Testing

/// Executes a kernel's segment without any notion of time: again and again it picks an engine whose
/// wait is met, executes its instruction and applies its update at once.
struct SegmentRunner {
  /// What went wrong while a segment ran.
  enum Failure: Error, CustomStringConvertible {
    case deadlock(String)
    case leftover(semaphore: Int, value: UInt32)

    var description: String {
      switch self {
      case .deadlock(let text): "deadlock: \(text)"
      case .leftover(let semaphore, let value): "semaphore \(semaphore) ends at \(value)"
      }
    }
  }

  /// Values of every parameter after the run, inputs given and outputs zero before.
  static func run<K: Kernel>(_ kernel: K, _ inputs: [[Float]], seed: UInt64 = 1) throws -> [[Float]]
  {
    let device = Device.trainium2
    let segment = try kernel.segment(on: device)
    try validate(segment, device)
    var addresses: [Int] = []
    var end = 0
    for parameter in segment.tensors {
      addresses.append(end)
      end += (parameter.sizeBytes + 63) / 64 * 64
    }
    var core = try CoreState(device: device, hbmBytes: max(64, end))
    core.tensorAddresses = addresses
    for (index, values) in inputs.enumerated() {
      let parameter = kernel.parameters[index]
      #expect(parameter.shape.reduce(1, *) == values.count, "\(parameter.name)")
      core.hbm.upload(parameter.format.bytes(values), at: addresses[index])
    }
    try execute(segment, on: &core, seed: seed)
    return kernel.parameters.enumerated().map { index, parameter in
      let count = parameter.shape.reduce(1, *)
      let bytes = core.hbm.download(
        UInt8.self, count: count * parameter.format.sizeBytes, at: addresses[index])
      return parameter.format.values(bytes)
    }
  }

  /// Every instruction keeps the device's rules and stays inside its tensors.
  private static func validate(_ segment: Segment, _ device: Device) throws {
    for engine in Engine.allCases {
      let range = segment.range(of: engine)
      for index in range {
        let instruction = segment.instructions[index]
        let rules = OperandRules(
          device: device, engine: engine,
          instruction: instruction.operation.opcode.name,
          tensorCount: segment.tensors.count, queueLength: range.count)
        do {
          try instruction.operation.validate(rules)
          try instruction.operation.checkTensorBounds(segment.tensors, rules)
        } catch {
          Issue.record("\(error) at \(segment.sites[Int(instruction.site)].source)")
          throw error
        }
        if let shape = instruction.operation.transferShape(on: device, engine: engine),
          instruction.update.operation != .none
        {
          #expect(instruction.update.value == UInt32(shape.engines))
        }
      }
    }
  }

  private static func execute(_ segment: Segment, on core: inout CoreState, seed: UInt64) throws {
    var random = SplitMix(seed)
    var semaphores = [UInt32](repeating: 0, count: 256)
    var next = Engine.allCases.map { segment.range(of: $0).lowerBound }
    while true {
      let ready = Engine.allCases.filter { engine in
        let index = next[Int(engine.rawValue)]
        guard index < segment.range(of: engine).upperBound else { return false }
        let wait = segment.instructions[index].wait
        return wait.isMet(by: semaphores[Int(wait.semaphore)])
      }
      // Whoever may go goes in any order.
      guard let engine = ready.randomElement(using: &random) else { break }
      let instruction = segment.instructions[next[Int(engine.rawValue)]]
      next[Int(engine.rawValue)] += 1
      instruction.operation.execute(on: &core, engine: engine)
      if case .control(let control) = instruction.operation,
        control.opcode == .eventSemaphoreRangeClear
      {
        for index in Int(control.first)..<Int(control.first + control.count) {
          semaphores[index] = 0
        }
      }
      let semaphore = Int(instruction.update.semaphore)
      semaphores[semaphore] = instruction.update.applied(to: semaphores[semaphore])
    }
    for engine in Engine.allCases
    where next[Int(engine.rawValue)] < segment.range(of: engine).upperBound {
      let index = next[Int(engine.rawValue)]
      throw Failure.deadlock("\(engine.name) at \(index) \(segment.instructions[index])")
    }
    for (index, value) in semaphores.enumerated() where value != 0 {
      throw Failure.leftover(semaphore: index, value: value)
    }
  }
}

extension NumberFormat {
  /// The bytes of values in this format.
  func bytes(_ values: [Float]) -> [UInt8] {
    values.flatMap { value in
      let bits = encode(value)
      return (0..<sizeBytes).map { UInt8(truncatingIfNeeded: bits >> UInt32(8 * $0)) }
    }
  }

  /// The values that bytes in this format stand for.
  func values(_ bytes: [UInt8]) -> [Float] {
    (0..<bytes.count / sizeBytes).map { index in
      var bits: UInt32 = 0
      for byte in 0..<sizeBytes {
        bits |= UInt32(bytes[index * sizeBytes + byte]) << UInt32(8 * byte)
      }
      return decode(bits)
    }
  }

  /// The unit roundoff: half the distance of 1 to the next value.
  var roundoff: Double {
    switch self {
    case .float32: 0x1p-24
    case .tensorFloat32, .float16: 0x1p-11
    case .bfloat16: 0x1p-8
    default: 0x1p-4
    }
  }
}

/// A random tensor rounded to a format: what the device and the reference both see.
func randomTensor(_ count: Int, _ format: NumberFormat, seed: UInt64, scale: Float = 1) -> [Float] {
  var random = SplitMix(seed)
  return (0..<count).map { _ in format.decode(format.encode(scale * random.value())) }
}

/// Expects values near a reference: |difference| ≤ relative · |reference| + absolute, element by
/// element; reports the worst.
func expectClose(
  _ values: [Float], _ reference: [Double], relative: Double, absolute: Double,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(values.count == reference.count, sourceLocation: sourceLocation)
  var worst = 0.0
  var place = -1
  for index in values.indices {
    let limit = relative * abs(reference[index]) + absolute
    let excess = abs(Double(values[index]) - reference[index]) / limit
    if !(excess <= worst) {
      worst = excess
      place = index
    }
  }
  let text = place < 0 ? "" : "at \(place): \(values[place]) for \(reference[place])"
  #expect(worst <= 1, "\(worst) of the tolerance \(text)", sourceLocation: sourceLocation)
}
