import TraceFile

/// What a viewer shows and what was asked of it last: changed by keys alone, so that tests can
/// drive it without a terminal.
struct ViewState: Equatable {
  /// What the lower part of the screen is for.
  enum Panel: Equatable {
    case details, help, bookmarks
    /// A line is being typed: a search or a time.
    case prompt(Prompt)
  }

  /// What is being typed.
  enum Prompt: String, Equatable {
    case search = "/"
    case time = "go to "
  }

  /// A stretch of time.
  struct Range: Equatable {
    var from: Int64
    var to: Int64

    var length: Int64 { to - from }
  }

  /// All that can be shown.
  let whole: Range
  /// What is shown.
  var range: Range
  /// The chosen row: engines in order of track, then all DMA engines as one.
  var row = 0
  /// The moment under the cursor.
  var cursor: Int64
  /// The lower part of the screen.
  var panel = Panel.details
  /// What was typed so far.
  var typed = ""
  /// The last search.
  var search = ""
  /// Marked moments, in order.
  var bookmarks: [Int64] = []
  /// A line for the reader, until the next key.
  var message = ""
  /// Earlier ranges, the last one first.
  private var history: [Range] = []

  /// The shortest range shown: a picosecond per cell and a bit.
  static let shortest: Int64 = 200
  /// Rows: five engines and the DMA engines.
  static let rowCount = TrackID.engineCount + 1

  init(from: Int64, to: Int64, whole: Range) {
    self.whole = whole
    range = Range(from: from, to: to)
    cursor = from + (to - from) / 2
    range = fitted(range)
  }

  // MARK: Moving

  /// A range of that kind inside the whole, not shorter than can be shown.
  private func fitted(_ wanted: Range) -> Range {
    let length = min(whole.length, max(Self.shortest, wanted.length))
    let from = min(max(whole.from, wanted.from), whole.to - length)
    return Range(from: from, to: from + length)
  }

  /// Shows another range and remembers this one.
  mutating func show(_ wanted: Range) {
    let next = fitted(wanted)
    guard next != range else { return }
    history.append(range)
    if history.count > 100 { history.removeFirst() }
    range = next
    cursor = min(max(cursor, range.from), range.to - 1)
  }

  /// Shows the range before.
  mutating func goBack() {
    guard let last = history.popLast() else { return message = "nothing before this" }
    range = last
    cursor = min(max(cursor, range.from), range.to - 1)
  }

  /// Moves the range by parts of its length: 1 is an eighth.
  mutating func pan(eighths: Int64) {
    let step = max(1, range.length / 8) * eighths
    let before = range.from
    let next = fitted(Range(from: range.from + step, to: range.to + step))
    range = next
    cursor = min(max(cursor + next.from - before, range.from), range.to - 1)
  }

  /// Halves or doubles the range around the cursor.
  mutating func zoom(isIn: Bool) {
    let before = cursor - range.from
    let length = isIn ? range.length / 2 : min(whole.length, range.length * 2)
    let part = isIn ? before / 2 : before * 2
    show(Range(from: cursor - part, to: cursor - part + length))
  }

  /// Moves the cursor by so many cells; the range follows at its ends.
  mutating func step(cells: Int64, of count: Int) {
    let length = max(1, range.length / Int64(max(1, count)))
    let wanted = min(max(whole.from, cursor + cells * length), whole.to - 1)
    if wanted < range.from { pan(eighths: -2) }
    if wanted >= range.to { pan(eighths: 2) }
    cursor = min(max(wanted, range.from), range.to - 1)
  }

  /// Puts the cursor on a moment; the range follows when it lies outside.
  mutating func go(to time: Int64) {
    let moment = min(max(whole.from, time), whole.to - 1)
    if moment < range.from || moment >= range.to {
      show(Range(from: moment - range.length / 2, to: moment + range.length / 2))
    }
    cursor = min(max(moment, range.from), range.to - 1)
  }

  /// Marks the cursor's moment.
  mutating func bookmark() {
    if !bookmarks.contains(cursor) { bookmarks = (bookmarks + [cursor]).sorted() }
    message = "bookmark \(bookmarks.firstIndex(of: cursor).map { $0 + 1 } ?? 0)"
  }

  /// Goes to the next bookmark, and from the last to the first.
  mutating func goToBookmark() {
    guard let next = bookmarks.first(where: { $0 > cursor }) ?? bookmarks.first else {
      return message = "no bookmarks; m makes one"
    }
    go(to: next)
  }
}
