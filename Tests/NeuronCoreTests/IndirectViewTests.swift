import CoreState
import Hardware
import InstructionSet
import NeuronCore
import NumericFormats
import Testing

/// Views through offsets in whole runs: the offsets are looked at when they are there, they are an
/// access like any other, and they take the same time in both modes.
@Suite struct IndirectViewTests {
  private static let indexByte = 16_384
  private static let view = sbuf(512).indirect(count: 64, indexByte: indexByte, partition: 0)
  private static let index = sbuf(4, .uint16, at: indexByte)
  private static let gather = Operation.copy(Copy(sbuf(64, at: 8_192), from: view))

  /// Offsets written by GpSimd, then used by the vector engine.
  private func bench(_ offset: Float, isOrdered: Bool = true) -> TestBench {
    var bench = TestBench()
    bench.device = .trainium3
    bench.presets = [sbuf(2_048)]
    bench.add(.gpsimd, .memset(Memset(Self.index, offset)), update: SemaphoreUpdate(0, .add, 1))
    bench.add(.vector, Self.gather, wait: isOrdered ? SemaphoreWait(0, .atLeast, 1) : .none)
    return bench
  }

  @Test func bothModesTakeTheSameTime() throws {
    let functional = try bench(511).run(computes: true, checksHazards: true)
    let timing = try bench(511).run()
    #expect(functional.totals.duration == timing.totals.duration)
    #expect(functional.rows(.vector, .copy).count == 1)
  }

  @Test func strayOffsetsEndTheRun() {
    #expect {
      _ = try bench(512).run(computes: true)
    } throws: { error in
      guard case RunError.fault(let fault) = error else { return false }
      return fault.rule == .value(found: "offset 512", allowed: "0 to 511")
        && fault.engine == .vector
    }
  }

  @Test(arguments: [true, false]) func offsetsAreOrdered(_ isOrdered: Bool) throws {
    var found: [HazardReport.Kind] = []
    do { _ = try bench(3, isOrdered: isOrdered).run(checksHazards: true) } catch {
      guard case RunError.hazards(let reports) = error else { throw error }
      found = reports.map(\.kind)
    }
    // Unordered offsets may also be read before they hold anything.
    #expect(found.isEmpty == isOrdered)
    #expect(isOrdered || found.contains(.unordered) || found.contains(.uninitialized))
  }

  /// Two engines that write to one view, through offsets and without, meet.
  @Test func scatteredElementsAreOrdered() throws {
    let source = sbuf(64, at: 8_192)
    for waits in [true, false] {
      var bench = TestBench()
      bench.device = .trainium3
      bench.add(
        .vector, .copy(Copy(Self.view, from: source)), update: SemaphoreUpdate(0, .add, 1))
      bench.add(
        .gpsimd, .memset(Memset(sbuf(8, at: 1_024), 0)),
        wait: waits ? SemaphoreWait(0, .atLeast, 1) : .none)
      var kinds: [HazardReport.Kind] = []
      do { _ = try bench.run(checksHazards: true) } catch {
        guard case RunError.hazards(let reports) = error else { throw error }
        kinds = reports.map(\.kind)
      }
      #expect(kinds == (waits ? [] : [.unordered]))
    }
  }
}
