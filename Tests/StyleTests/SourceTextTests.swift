import Testing

/// The scanner that every rule about code stands on.
@Suite("Comments and strings are told from code")
struct SourceTextTests {
  @Test(arguments: [
    ("a // b", "a"), ("a /* b /* c */ d */ e", "a e"), ("a \"b // c\" d", "a d"),
    ("a \"b \\\" c\" d", "a d"), ("a #\"b \" c\"# d", "a d"), ("a \"\"\"\nb \" c\n\"\"\" d", "a d"),
    ("a \"b \\(c(\"d\") + e) f\" g", "a c ( ) + e g"), ("a #\"\\(b) \\#(c)\"# d", "a c d"),
    ("a #/b \" c/# d", "a d"), ("#if os(x)\na", "# if os ( x ) a"),
  ])
  func code(source: String, code: String) {
    let words = SourceText(source).tokens.map(\.text)
    #expect(words == code.split(separator: " ").map(String.init))
  }

  @Test func viewsHaveTheSameLines() {
    let text = SourceText("a\n/* b\nc */ d\n\"\"\"\ne\n\"\"\"\n")
    #expect(text.lines.count == text.codeLines.count)
    #expect(text.lineCount == 6)
    #expect(text.codeLines[2] == "     d")
  }

  @Test(arguments: [
    ("1_000", 1000.0), ("2.5e-3", 0.0025), ("1e12", 1e12), ("0xFF", nil), ("0b11", nil), ("7", 7),
  ])
  func numbers(source: String, value: Double?) {
    let tokens = SourceText(source).tokens
    #expect(tokens.count == 1)
    #expect(tokens.first?.decimalValue == value)
  }

  @Test func rangesAndMembersAreNotFractions() {
    #expect(SourceText("0..<5").tokens.map(\.text) == ["0", ".", ".", "<", "5"])
    #expect(SourceText("1.max").tokens.map(\.text) == ["1", ".", "max"])
  }
}
