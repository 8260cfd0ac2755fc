public import CoreState
public import Hardware
public import NumericFormats

/// One machine instruction in an engine's queue: what it waits for, what it is, what it updates.
public struct Instruction: Hashable, Sendable, BitwiseCopyable {
  /// What it is, with its operands.
  public var operation: Operation
  /// What it waits for.
  public var wait: SemaphoreWait
  /// What it does to a semaphore when it completes.
  public var update: SemaphoreUpdate
  /// Where it comes from: an index into the segment's sites.
  public var site: UInt32

  /// An instruction with its synchronisation.
  public init(
    _ operation: Operation, wait: SemaphoreWait = .none, update: SemaphoreUpdate = .none,
    site: UInt32 = 0
  ) {
    self.operation = operation
    self.wait = wait
    self.update = update
    self.site = site
  }
}

/// Where instructions come from: the kernel, its layer and the source line that emitted them.
public struct Site: Hashable, Sendable {
  /// The kernel that emitted the instruction.
  public var kernel: String
  /// The layer or operator of the model, or empty.
  public var layer: String
  /// `File.swift:line` of the statement that emitted it.
  public var source: String

  /// A place in a kernel's source.
  public init(kernel: String, layer: String = "", source: String = "") {
    self.kernel = kernel
    self.layer = layer
    self.source = source
  }
}

/// A tensor in HBM that a segment works on; an invocation binds it to an address.
public struct TensorParameter: Hashable, Sendable {
  /// The name in assembly text and reports.
  public var name: String
  /// Bytes that the segment may touch.
  public var sizeBytes: Int

  /// A parameter of that size.
  public init(name: String, sizeBytes: Int) {
    self.name = name
    self.sizeBytes = sizeBytes
  }
}

/// The five instruction streams of a kernel compiled for given shapes. All streams lie in one flat
/// array, in the order of `Engine`, so that an instruction's index is its program counter.
public struct Segment: Sendable {
  /// The kernel's name.
  public var name: String
  /// All instructions, stream after stream.
  public var instructions: [Instruction]
  /// First index of each engine's stream, and one past the end: six numbers.
  public var starts: [Int]
  /// HBM tensors by parameter index.
  public var tensors: [TensorParameter]
  /// Where instructions come from.
  public var sites: [Site]
  /// Buffers on chip that the kernel declares, for checks.
  public var buffers: [BufferDeclaration] = []

  /// A segment from one stream per engine, in the order of `Engine`.
  public init(
    name: String, streams: [[Instruction]], tensors: [TensorParameter] = [],
    sites: [Site] = [Site(kernel: "")]
  ) {
    precondition(streams.count == Engine.allCases.count, "a segment has one stream per engine")
    self.name = name
    instructions = []
    instructions.reserveCapacity(streams.reduce(0) { $0 + $1.count })
    for stream in streams { instructions += stream }
    starts = [0]
    for stream in streams { starts.append(starts.last! + stream.count) }
    self.tensors = tensors
    self.sites = sites
  }

  /// The indices of one engine's stream.
  public func range(of engine: Engine) -> Range<Int> {
    starts[Int(engine.rawValue)]..<starts[Int(engine.rawValue) + 1]
  }

  /// The engine whose stream holds the instruction.
  public func engine(of index: Int) -> Engine {
    Engine.allCases.last { starts[Int($0.rawValue)] <= index && range(of: $0).contains(index) }!
  }
}

/// A buffer in SBUF or PSUM that a kernel uses for a part of its life: what checks compare.
public struct BufferDeclaration: Hashable, Sendable {
  /// The name in reports.
  public var name: String
  /// The memory that it lies in.
  public var space: MemorySpace
  /// Its partitions.
  public var partitions: Range<Int>
  /// Its bytes in each partition.
  public var bytes: Range<Int>
  /// From the moment of its allocation to that of its release. Moments are numbers on one scale
  /// for the whole segment: the kernel builder counts the instructions that it emitted.
  public var life: Range<Int>

  /// The life of a buffer that is in use as long as its segment runs.
  public static let always = 0..<(1 << 48)

  /// A buffer of a kernel.
  public init(
    name: String, space: MemorySpace, partitions: Range<Int>, bytes: Range<Int>, life: Range<Int>
  ) {
    self.name = name
    self.space = space
    self.partitions = partitions
    self.bytes = bytes
    self.life = life
  }
}

/// A tensor of the program in HBM.
public struct TensorAllocation: Hashable, Sendable {
  /// The name in reports.
  public var name: String
  /// Bytes from the beginning of HBM.
  public var address: Int
  /// Bytes that it takes.
  public var sizeBytes: Int
  /// How its elements are stored.
  public var format: NumberFormat
  /// What it holds when the run begins.
  public var contents = Contents.given
  /// The allocation whose memory it shares by intention.
  public var aliasOf: Int?

  /// What a tensor holds when the run begins.
  public enum Contents: Sendable {
    /// What the host put there: inputs, weights, tables.
    case given
    /// Nothing: it is written before it is read.
    case undefined
  }

  /// A tensor at an address.
  public init(
    name: String, address: Int, sizeBytes: Int, format: NumberFormat,
    contents: Contents = .given, aliasOf: Int? = nil
  ) {
    self.contents = contents
    self.aliasOf = aliasOf
    self.name = name
    self.address = address
    self.sizeBytes = sizeBytes
    self.format = format
  }
}

/// One execution of a segment with its tensors bound to addresses.
public struct Invocation: Hashable, Sendable {
  /// Index of the segment.
  public var segment: Int
  /// Allocation bound to each parameter.
  public var tensors: [Int]
  /// The layer that this invocation belongs to, or empty.
  public var layer: String

  /// Runs `segment` on these allocations.
  public init(segment: Int, tensors: [Int], layer: String = "") {
    self.segment = segment
    self.tensors = tensors
    self.layer = layer
  }
}

/// What one core runs: kernels compiled once, and the order in which they are invoked.
public struct Program: Sendable {
  /// Distinct kernels.
  public var segments: [Segment]
  /// Executions in order.
  public var invocations: [Invocation]
  /// Tensors in HBM.
  public var tensors: [TensorAllocation]
  /// Places on chip that the host fills before the run, for programs that begin in the middle.
  public var presets: [AccessPattern] = []

  /// A program of segments, invocations and tensors.
  public init(segments: [Segment], invocations: [Invocation], tensors: [TensorAllocation]) {
    self.segments = segments
    self.invocations = invocations
    self.tensors = tensors
  }

  /// Bytes of HBM from zero to the end of the last tensor.
  public var hbmBytes: Int { tensors.map { $0.address + $0.sizeBytes }.max() ?? 0 }
}
