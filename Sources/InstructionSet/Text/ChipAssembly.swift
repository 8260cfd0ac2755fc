import CoreState
import Hardware

/// Programs of several cores as text: what stands between two `.core` lines is the program of the
/// cores that the first of them names.
///
///     .lnc 2
///     .group 0 1
///     .core 0 1
///     .segment …
extension Assembly {
  /// True for a text with programs of several cores.
  public static func isChip(_ text: String) -> Bool {
    text.split(separator: "\n").contains { ChipText.directive($0) == ".core" }
  }

  /// Reads programs of several cores.
  public static func parseChip(_ text: String) throws(AssemblyError) -> ChipProgram {
    var chip = ChipText()
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let trimmed = line.hasSuffix("\r") ? line.dropLast() : line
      try chip.read(SourceLine(number: index + 1, text: String(trimmed)))
    }
    return chip.finish()
  }

  /// The programs of several cores; those that run one program stand in one `.core` line.
  public static func text(of chip: ChipProgram) -> String {
    var lines: [String] = []
    if chip.coresPerLogicalCore != 1 { lines.append(".lnc \(chip.coresPerLogicalCore)") }
    lines += chip.groups.map { ".group " + $0.map(String.init).joined(separator: " ") }
    var text = lines.map { $0 + "\n" }.joined()
    for index in chip.programs.indices {
      let cores = chip.cores.filter { $0.program == index }.map { "\($0.number)" }
      text += ".core \(cores.joined(separator: " "))\n" + self.text(of: chip.programs[index])
    }
    return text
  }
}

/// Programs of several cores while their text is read.
private struct ChipText {
  private var programs: [Program] = []
  private var cores: [ChipProgram.Core] = []
  private var groups: [[Int]] = []
  private var coresPerLogicalCore = 1
  private var assembler: Assembler?

  private static let highestCore = 255

  /// The first word of a line.
  static func directive(_ line: Substring) -> Substring? {
    line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" }).first
  }

  mutating func read(_ line: SourceLine) throws(AssemblyError) {
    switch Self.directive(line.text[...]) {
    case ".lnc":
      var scanner = try start(line, isHead: true)
      scanner.skipSpace()
      coresPerLogicalCore = try scanner.integer("the cores of a logical core", in: 1...2)
      try Assembler.end(&scanner)
    case ".group":
      var scanner = try start(line, isHead: true)
      groups.append(try numbers(&scanner))
    case ".core":
      var scanner = try start(line, isHead: false)
      close()
      for number in try numbers(&scanner) {
        guard !cores.contains(where: { $0.number == number }) else {
          throw line.error(0, "core \(number) has a program already")
        }
        cores.append(ChipProgram.Core(number, program: programs.count))
      }
      assembler = Assembler()
    default:
      guard assembler == nil else {
        try assembler?.read(line)
        return
      }
      var scanner = AssemblyScanner(line)
      if let word = try scanner.word() {
        throw line.error(word.column, "'\(word.text)' before '.core NUMBER'")
      }
    }
  }

  /// A scanner after the directive, which stands before the first core where it is about all.
  private func start(_ line: SourceLine, isHead: Bool) throws(AssemblyError) -> AssemblyScanner {
    var scanner = AssemblyScanner(line)
    let word = try scanner.word()
    if isHead, assembler != nil {
      throw line.error(word?.column ?? 0, "'\(word?.text ?? "")' after the first '.core'")
    }
    return scanner
  }

  /// Core numbers to the end of the line, at least one.
  private func numbers(_ scanner: inout AssemblyScanner) throws(AssemblyError) -> [Int] {
    var numbers: [Int] = []
    repeat {
      scanner.skipSpace()
      numbers.append(try scanner.integer("a core's number", in: 0...Self.highestCore))
      scanner.skipSpace()
    } while !scanner.isAtEnd && scanner.peek != UInt8(ascii: "#")
    return numbers
  }

  private mutating func close() {
    guard var finished = assembler else { return }
    programs.append(finished.finish())
    assembler = nil
  }

  mutating func finish() -> ChipProgram {
    close()
    return ChipProgram(
      programs: programs, cores: cores, groups: groups, coresPerLogicalCore: coresPerLogicalCore)
  }
}
