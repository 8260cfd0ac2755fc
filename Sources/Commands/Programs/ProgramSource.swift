import Foundation
import Hardware
import InstructionSet
import NeuronChip
import NeuronCore
import Results

/// A program read from assembly text or its binary form, with the way back from an instruction to
/// its line where there are lines.
struct ProgramSource {
  /// The file's name without folder and ending.
  let name: String
  /// The path for messages.
  let path: String
  /// The program; for several cores, the segments of all of them.
  let program: Program
  /// The programs of several cores, where the text has them.
  let chip: ChipProgram?
  private let text: String

  /// True for names of files that hold programs: assembly text or its binary form.
  static func isProgram(_ name: String) -> Bool {
    ["trnasm", "trnp"].contains((name as NSString).pathExtension.lowercased())
  }

  /// Reads a file in either form; its first bytes say which. Throws `unreadable`, `badProgram` with
  /// line and column, and `damagedProgram`.
  init(_ url: URL) throws(CommandFailure) {
    let data: Data
    do {
      data = try Data(contentsOf: url)
    } catch {
      let failure = ResultStore.fileError(error, path: url.path)
      guard case .inputOutput(_, let reason) = failure else {
        throw .unreadable(path: url.path, reason: "permission denied")
      }
      throw .unreadable(path: url.path, reason: reason)
    }
    if ProgramBinary.isBinary(data) || url.pathExtension.lowercased() == "trnp" {
      try self.init(binary: [UInt8](data), path: url.path)
      return
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw .unreadable(path: url.path, reason: "permission denied or not UTF-8 text")
    }
    try self.init(text, path: url.path)
  }

  /// Reads the binary form; `path` is for messages and the name.
  private init(binary bytes: [UInt8], path: String) throws(CommandFailure) {
    text = ""
    chip = nil
    self.path = path
    name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    do {
      program = try ProgramBinary.program(from: bytes)
    } catch {
      throw .damagedProgram(path: path, reason: error.description)
    }
  }

  /// Assembles a text; `path` is for messages and the name.
  init(_ text: String, path: String) throws(CommandFailure) {
    self.text = text
    self.path = path
    name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    do throws(AssemblyError) {
      if Assembly.isChip(text) {
        let cores = try Assembly.parseChip(text)
        chip = cores
        program = Self.joined(cores)
      } else {
        chip = nil
        program = try Assembly.parse(text)
      }
    } catch {
      let lines = error.description.split(separator: "\n", omittingEmptySubsequences: false)
      let marked = lines.dropFirst().map { "\n" + $0 }.joined()
      throw .badProgram("\(path):\(error.line):\(error.column): \(error.message)\(marked)")
    }
  }

  /// The canonical text of the program, or of the programs of all cores.
  var canonicalText: String {
    chip.map { Assembly.text(of: $0) } ?? Assembly.text(of: program)
  }

  /// The segments and invocations of all cores' programs, one after the other.
  private static func joined(_ chip: ChipProgram) -> Program {
    var result = Program(segments: [], invocations: [], tensors: [])
    for program in chip.programs {
      let (first, tensors) = (result.segments.count, result.tensors.count)
      result.segments += program.segments
      result.tensors += program.tensors
      result.invocations += program.invocations.map { invocation in
        Invocation(
          segment: first + invocation.segment, tensors: invocation.tensors.map { $0 + tensors },
          layer: invocation.layer)
      }
    }
    return result
  }

  /// Checks every instruction against a device. Throws `badProgram` with the line of the first
  /// that breaks a rule.
  func check(on device: Device) throws(CommandFailure) {
    if let chip { return try check(chip, on: device) }
    for (index, segment) in program.segments.enumerated() {
      let alone = Program(segments: [segment], invocations: [], tensors: [])
      do { _ = try LoadedProgram(alone, device: device) } catch {
        throw .badProgram(message(error, segment: index, device))
      }
    }
    do { _ = try LoadedProgram(program, device: device) } catch {
      throw .badProgram("\(path): \(error)")
    }
  }

  private func check(_ chip: ChipProgram, on device: Device) throws(CommandFailure) {
    do { _ = try LoadedChip(chip, device: device) } catch {
      throw .badProgram("\(path): on \(device.name): \(error)")
    }
  }

  private func message(_ fault: Fault, segment: Int, _ device: Device) -> String {
    guard let index = fault.index,
      let line = InstructionLines(text).line(segment: segment, index: index)
    else { return "\(path): \(fault)" }
    return "\(path):\(line.number): on \(device.name): \(fault)\n  \(line.text)"
  }
}

/// The lines of an assembly text that hold instructions, in the order in which segments keep them.
struct InstructionLines {
  /// One line of the text.
  struct Line: Equatable {
    /// Counted from 1.
    var number: Int
    var text: String
  }

  /// By segment, then by engine.
  private var streams: [[[Line]]] = []

  init(_ text: String) {
    var engine: Engine?
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let words = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }
      guard let first = words.first, !first.hasPrefix("#") else { continue }
      if first == ".segment" {
        streams.append(Engine.allCases.map { _ in [] })
        engine = nil
      } else if first == ".engine" {
        engine = words.dropFirst().first.flatMap { Engine(name: $0) }
      } else if !first.hasPrefix("."), let engine, !streams.isEmpty {
        streams[streams.count - 1][Int(engine.rawValue)]
          .append(Line(number: index + 1, text: line.trimmingCharacters(in: .whitespaces)))
      }
    }
  }

  /// The line of a segment's instruction; nil where the text does not have it.
  func line(segment: Int, index: Int) -> Line? {
    guard streams.indices.contains(segment) else { return nil }
    let lines = streams[segment].flatMap { $0 }
    return lines.indices.contains(index) ? lines[index] : nil
  }
}
