/// One thing that is missing from a trace, with all that is known of it.
package struct TraceDamage: Equatable, Sendable, CustomStringConvertible {
  /// The sorts of damage.
  package enum Kind: String, Sendable {
    /// The file's first frame does not check out.
    case header
    /// The run's metadata is lost.
    case metadata
    /// There is no footer: the run was killed or the end of the file is gone.
    case noFooter = "no_footer"
    /// The footer is there but does not check out.
    case footer
    /// A block's header stands, its content is cut off.
    case cutBlock = "cut_block"
    /// A block's content does not match its checksum.
    case badBlock = "bad_block"
    /// Bytes that belong to no readable block.
    case unreadable
    /// Records known to have existed, from counts in later blocks.
    case lostRecords = "lost_records"
    /// Part of the side file of open blocks does not check out.
    case openBlocks = "open_blocks"
    /// What a track did after its last record, of a file without a footer.
    case missingEnd = "missing_end"
  }

  /// What happened.
  package var kind: Kind
  /// Where in the file, in bytes; nil when no place can be named.
  package var offset: Int64?
  /// How many bytes; nil when unknown.
  package var length: Int64?
  /// The block's number in the file.
  package var sequence: UInt32?
  /// The track that lost something; nil when it is not one track or unknown.
  package var track: TrackID?
  /// The DMA engines whose tracks lost something together, in a block that they share.
  package var dmaEngines: [Int] = []
  /// How many records are gone.
  package var records: Int64?
  /// The first picosecond that may be missing.
  package var from: Int64?
  /// The last picosecond that may be missing.
  package var to: Int64?

  package init(
    _ kind: Kind, offset: Int64? = nil, length: Int64? = nil, sequence: UInt32? = nil,
    track: TrackID? = nil, records: Int64? = nil, from: Int64? = nil, to: Int64? = nil
  ) {
    self.kind = kind
    self.offset = offset
    self.length = length
    self.sequence = sequence
    self.track = track
    self.records = records
    self.from = from
    self.to = to
  }

  /// The tracks that lost something, as far as they are known.
  package var tracks: [TrackID] { dmaEngines.map(TrackID.dma) + (track.map { [$0] } ?? []) }

  /// The damage in one line for people.
  package var description: String {
    if kind == .missingEnd { return missingEnd }
    var text = headline
    if let track { text += ", track \(track.name)" }
    if !dmaEngines.isEmpty { text += ", tracks " + dmaNames }
    if let records { text += ", \(records) record\(records == 1 ? "" : "s")" }
    if let from, let to { text += ", \(from) to \(to) ps" }
    if let offset { text += ", at byte \(offset)" }
    if let length { text += " (\(length) bytes)" }
    return text
  }

  private var dmaNames: String {
    guard let first = dmaEngines.first, let last = dmaEngines.last else { return "" }
    let isRange = dmaEngines.count > 2 && last - first == dmaEngines.count - 1
    if isRange { return "dma\(first) to dma\(last)" }
    return dmaEngines.map { TrackID.dma($0).name }.joined(separator: ", ")
  }

  private var missingEnd: String {
    let names = track?.name ?? dmaNames
    guard let from else { return "no record of \(names) is left" }
    return "what \(names) did after \(from) ps is missing"
  }

  private var headline: String {
    let block = sequence.map { "block \($0)" } ?? "a block"
    return switch kind {
    case .header: "the file header is damaged"
    case .metadata: "the run's metadata is lost"
    case .noFooter:
      "no footer: the run was killed or the file was cut; "
        + "what each engine did after its last record here is missing"
    case .footer: "the footer is damaged"
    case .cutBlock: "\(block) is cut off"
    case .badBlock: "\(block) is damaged"
    case .unreadable: "unreadable bytes"
    case .lostRecords: "records are missing"
    case .missingEnd: missingEnd
    case .openBlocks: "part of the side file of open blocks is damaged"
    }
  }
}
