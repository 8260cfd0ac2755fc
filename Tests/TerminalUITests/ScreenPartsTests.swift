import TerminalUI
import Testing

@Suite struct ScreenPartsTests {
  @Test func barsFillInEighths() {
    #expect(Bars.horizontalBar(fraction: 0.5, width: 4) == "██  ")
    #expect(Bars.horizontalBar(fraction: 1.0 / 32, width: 4) == "▏   ")
    #expect(Bars.horizontalBar(fraction: 2, width: 2) == "██")
    #expect(Bars.horizontalBar(fraction: -1, width: 2) == "  ")
    #expect(Bars.horizontalBar(fraction: .nan, width: 2) == "  ")
    #expect(Bars.horizontalBar(fraction: 0.5, width: 4, isASCII: true) == "##  ")
    for eighth in 0...80 {
      #expect(Bars.horizontalBar(fraction: Double(eighth) / 80, width: 10).count == 10)
    }
  }

  @Test func stripsTellIdleAndSaturatedApart() {
    #expect(Bars.heatStrip([0, 0.001, 0.5, 0.999, 1]) == " ▁▄▇█")
    #expect(Bars.heatStrip([0, 0.001, 1], isASCII: true) == " .@")
  }

  @Test func progressLinesAreTheGolden() throws {
    let title = "llm/llama3.1-8b-decode on trn2"
    let lines = [
      ProgressLine(title: title, done: 0, total: 1000, elapsedSeconds: 0, unit: "instr"),
      ProgressLine(title: title, done: 250, total: 1000, elapsedSeconds: 5, unit: "instr"),
      ProgressLine(title: title, done: 1000, total: 1000, elapsedSeconds: 20, unit: "instr"),
      ProgressLine(title: title, done: 12_000_000, total: 0, elapsedSeconds: 2, unit: "instr"),
    ]
    var text = ""
    for width in [24, 40, 80, 120] {
      for line in lines {
        let drawn = line.text(width: width)
        #expect(displayWidth(drawn) <= width)
        text += drawn + "\n"
      }
    }
    #expect(try goldenDifference(text, "progress.txt") == nil)
    #expect(lines[1].secondsLeft == 15)
    #expect(lines[0].secondsLeft == nil)
  }

  @Test func clocks() {
    #expect(ProgressLine.clock(seconds: 6.2) == "0:07")
    #expect(ProgressLine.clock(seconds: 750) == "12:30")
    #expect(ProgressLine.clock(seconds: 3725) == "1:02:05")
    #expect(ProgressLine.clock(seconds: .infinity) == "long")
  }

  @Test func progressIsDrawnOnlyOnTerminalsAndNotTooOften() {
    func drawn(isTerminal: Bool, at times: [Double]) -> [String] {
      var written: [String] = []
      let terminal = Terminal(isTerminal: isTerminal, width: 80, hasColour: false)
      let box = Box()
      var reporter = ProgressReporter(terminal: terminal) { box.texts.append($0) }
      for time in times {
        reporter.update(
          ProgressLine(title: "t", done: 1, total: 2, elapsedSeconds: time, unit: "x"))
      }
      reporter.finish()
      reporter.finish()
      written = box.texts
      return written
    }
    #expect(drawn(isTerminal: false, at: [0, 1, 2]).isEmpty)
    let times = [0, 0.05, 0.1, 0.12, 0.3]
    #expect(drawn(isTerminal: true, at: times).count == 4, "three lines and one wipe")
    #expect(drawn(isTerminal: true, at: []).isEmpty)
  }

  private final class Box {
    var texts: [String] = []
  }

  @Test func coloursAndWidthFollowTheFacts() {
    func decide(
      _ environment: [String: String], isTerminal: Bool = true, measured: Int? = nil,
      noColour: Bool = false
    ) -> Terminal {
      Terminal.decide(
        isTerminal: isTerminal, measuredWidth: measured, environment: environment,
        noColour: noColour)
    }
    #expect(decide([:]).hasColour)
    #expect(decide(["NO_COLOR": ""]).hasColour)
    #expect(!decide(["NO_COLOR": "1"]).hasColour)
    #expect(!decide(["TERM": "dumb"]).hasColour)
    #expect(!decide([:], noColour: true).hasColour)
    #expect(!decide([:], isTerminal: false).hasColour)
    #expect(decide([:]).width == 80)
    #expect(decide(["COLUMNS": "132"]).width == 132)
    #expect(decide(["COLUMNS": "132"], measured: 100).width == 100)
    #expect(decide(["COLUMNS": "-4"], measured: 0).width == 80)
    #expect(!decide([:]).isASCII)
    #expect(decide(["TERM": "dumb", "LANG": "C.UTF-8"]).isASCII)
    for locale in ["C", "POSIX", "en_US.ISO-8859-1"] {
      #expect(decide(["LANG": locale]).isASCII)
      #expect(!decide(["LANG": locale, "LC_CTYPE": "de_DE.utf8"]).isASCII)
      #expect(decide(["LANG": "C.UTF-8", "LC_ALL": locale]).isASCII)
      #expect(!decide(["LANG": "C.UTF-8", "LC_ALL": ""]).isASCII)
    }
    #expect(plainText("a… ─ ü") == "a~ - ü")
  }

  @Test func nearestNames() {
    let names = ["trn1", "trn2", "trn3", "inf2", "llm/llama3.1-8b-decode", "micro/matmul-bf16"]
    #expect(closestMatch("tnr2", in: names) == "trn2")
    #expect(closestMatch("TRN9", in: names) == "trn1", "equally near: the first by name")
    #expect(closestMatch("micro/matmul-bf61", in: names) == "micro/matmul-bf16")
    #expect(closestMatch("llama", in: names) == nil)
    #expect(closestMatch("", in: names) == nil)
    #expect(closestMatch("x", in: []) == nil)
  }

  @Test func editDistances() {
    func distance(_ first: String, _ second: String) -> Int {
      editDistance(Array(first), Array(second))
    }
    #expect(distance("", "") == 0)
    #expect(distance("", "abc") == 3)
    #expect(distance("kitten", "sitting") == 3)
    #expect(distance("abcd", "acbd") == 1)
    #expect(distance("ca", "abc") == 3, "the restricted form")
    #expect(distance("flaw", "lawn") == 2)
  }
}
