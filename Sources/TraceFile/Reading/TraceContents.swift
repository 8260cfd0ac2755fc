import Foundation
import Units

/// What opening a trace finds before any record is decoded.
struct TraceContents {
  var version = FormatVersion.current
  var metadata = TraceMetadata()
  var program = ProgramTable()
  var invocations = InvocationTable()
  var blocks: [BlockEntry] = []
  /// Blocks whose header stands but whose content does not, found without the footer.
  var broken: [BlockEntry] = []
  /// What the DMA tracks have of blocks of transfers, by the block's place; without a footer alone.
  var shares: [Int64: [TransferShare]] = [:]
  var open = TrackID.all.map { _ in OpenRecords() }
  var summary = RunSummary(state: .killed, end: 0, tracks: [], isExact: true, hasEvents: false)
  var damage: [TraceDamage] = []
  /// Whether the file ends with a footer that holds.
  var hasFooter = false

  init() {}

  static func load(
    _ file: borrowing InputFile, _ decompressor: borrowing ZstdDecompressor
  ) throws(TraceError) -> TraceContents {
    var contents = TraceContents()
    let version = FileHeader.decode(try file.read(at: 0, count: FileHeader.size))
    if let version {
      contents.version = version
      guard version.major <= FormatVersion.current.major else {
        throw .newerVersion(path: file.path, major: version.major, minor: version.minor)
      }
    } else {
      contents.damage.append(TraceDamage(.header, offset: 0, length: Int64(FileHeader.size)))
    }
    try contents.findBlocks(file, decompressor)
    guard version != nil || !contents.blocks.isEmpty else {
      let why = file.size < Int64(FileHeader.size) ? "\(file.size) bytes are too few" : "no mark"
      throw .notATrace(path: file.path, why: why)
    }
    try contents.readTables(file, decompressor)
    return contents
  }

  /// Blocks by the footer, or by walking when the footer is missing or does not hold.
  private mutating func findBlocks(
    _ file: borrowing InputFile, _ decompressor: borrowing ZstdDecompressor
  ) throws(TraceError) {
    if let found = try FooterReader.readIndex(file, decompressor) {
      blocks = found
      hasFooter = true
      return
    }
    let start = min(Int64(FileHeader.size), file.size)
    let walker = try BlockWalker(file, from: damage.isEmpty ? start : 0)
    blocks = walker.blocks.filter { $0.header.kind != .index }
    if damage.isEmpty {
      damage += walker.damage
    } else {
      // The damaged file header is reported once, not again as unreadable bytes before block 0.
      damage += walker.damage.filter { $0.offset != 0 || blocks.isEmpty }
    }
    let hasIndex = walker.blocks.contains { $0.header.kind == .index }
    damage.append(TraceDamage(hasIndex ? .footer : .noFooter, offset: walker.end))
    broken = walker.broken
    for block in blocks where block.header.kind == .transfers {
      let raw = try FooterReader.readContent(file, decompressor, block)
      shares[block.offset] = raw.flatMap {
        TransferCodec.shares($0, counts: block.header.shareCounts)
      }
    }
    damage += lostRecords()
  }

  /// The blocks that hold records of one track each, in order of the file; a block of transfers
  /// stands for a block on each of its tracks.
  private func trackBlocks(_ blocks: [BlockEntry]) -> [BlockEntry] {
    var before = [Int64](repeating: 0, count: TrackID.dmaCount)
    return blocks.sorted { $0.offset < $1.offset }.flatMap { block -> [BlockEntry] in
      guard block.header.kind == .transfers else {
        return block.header.kind.holdsRecords ? [block] : []
      }
      return block.header.shareCounts.enumerated().compactMap { engine, count in
        guard count > 0 else { return nil }
        // Of a block that cannot be read the header alone is known.
        let share =
          shares[block.offset]?[engine]
          ?? TransferShare(
            count: count, recordsBefore: before[engine], timeMin: block.header.timeMin,
            timeMax: block.header.timeMax)
        before[engine] = share.recordsBefore + Int64(count)
        return BlockEntry(
          header: share.header(of: block.header, engine: engine), offset: block.offset)
      }
    }
  }

  /// Gaps in the tracks' own counts, but for the blocks that are named as broken already.
  private func lostRecords() -> [TraceDamage] {
    var lost: [TraceDamage] = []
    var next: [Int: (records: Int64, time: Int64)] = [:]
    for block in trackBlocks(blocks + broken) {
      let header = block.header
      let key = Int(header.track) * 2 + (header.kind == .events ? 0 : 1)
      let expected = next[key] ?? (0, min(0, header.timeMin))
      if header.recordsBefore > expected.records {
        lost.append(
          TraceDamage(
            .lostRecords, track: TrackID(rawValue: header.track),
            records: header.recordsBefore - expected.records, from: expected.time,
            to: max(expected.time, header.timeMin)))
      }
      next[key] = (header.recordsBefore + Int64(header.count), header.timeMax)
    }
    return lost
  }

  /// Records that the run's summary counts and no block after the gap can tell of.
  private func lostAtEnd(_ summary: RunSummary) -> [TraceDamage] {
    let known = trackBlocks(blocks + broken)
    return TrackID.all.flatMap { track in
      let totals = summary.tracks[Int(track.rawValue)]
      let events = summary.hasEvents ? totals.events : 0
      let families = [(BlockKind.events, events), (.samples, totals.samples)]
      return families.compactMap { kind, expected -> TraceDamage? in
        let last = known.last { $0.header.kind == kind && $0.header.track == track.rawValue }
        let found = last.map { $0.header.recordsBefore + Int64($0.header.count) } ?? 0
        guard found < expected else { return nil }
        return TraceDamage(
          .lostRecords, track: track, records: expected - found,
          from: last?.header.timeMax ?? 0, to: summary.end)
      }
    }
  }

  // MARK: Tables

  private mutating func readTables(
    _ file: borrowing InputFile, _ decompressor: borrowing ZstdDecompressor
  ) throws(TraceError) {
    var identity: UInt64?
    var footerSummary: RunSummary?
    for block in blocks {
      switch block.header.kind {
      case .metadata:
        guard let raw = try FooterReader.readContent(file, decompressor, block),
          let decoded = try? TraceMetadata(decoding: raw)
        else {
          damage.append(block.damage(.badBlock))
          continue
        }
        metadata = decoded
        identity = XXH64.hash(raw)
      case .program: try readProgram(file, decompressor, block)
      case .invocations:
        let raw = try FooterReader.readContent(file, decompressor, block)
        let found = raw.flatMap { InvocationCodec.decode($0, count: Int(block.header.count)) }
        if let found { invocations.append(found) } else { damage.append(block.damage(.badBlock)) }
      case .summary:
        let raw = try FooterReader.readContent(file, decompressor, block)
        footerSummary = raw.flatMap(Self.decodeSummary)
        if footerSummary == nil { damage.append(block.damage(.badBlock)) }
      default: break
      }
    }
    if identity == nil { damage.append(TraceDamage(.metadata)) }
    if let footerSummary {
      // An index that holds names every block.
      if !hasFooter { damage += lostAtEnd(footerSummary) }
    } else {
      recoverOpenBlocks(file.path, identity)
    }
    summary = footerSummary ?? rebuiltSummary()
    if footerSummary == nil { damage += missingEnds() }
  }

  /// Where each track's records end, when nothing tells how the run went on. DMA engines that end
  /// together are named together.
  private func missingEnds() -> [TraceDamage] {
    let kind: BlockKind = summary.hasEvents ? .events : .samples
    var ends = [Int64?](repeating: nil, count: TrackID.count)
    for block in trackBlocks(blocks) where block.header.kind == kind {
      let track = Int(block.header.track)
      ends[track] = max(ends[track] ?? .min, block.header.timeMax)
    }
    for (track, records) in open.enumerated() {
      let own = records.events.map(\.end.value) + records.samples.suffix(1).map(\.time.value)
      ends[track] = (own + [ends[track]].compactMap(\.self)).max()
    }
    let engines = TrackID.engines.map {
      TraceDamage(.missingEnd, track: $0, from: ends[Int($0.rawValue)])
    }
    // Transfers are sampled together, on the first track.
    let first = Int(TrackID.dma(0).rawValue)
    let isTogether = !summary.hasEvents
    let groups = Dictionary(grouping: 0..<TrackID.dmaCount) { ends[first + (isTogether ? 0 : $0)] }
    return engines
      + groups.sorted { $0.value[0] < $1.value[0] }.map { end, members in
        var damage = TraceDamage(.missingEnd, from: end)
        damage.dmaEngines = members
        return damage
      }
  }

  private static func decodeSummary(_ raw: [UInt8]) -> RunSummary? {
    guard let decoded = try? JSONDecoder().decode(RunSummary.self, from: Data(raw)) else {
      return nil
    }
    let isSound =
      decoded.tracks.count == TrackID.count && decoded.end <= 2 * TraceEvent.limit
      && decoded.tracks.enumerated().allSatisfy {
        Int($1.track) == $0 && $1.stall.count == StallCause.count
      }
    return isSound ? decoded : nil
  }

  private mutating func readProgram(
    _ file: borrowing InputFile, _ decompressor: borrowing ZstdDecompressor, _ block: BlockEntry
  ) throws(TraceError) {
    // A row lost to damage leaves its program counter without a name; the limit keeps a forged
    // header from asking for gigabytes of empty rows.
    let first = Int(block.header.firstRow)
    guard first <= program.count + (1 << 20),
      let raw = try FooterReader.readContent(file, decompressor, block),
      let rows = ProgramCodec.decode(raw, count: Int(block.header.count))
    else {
      damage.append(block.damage(.badBlock))
      return
    }
    program.insert(rows, at: first)
  }

  // MARK: Killed runs

  private mutating func recoverOpenBlocks(_ path: String, _ identity: UInt64?) {
    var events = [Int64](repeating: 0, count: TrackID.count)
    var samples = events
    for block in trackBlocks(blocks) {
      let after = block.header.recordsBefore + Int64(block.header.count)
      if block.header.kind == .events { events[Int(block.header.track)] = after }
      if block.header.kind == .samples { samples[Int(block.header.track)] = after }
    }
    let last = blocks.last { $0.header.kind == .transfers }?.header
    let transfers = last.map { $0.recordsBefore + Int64($0.count) } ?? 0
    let found = OpenBlocksReader.read(
      tracePath: path, identity: identity, events: events, samples: samples, transfers: transfers)
    guard let found else { return }
    open = found.tracks
    damage += found.damage
    // A block that was cut while being written is still whole in the side file, but for its last
    // chunk.
    for index in damage.indices where damage[index].kind == .cutBlock {
      guard let records = damage[index].records else { continue }
      let tracks = damage[index].track.map { [$0] } ?? damage[index].dmaEngines.map(TrackID.dma)
      let recovered = tracks.map { open[Int($0.rawValue)].events }
      damage[index].records = max(0, records - Int64(recovered.reduce(0) { $0 + $1.count }))
      // What every track still has is not missing.
      let ends = recovered.compactMap { $0.last?.end.value }
      if ends.count == tracks.count, let first = ends.min() { damage[index].from = first }
    }
  }

  /// The track's cursor after its last block in the file.
  func cursorAfterBlocks(_ track: TrackID) -> TimelineCursor {
    let last = trackBlocks(blocks).last {
      $0.header.kind == .events && $0.header.track == track.rawValue
    }
    guard let header = last?.header else { return TimelineCursor() }
    return TimelineCursor(coveredUntil: max(header.coveredUntil, header.timeMax))
  }

  private func rebuiltSummary() -> RunSummary {
    var tracks = TrackID.all.map { TrackTotals(track: $0) }
    var lastSample: Int64 = 0
    for block in trackBlocks(blocks) {
      let header = block.header
      if header.kind == .events {
        tracks[Int(header.track)].add(
          header.summary, count: Int64(header.count), start: header.timeMin, end: header.timeMax)
      } else if header.kind == .samples {
        tracks[Int(header.track)].samples += Int64(header.count)
        lastSample = max(lastSample, header.timeMax)
      }
    }
    let bytes = (0..<program.count).map { program[UInt32($0)]?.bytes ?? 0 }
    for track in TrackID.all {
      let records = open[Int(track.rawValue)]
      var cursor = cursorAfterBlocks(track)
      let totals = EventTotals(
        records.events, cursor: &cursor, rowBytes: track.isDMA ? bytes : [])
      if !records.events.isEmpty {
        tracks[Int(track.rawValue)].add(
          totals.summary, count: Int64(records.events.count), start: totals.timeMin,
          end: totals.timeMax)
      }
      tracks[Int(track.rawValue)].samples += Int64(records.samples.count)
      lastSample = max(lastSample, records.samples.last?.time.value ?? 0)
    }
    return RunSummary.combine(
      state: .killed, recorded: tracks, given: nil, lastSample: lastSample)
  }
}
