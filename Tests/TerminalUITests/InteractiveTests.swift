import TerminalUI
import Testing

@Suite struct InteractiveTests {
  private func keys(_ text: String) -> [Key] {
    var decoder = KeyDecoder()
    return decoder.decode(Array(text.utf8)) + decoder.finish()
  }

  @Test func bytesBecomeKeys() {
    #expect(
      keys("qü\t\r\u{7F}\u{3}") == [
        .character("q"), .character("ü"), .tab, .enter, .backspace, .interrupt,
      ])
    #expect(keys("\u{1B}[A\u{1B}[B\u{1B}[C\u{1B}[D") == [.up, .down, .right, .left])
    #expect(keys("\u{1B}OA\u{1B}[H\u{1B}[F\u{1B}[1~\u{1B}[4~") == [.up, .home, .end, .home, .end])
    #expect(keys("\u{1B}[5~\u{1B}[6~\u{1B}[Z") == [.pageUp, .pageDown, .backTab])
    #expect(keys("\u{1B}[<0;11;5M") == [.click(column: 10, row: 4)])
    #expect(keys("\u{1B}[<0;11;5m") == [])
    #expect(
      keys("\u{1B}[<64;1;1M\u{1B}[<65;3;2M") == [
        .wheel(isUp: true, column: 0, row: 0), .wheel(isUp: false, column: 2, row: 1),
      ])
  }

  @Test func aLoneEscapeIsAKeyOnceNothingFollows() {
    var decoder = KeyDecoder()
    #expect(decoder.decode([0x1B]).isEmpty)
    #expect(decoder.isWaiting)
    #expect(decoder.finish() == [.escape])
    #expect(decoder.decode([0x1B]).isEmpty)
    #expect(decoder.decode(Array("[A".utf8)) == [.up])
  }

  /// Wherever the bytes are cut, the same keys come out.
  @Test func cutsChangeNothing() {
    let text = "aü\u{1B}[A\u{1B}[<0;120;40Mz\u{1B}[5~€\r"
    let whole = keys(text)
    let bytes = Array(text.utf8)
    for cut in bytes.indices {
      var decoder = KeyDecoder()
      let found = decoder.decode(bytes[..<cut]) + decoder.decode(bytes[cut...])
      #expect(found + decoder.finish() == whole, "cut at \(cut)")
    }
  }

  @Test func anyBytesAreTaken() {
    var state: UInt64 = 3
    for _ in 0..<2_000 {
      var decoder = KeyDecoder()
      for _ in 0..<20 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: state >> (8 * UInt64($0) + 20)) }
        _ = decoder.decode(state >> 60 == 0 ? [0x1B, 0x5B] + bytes : bytes)
      }
      _ = decoder.finish()
      #expect(!decoder.isWaiting)
    }
  }

  @Test func namesOfKeysAreRead() {
    #expect(
      Key.parse("+/x<enter><Tab>")
        == [.character("+"), .character("/"), .character("x"), .enter, .tab])
    #expect(Key.parse("<nothing>") == nil)
    #expect(Key.parse("<") == [.character("<")])
  }

  @Test func picturesAreTheGolden() throws {
    func row(_ name: String, _ letters: String) -> TimelineRow {
      TimelineRow(
        name: name,
        cells: letters.enumerated().map { index, letter in
          TimelineCell(busy: letter == "#" ? 1 - Double(index) / 20 : 0, state: letter)
        }, note: "50.0 %")
    }
    let picture = TimelinePicture(
      rows: [row("tensor", "####SSDD.#"), row("vector", "..QQHHLLTC")],
      ends: ("0 s", "10 us"), selected: 1, cursor: 4)
    var text = picture.lines(colour: false).joined(separator: "\n") + "\n"
    text += picture.lines(colour: false, isASCII: true).joined(separator: "\n") + "\n"
    text += picture.lines(colour: true).joined(separator: "\n").replacing("\u{1B}", with: "^")
    let difference = try goldenDifference(text + "\n", "timeline.txt")
    #expect(difference == nil)
  }
}
