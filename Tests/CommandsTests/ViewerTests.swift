import Foundation
import TerminalUI
import Testing

/// The viewer of the built executable, with keys typed at a terminal.
@Suite(.serialized) struct ViewerTests {
  @Test func aPictureTooSmallToReadIsRefused() throws {
    let desk = try Desk()
    for option in [["--width", "39"], ["--height", "3"], ["--width", "0"]] {
      let answer = desk.run(["trace", "view", "x.trntrace", "--static"] + option)
      #expect(answer.code == 64)
      #expect(answer.errors.contains(option[0]), "\(answer.errors)")
    }
  }

  /// Keys as `--keys` writes them and as a terminal sends them.
  private static let steps: [(name: String, bytes: String)] = [
    ("+++", "+++"), ("L", "L"), ("H", "H"), ("jj", "jj"), ("n", "n"), ("<enter>", "\r"),
    ("p", "p"), ("0", "0"), ("/matmul<enter>", "/matmul\r"), ("m", "m"), ("<up>", "\u{1B}[A"),
    ("/nothing<enter>", "/nothing\r"), ("g4us<enter>", "g4us\r"), ("?", "?"),
  ]

  private static let file = "out/unknown/trn2/kernel/product.trntrace"

  private func desk() throws -> Desk {
    let desk = try Desk()
    try desk.write("Workloads/kernel/product.yaml", SmallWorkloads.product)
    let answer = desk.run(
      "run", "kernel/product", "--mode", "timing", "--trace", "events", "--output", "out")
    try #require(answer.code == 0, "\(answer.errors)")
    return desk
  }

  private func viewer(
    _ desk: Desk, columns: Int = 80, rows: Int = 24, _ variables: [String: String] = [:]
  ) throws -> RunningViewer {
    try RunningViewer(
      Product(), [Self.file], in: desk.folder, columns: columns, rows: rows, variables: variables)
  }

  /// Lines without what follows them, and without numbers of lines of the source.
  private func plain(_ lines: [String]) -> String {
    lines.joined(separator: "\n").replacing(/\.swift:[0-9]+/, with: ".swift:N") + "\n"
  }

  private func withoutColours(_ lines: [String]) -> [String] {
    lines.map { line in
      let text = line.replacing(/\u{1B}\[[0-9;]*m/, with: "")
      return String(text.reversed().drop { $0 == " " }.reversed())
    }
  }

  /// Every screen is the golden, and the one that `--static` prints for the same keys.
  @Test(arguments: [(80, 24), (120, 40)]) func screensFollowKeys(size: (Int, Int)) throws {
    let (columns, rows) = size
    let desk = try desk()
    let viewer = try viewer(desk, columns: columns, rows: rows, ["NO_COLOR": "1"])
    var text = "== start\n" + plain(viewer.nextScreen(after: 0))
    var pressed = ""
    for step in Self.steps {
      pressed += step.name
      let screen = viewer.press(step.bytes)
      #expect(screen.count == rows)
      #expect(screen.allSatisfy { $0.count <= columns }, "\(step.name)")
      let still = desk.run(
        "trace", "view", Self.file, "--static", "--width", "\(columns)", "--height", "\(rows)",
        "--keys", pressed)
      let expected = withoutColours(
        still.output.split(
          separator: "\n", omittingEmptySubsequences: false
        ).dropLast().map(String.init))
      #expect(screen == expected, "\(step.name)")
      text += "\n== \(step.name)\n" + plain(screen)
    }
    viewer.terminal.type("q")
    #expect(viewer.ending() == 0)
    #expect(viewer.text.hasSuffix("\u{1B}[?25h\u{1B}[?1049l"), "the screen before is shown again")
    #expect(viewer.terminal.isCooked, "the terminal is as it was")
    let difference = try goldenDifference(text, "view-\(columns)x\(rows).txt")
    #expect(difference == nil)
  }

  @Test func controlCEndsItAndTheTerminalIsAsBefore() throws {
    let desk = try desk()
    let viewer = try viewer(desk)
    #expect(!viewer.nextScreen(after: 0).isEmpty)
    #expect(!viewer.terminal.isCooked, "keys come one by one")
    viewer.terminal.type("\u{3}")
    #expect(viewer.ending() == 0)
    #expect(viewer.terminal.isCooked)
  }

  /// A request to end, and the end of the terminal's session, leave the terminal as it was.
  @Test(arguments: [SIGTERM, SIGHUP]) func signalsEndItAndTheTerminalIsAsBefore(
    signal: Int32
  ) throws {
    let desk = try desk()
    let viewer = try viewer(desk)
    #expect(!viewer.nextScreen(after: 0).isEmpty)
    #expect(!viewer.terminal.isCooked)
    viewer.send(signal)
    #expect(viewer.ending() == 130)
    #expect(viewer.text.hasSuffix("\u{1B}[?25h\u{1B}[?1049l"), "the screen before is shown again")
    #expect(viewer.terminal.isCooked)
  }

  /// At 80 columns a producer's source line is whole.
  @Test func theSourceOfAProducerIsNotCut() throws {
    let desk = try desk()
    for width in [60, 80] {
      let shown = desk.run(
        "trace", "view", Self.file, "--static", "--width", "\(width)", "--engine", "vector",
        "--keys", "/CAST<enter>")
      let lines = shown.output.split(separator: "\n").map(String.init)
      let place = try #require(lines.firstIndex { $0.contains("held back by tensor") })
      let text = lines[place...].joined(separator: " ")
      #expect(text.contains(/BlockedMatmul\.swift:[0-9]+/), "\(text)")
      #expect(lines.allSatisfy { $0.count <= width })
    }
  }

  /// Instructions come before the kernels that are called after them, and the search goes on.
  @Test func searchFindsInstructionsBeforeKernels() throws {
    let desk = try desk()
    func panel(_ keys: String) -> String {
      let shown = desk.run(
        "trace", "view", Self.file, "--static", "--width", "100", "--keys", keys)
      return shown.output.split(separator: "\n").first { $0.contains(" runs") }.map(String.init)
        ?? ""
    }
    let first = panel("<home>/MATMUL<enter>")
    #expect(first.contains("tensor runs: MATMUL"), "\(first)")
    let picture = desk.run(
      "trace", "view", Self.file, "--static", "--keys", "<home>/MATMUL<enter>/<enter>"
    ).output
    #expect(picture.contains("tensor runs: MATMUL"))
    #expect(
      picture
        != desk.run(
          "trace", "view", Self.file, "--static", "--keys", "<home>/MATMUL<enter>"
        ).output)
    #expect(panel("<home>/Epilogue<enter>").contains("MatmulEpilogue"))
  }

  @Test func anotherSizeIsDrawnAgain() throws {
    let desk = try desk()
    let viewer = try viewer(desk)
    #expect(viewer.nextScreen(after: 0).count == 24)
    let before = viewer.screens.count
    viewer.terminal.resize(columns: 120, rows: 40)
    let screen = viewer.nextScreen(after: before)
    #expect(screen.count == 40)
    #expect(withoutColours(screen).contains { $0.count > 100 })
    viewer.terminal.type("q")
    #expect(viewer.ending() == 0)
  }

  @Test func noColourChangesNothingButColours() throws {
    let desk = try desk()
    let coloured = try viewer(desk)
    let bare = try viewer(desk, ["NO_COLOR": "1"])
    let screens = [coloured.nextScreen(after: 0), bare.nextScreen(after: 0)]
    #expect(screens[0].contains { $0.contains("\u{1B}[") })
    #expect(!screens[1].contains { $0.contains("\u{1B}[") })
    #expect(withoutColours(screens[0]) == screens[1])
    for viewer in [coloured, bare] {
      viewer.terminal.type("q")
      #expect(viewer.ending() == 0)
    }
  }

  /// A dumb terminal and a pipe get the picture once, without codes.
  @Test func dumbTerminalsAndPipesGetThePictureOnce() throws {
    let desk = try desk()
    let dumb = try viewer(desk, ["TERM": "dumb"])
    #expect(dumb.ending() == 0)
    desk.terminal.isASCII = true
    let expected = desk.run("trace", "view", Self.file, "--static", "--width", "80")
    #expect(dumb.text.replacing("\r\n", with: "\n") == expected.output)
    #expect(!dumb.text.contains("\u{1B}"))
    #expect(dumb.text.utf8.allSatisfy { $0 < 0x80 })
    let pipe = try Product().shell("\"$TRNBENCH\" trace view \(Self.file) | cat", in: desk)
    #expect(pipe.output.contains("product on trn2"))
    #expect(!pipe.output.contains("\u{1B}"))
    #expect(pipe.errors.isEmpty)
  }
}
