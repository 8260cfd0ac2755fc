import BenchmarkRunner
import CoreState
import Hardware
import Testing

@Suite("jemalloc serves the process and tells what it holds")
struct AllocatorTests {
  private let arrayBytes = 64 << 20

  @inline(never)
  private func makeArray() -> [UInt8] { [UInt8](repeating: 7, count: arrayBytes) }

  @Test func versionNamesJemalloc5() throws {
    #expect(try Allocator.version().hasPrefix("5."))
  }

  @Test func swiftAllocatesFromJemalloc() throws {
    #expect(try Allocator.servesSwift())
  }

  /// Other tests allocate meanwhile, so growth is read from the thread's own counter and the
  /// process-wide figure is held against what is surely alive.
  @Test func figuresFollowAnArray() throws {
    let before = try Allocator.bytesAllocatedByThread()
    let array = makeArray()
    let after = try Allocator.bytesAllocatedByThread()
    let memory = try Allocator.memory()
    #expect(array[arrayBytes - 1] == 7)
    #expect(after - before >= UInt64(arrayBytes))
    #expect(after - before < UInt64(arrayBytes) * 2)
    #expect(memory.allocatedBytes >= arrayBytes)
    #expect(memory.allocatedBytes <= memory.activeBytes)
    #expect(memory.activeBytes <= memory.mappedBytes)
    #expect(memory.activeBytes <= memory.residentBytes)
  }

  @Test func peakCoversTouchedMemory() throws {
    let array = makeArray()
    let peak = try #require(ProcessMemory.peakResidentBytes())
    #expect(array[1] == 7)
    #expect(peak >= arrayBytes)
    #expect(peak <= HostMachine.current().memoryBytes)
  }

  @Test func errorsSayWhatToDo() {
    let error = BenchmarkRunnerError.allocatorControl(name: "stats.active", errorNumber: 2)
    #expect(error.description.contains("'stats.active' (errno 2,"))
    #expect(error.description.contains("install a jemalloc 5"))
  }
}

/// The memories of a modelled core come from the allocator whose figures `doctor` shows.
@Suite struct CoreMemoryTests {
  @Test func aCoreGrowsTheAllocatorByItsMemories() throws {
    let memory = Device.trainium2.memory
    let images =
      memory.partitions.value
      * (memory.sbufBytesPerPartition.value + memory.psumBytesPerPartition.value) + (64 << 20)
    // Tests beside this one free memory too: one undisturbed look is enough.
    var growths: [Int] = []
    while growths.count < 50, growths.last ?? 0 < images {
      let before = try Allocator.memory().allocatedBytes
      let core = try CoreState(device: .trainium2, hbmBytes: 64 << 20)
      growths.append(Int(try Allocator.memory().allocatedBytes) - Int(before))
      #expect(core.hbm.sizeBytes == 64 << 20)
    }
    #expect(growths.last ?? 0 >= images, "\(growths)")
  }
}
