import Foundation
package import Hardware
import Yams

/// Reads a device from YAML: a shipped device with some of its constants changed.
///
/// ```yaml
/// extends: trn2
/// name: wide-dma                 # the file's name without its ending if left out
/// dma.bytesPerCycle: 64
/// clocks:
///   tensor: 2.8 GHz
/// semaphore.detectVector:
///   value: 20 ns
///   source: what a faster hand-off would bring
/// ```
package struct DeviceFile {
  private let text: DeviceText
  private let fallbackName: String

  /// A file; `shownAs` is its name in messages. Throws `DeviceFileError`.
  package static func device(
    contentsOf path: String, shownAs file: String? = nil
  ) throws(DeviceFileError) -> Device {
    let url = URL(fileURLWithPath: path)
    let text = try DeviceText(contentsOf: path, shownAs: file ?? path)
    return try DeviceFile(
      text: text, fallbackName: url.deletingPathExtension().lastPathComponent
    ).device()
  }

  /// A text; `file` is its name in messages. Throws `DeviceFileError`.
  package static func device(text: String, file: String) throws(DeviceFileError) -> Device {
    let name = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
    return try DeviceFile(text: try DeviceText(text, file: file), fallbackName: name).device()
  }

  private func device() throws(DeviceFileError) -> Device {
    let root = try text.root()
    let start = root.map(text.place) ?? DevicePlace(file: text.file, line: 1, column: 1)
    guard case .mapping(let mapping)? = root else {
      throw .missingKey(start, key: "extends", example: "extends: trn2")
    }
    let base = try base(mapping, start)
    var device = base
    device.name = try name(mapping) ?? fallbackName
    try checkName(device.name, mapping["name"].map(text.place) ?? start)
    device.title = try word("title", mapping) ?? "\(base.title), changed by \(text.file)"
    let source = try word("source", mapping) ?? "device file \(text.file)"
    var overrides = DeviceOverrides(text: text, base: base, source: source)
    for (key, value) in mapping {
      guard let word = key.scalar?.string else {
        throw .badValue(text.place(of: key), reason: "a key is a word, not a list or a mapping")
      }
      if DeviceOverrides.reserved.contains(word) { continue }
      try overrides.collect(word, key, value)
    }
    try overrides.apply(to: &device)
    device.becomeVariant(of: base)
    return device
  }

  private func base(_ mapping: Node.Mapping, _ start: DevicePlace) throws(DeviceFileError)
    -> Device
  {
    guard let node = mapping["extends"] else {
      for (key, _) in mapping {
        guard let word = key.scalar?.string, !DeviceOverrides.reserved.contains(word),
          nearestName(to: word, among: ["extends"]) != nil, !word.contains(".")
        else { continue }
        throw .unknownKey(text.place(of: key), key: word, device: "trn2", nearest: "extends")
      }
      throw .missingKey(start, key: "extends", example: "extends: trn2")
    }
    guard let name = node.scalar?.string else {
      throw .badValue(text.place(of: node), reason: "extends: expected a device's name")
    }
    do { return try Device.named(name) } catch {
      throw .badValue(text.place(of: node), reason: "extends: \(error)")
    }
  }

  private func name(_ mapping: Node.Mapping) throws(DeviceFileError) -> String? {
    try word("name", mapping)
  }

  private func word(_ key: String, _ mapping: Node.Mapping) throws(DeviceFileError) -> String? {
    guard let node = mapping[key] else { return nil }
    guard let word = node.scalar?.string, !word.isEmpty, word.utf8.count <= 200 else {
      throw .badValue(text.place(of: node), reason: "\(key): expected a text of 1 to 200 bytes")
    }
    return word
  }

  /// Names become folders of results, and a shipped device's name would hide the change.
  private func checkName(_ name: String, _ place: DevicePlace) throws(DeviceFileError) {
    let isPlain = name.unicodeScalars.allSatisfy { scalar in
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "-": true
      default: false
      }
    }
    guard isPlain, !name.isEmpty, !name.hasPrefix("."), name.utf8.count <= 64 else {
      throw .badValue(
        place, reason: "name: '\(name)' is no name; use letters, digits, '.', '_' and '-'")
    }
    guard !Device.all.contains(where: { $0.name == name.lowercased() }) else {
      throw .badValue(
        place, reason: "name: '\(name)' is a device of its own; choose another name")
    }
  }
}
