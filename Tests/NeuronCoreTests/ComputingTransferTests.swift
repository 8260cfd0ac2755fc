import CoreState
import Hardware
import InstructionSet
import NeuronCore
import NumericFormats
import Testing
import Units

/// Transfers with stored descriptors, with priorities, that add, and the rows that only a pair of
/// cores can run.
@Suite struct ComputingTransferTests {
  private func bench(_ device: Device = .trainium2) -> TestBench {
    var bench = TestBench()
    bench.device = device
    bench.tensors = [
      TensorParameter(name: "a", sizeBytes: 8 << 20),
      TensorParameter(name: "b", sizeBytes: 8 << 20),
    ]
    return bench
  }

  private func rows(_ tensor: Int, columns: Int = 2_048, _ format: NumberFormat = .float32)
    -> DataLocation
  {
    .hbm(
      TensorAccess(
        tensor: tensor, format, byteOffset: 0, rows: 128, columns: columns, rowStride: columns))
  }

  private func load(_ tensor: Int, at byte: Int = 0, queue: Int = 0) -> DMADirect {
    DMADirect(.onChip(sbuf(2_048, at: byte)), from: rows(tensor), queue: queue)
  }

  @Test func storedDescriptorsAreTriggeredByAWrite() throws {
    var bench = bench()
    var transfer = load(0)
    transfer.mode = .stored
    for engine in [Engine.sync, .scalar, .gpsimd] { bench.add(engine, .dma(transfer)) }
    let timeline = try bench.run()
    for engine in [Engine.sync, .scalar, .gpsimd] {
      let row = try #require(timeline.rows(engine, .pseudoDMATrigger).first)
      #expect(row.duration == Device.trainium2.dma.staticTrigger.value.nanoseconds)
    }
    #expect(timeline.transfers.count == 3)
  }

  /// Two loads of equal size from two queues: alone, side by side, and one before the other.
  @Test func urgentTransfersGoFirst() throws {
    func ends(_ first: Int32, _ second: Int32) throws -> [Double] {
      var bench = bench(.trainium3)
      var (a, b) = (load(0), load(1, at: 16_384))
      a.priority = first
      b.priority = second
      bench.add(.sync, .dma(a))
      bench.add(.scalar, .dma(b))
      let timeline = try bench.run()
      // Transfers are recorded as they end.
      return [Engine.sync, .scalar].map { engine in
        let start = timeline.rows[engine]![0].start
        return timeline.transfers.map(\.end).max()! - start
      } + timeline.transfers.map(\.end)
    }
    let even = try ends(0, 0)
    let urgent = try ends(1, 0)
    // The order of service changes who ends first, not when all is done.
    #expect(abs(even[3] - urgent[3]) < 200)
    #expect(urgent[2] < even[2] - 500)
  }

  @Test func prioritiesDoNotHoldAnythingForEver() throws {
    var bench = bench(.trainium3)
    for index in 0..<12 {
      var transfer = load(index % 2, queue: index % 4)
      transfer.priority = Int32(index % 4)
      bench.add(index % 3 == 0 ? .scalar : .sync, .dma(transfer))
    }
    #expect(try bench.run().transfers.count == 12)
  }

  /// An accumulating store takes twice a store's service before NeuronCore-v4.
  @Test func addingHalvesTheThroughput() throws {
    func service(_ adds: Bool) throws -> (duration: Double, read: Int64) {
      var bench = bench()
      var store = DMADirect(rows(0), from: .onChip(sbuf(2_048)))
      store.accumulate = adds
      bench.add(.sync, .dma(store))
      let timeline = try bench.run()
      return (timeline.transfers[0].duration, timeline.totals.hbmReadBytes)
    }
    let (plain, adding) = (try service(false), try service(true))
    #expect(adding.duration > 1.9 * plain.duration)
    #expect(plain.read == 0 && adding.read == 1 << 20)
  }

  @Test func sumsRunInACore() throws {
    var bench = bench()
    let sum = DMACompute(
      rows(1, columns: 8),
      sumOf: [
        ScaledLocation(rows(0, columns: 8), scale: 2),
        ScaledLocation(.onChip(sbuf(8, at: 512)), scale: -1),
      ])
    bench.add(
      .vector, .memset(Memset(sbuf(8, at: 512), 3)), update: SemaphoreUpdate(4, .add, 1))
    bench.add(.sync, .dmaCompute(sum), wait: SemaphoreWait(4, .atLeast, 1))
    let loaded = try LoadedProgram(bench.program, device: .trainium2)
    var model = try CoreModel(loaded, computes: true, checksHazards: true)
    model.core.hbm.upload((0..<1024).map(Float.init), at: 0)
    _ = try model.run()
    let found = model.core.hbm.download(Float.self, count: 1024, at: 8 << 20)
    #expect(found == (0..<1024).map { Float(2 * $0 - 3) })
  }

  @Test func indicesAreCheckedWhileTheProgramRuns() throws {
    var bench = bench()
    let index = sbuf(1, .uint32, at: 64)
    bench.add(.gpsimd, .memset(Memset(index, 8)))
    bench.add(
      .gpsimd, .freeGather(FreeGather(sbuf(1, at: 128), sbuf(8, at: 256), index: index)))
    do {
      _ = try bench.run(computes: true)
      Issue.record("place 8 of 8 is a fault")
    } catch {
      #expect("\(error)".contains("index 8"), "\(error)")
    }
    #expect(try bench.run(computes: false).rows[.gpsimd]!.count == 2)
  }

  @Test func wordsOutsideTheirTensorAreRefused() throws {
    var bench = bench()
    let far = TensorAccess(
      tensor: 0, .int32, byteOffset: 8 << 20, rows: 1, columns: 1, rowStride: 1)
    bench.add(.sync, .tensorLoad(TensorLoad(1, from: far)))
    #expect(throws: Fault.self) { try LoadedProgram(bench.program, device: .trainium2) }
    var storing = self.bench()
    storing.add(.sync, .tensorStore(TensorStore(.hbm(far), from: 1)))
    #expect(throws: Fault.self) { try LoadedProgram(storing.program, device: .trainium2) }
  }

  @Test func registersReachHBM() throws {
    var bench = bench()
    let word = TensorAccess(tensor: 1, .int32, byteOffset: 12, rows: 1, columns: 1, rowStride: 1)
    bench.add(.vector, .register(.move(3, from: .immediate(41))))
    bench.add(.vector, .register(.arithmetic(3, 3, .add, .immediate(1))))
    bench.add(.vector, .tensorStore(TensorStore(.hbm(word), from: 3)))
    let loaded = try LoadedProgram(bench.program, device: .trainium2)
    var model = try CoreModel(loaded, computes: true, checksHazards: false)
    _ = try model.run()
    #expect(model.core.hbm.download(Int32.self, count: 1, at: (8 << 20) + 12) == [42])
  }

  @Test func loneCoresRefuseExchanges() throws {
    let tile = sbuf(8)
    let rows: [Operation] = [
      .sendReceive(SendReceive(tile, sending: tile, to: 1, from: 1)),
      .coreBarrier(CoreBarrier(1, semaphore: 2)),
      .collective(Collective(.allReduce, .onChip(tile), from: .onChip(tile))),
    ]
    for row in rows {
      var bench = bench()
      bench.add(.sync, row)
      do {
        _ = try LoadedProgram(bench.program, device: .trainium2)
        Issue.record("\(row.opcode.name) needs others")
      } catch {
        #expect("\(error)".contains("this core runs by itself"))
      }
    }
  }
}
