package import Hardware
import InstructionSet
package import NumericFormats

/// Tiles in, instructions out: what a kernel writes to.
///
/// A kernel allocates tiles, names blocks of HBM tensors and calls the interface operations in one
/// logical order. The builder deals the machine instructions to the engines' streams, finds every
/// read and write that must be ordered, and places the fewest semaphore waits that order them:
/// * each engine counts its completions on one semaphore, each DMA ring on a few of its own;
/// * only instructions that somebody waits for update a semaphore;
/// * a wait is dropped when the program order of an engine, or what it learned through an earlier
///   wait, implies it.
///
/// `finish()` closes the segment with a barrier of all engines that leaves every semaphore at zero.
package struct KernelBuilder {
  /// The segment's name.
  package let name: String
  /// The device that the kernel is built for.
  package let device: Device
  /// The layer or operator that instructions are attributed to from now on.
  package var layer = ""
  /// Rings of a hardware queue over which transfers of all DMA engines are dealt in turn.
  package var ringsPerQueue = 2

  // Memory.
  /// Bytes of each partition of SBUF that the kernel may use.
  let sbufBytes: Range<Int>
  var sbufTop: Int
  var bankTop = 0
  /// Columns of SBUF that hold one number each, by its bits.
  var constants: [UInt32: Tile] = [:]
  /// Every allocation; a life that is not over yet ends at `Int.max`.
  var buffers: [BufferDeclaration] = []
  // Program.
  var entries: [Entry] = []
  var waits: [ProgressPoint] = []
  /// What an engine knew each time that it had learned something; the first knows nothing.
  var clocks = ProgressClocks(count: 1)
  var tensors: [TensorHandle] = []
  var sites: [Site] = []
  var siteIndices: [SiteKey: UInt32] = [:]
  /// The places used last: a kernel's loop emits from few, and comparing is faster than hashing.
  var recentSites: [(key: SiteKey, index: UInt32)] = []
  // Order.
  /// Semaphores that the segment may use.
  let semaphores: Range<Int>
  var tracker: DependencyTracker
  /// What each engine knows now.
  var engineClocks = ProgressClocks(count: Engine.allCases.count)
  var snapshots = [Int32](repeating: 0, count: Engine.allCases.count)
  var domains = [[Int32]](repeating: [], count: ProgressDomain.count)
  var rings: RingTable
  /// What the instruction at hand reads and writes; kept for its storage.
  var accesses = AccessList()
  /// What it must wait for; kept for its storage.
  var needed: [ProgressPoint] = []
  /// Registers that each engine's sequencer was given.
  var registerCounts = [Int](repeating: 0, count: Engine.allCases.count)
  var loadedTable: ActivationTable?
  /// The load of the first table, which goes to the beginning of the stream.
  var firstTable: Entry?
  /// The first error of an emission call; `finish()` throws it.
  var failure: BuilderError?

  /// An empty kernel, in all of SBUF or in one half of it.
  package init(name: String, device: Device, half: MemoryHalf? = nil) {
    self.name = name
    self.device = device
    sbufBytes = half?.bytes(on: device) ?? 0..<device.memory.sbufBytesPerPartition.value
    sbufTop = sbufBytes.lowerBound
    rings = RingTable(rings: half?.rings(on: device) ?? 0..<device.dma.ringsPerEngine.value)
    semaphores =
      half?.semaphores(on: device)
      ?? Self.barrierSemaphores.upperBound..<device.memory.semaphores.value
    tracker = DependencyTracker(
      sbufBytes: device.memory.sbufBytesPerPartition.value,
      psumBytes: device.memory.psumBytesPerPartition.value)
  }

  /// Declares a tensor in HBM; an invocation binds it, in the order of declaration.
  package mutating func tensor(_ name: String, _ shape: [Int], _ format: NumberFormat)
    -> TensorHandle
  {
    let handle = TensorHandle(index: tensors.count, name: name, shape: shape, format: format)
    tensors.append(handle)
    tracker.addTensor()
    return handle
  }

  /// Instructions emitted so far.
  package var instructionCount: Int { entries.count }

  /// The index of a place in a kernel's source.
  mutating func site(_ file: String, _ line: UInt) -> UInt32 {
    for recent in recentSites
    where recent.key.line == line && recent.key.file == file && recent.key.layer == layer {
      return recent.index
    }
    let key = SiteKey(layer: layer, file: file, line: line)
    let index = siteIndices[key] ?? addSite(key)
    if recentSites.count == Self.recentSiteCount { recentSites.removeFirst() }
    recentSites.append((key, index))
    return index
  }

  private mutating func addSite(_ key: SiteKey) -> UInt32 {
    let index = UInt32(sites.count)
    let fileName = key.file.split(separator: "/").last.map(String.init) ?? key.file
    sites.append(Site(kernel: name, layer: key.layer, source: "\(fileName):\(key.line)"))
    siteIndices[key] = index
    return index
  }

  /// Places that are compared before all are looked up.
  private static let recentSiteCount = 8
}

/// A place in a kernel's source and the layer for which it emitted.
struct SiteKey: Hashable {
  var layer: String
  var file: String
  var line: UInt
}

/// One machine instruction in the logical order, before semaphores are numbered.
struct Entry: BitwiseCopyable {
  var operation: Operation
  var site: UInt32
  var engine: Engine
  /// Where its completion counts, or nil for rows whose completion nobody can wait for.
  var domain: ProgressDomain?
  /// Its place in the domain, from 1.
  var sequence: Int32 = 0
  /// What its engine knew when it was dispatched: an index into the clocks.
  var clock: Int32 = 0
  /// Its waits: a range of the builder's waits, the one expected last at the end.
  var firstWait: Int32 = 0
  var waitCount: Int32 = 0
  /// What its update adds: 1, or the DMA engines that take part.
  var increments: UInt8 = 1
  /// Somebody waits for it.
  var isSignalled = false
}
