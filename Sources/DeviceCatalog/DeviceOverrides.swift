import Hardware
import Yams

/// The constants that a device file changes, found by path and put into a device together.
struct DeviceOverrides {
  let text: DeviceText
  let base: Device
  /// The citation of every change that names none.
  let source: String

  /// Keys of a device file that are no constants.
  static let reserved: Set = ["extends", "name", "title", "source"]

  private struct Change {
    var path: String
    var value: String
    var source: String
    var place: DevicePlace
  }

  private let paths: Set<String>
  private let groups: Set<String>
  private var changes: [Change] = []

  init(text: DeviceText, base: Device, source: String) {
    self.text = text
    self.base = base
    self.source = source
    paths = Set(base.constants().map(\.path))
    var groups: Set<String> = []
    for path in paths {
      let parts = path.split(separator: ".")
      for count in 1..<max(2, parts.count) {
        groups.insert(parts.prefix(count).joined(separator: "."))
      }
    }
    self.groups = groups
  }

  /// Takes a key of the file: a constant's path, or the beginning of several.
  mutating func collect(_ path: String, _ key: Node, _ value: Node) throws(DeviceFileError) {
    if paths.contains(path) { return try collect(constant: path, key, value) }
    guard groups.contains(path), case .mapping(let inner) = value else {
      let isGroup = groups.contains(path)
      guard !isGroup else {
        throw .badValue(
          text.place(of: value), reason: "\(path) is a group: give its constants, one per line")
      }
      throw .unknownKey(
        text.place(of: key), key: path, device: base.name, nearest: nearest(to: path))
    }
    for (innerKey, innerValue) in inner {
      guard let word = innerKey.scalar?.string else {
        throw .badValue(
          text.place(of: innerKey), reason: "a key is a word, not a list or a mapping")
      }
      try collect("\(path).\(word)", innerKey, innerValue)
    }
  }

  /// The nearest path, then the nearest path by its last name alone.
  private func nearest(to path: String) -> String? {
    let known = paths.union(groups).union(Self.reserved).sorted()
    if let near = nearestName(to: path, among: known) { return near }
    let last = path.split(separator: ".").last.map(String.init) ?? path
    let names = known.filter { $0.contains(".") }
    let tails = names.map { String($0.split(separator: ".").last ?? "") }
    guard let tail = nearestName(to: last, among: tails), let index = tails.firstIndex(of: tail)
    else { return nil }
    return names[index]
  }

  private mutating func collect(
    constant path: String, _ key: Node, _ value: Node
  ) throws(DeviceFileError) {
    guard !changes.contains(where: { $0.path == path }) else {
      throw .givenTwice(text.place(of: key), path: path)
    }
    guard case .mapping(let parts) = value else {
      let written = try plain(value, path)
      changes.append(
        Change(path: path, value: written, source: source, place: text.place(of: value)))
      return
    }
    for (key, _) in parts where !["value", "source"].contains(key.scalar?.string ?? "") {
      throw .badValue(
        text.place(of: key), reason: "\(path): expected a value, or 'value' and 'source'")
    }
    guard let given = parts["value"] else {
      throw .badValue(text.place(of: value), reason: "\(path): 'value' is missing")
    }
    let cited = parts["source"]?.scalar?.string
    guard parts["source"] == nil || cited?.isEmpty == false else {
      throw .badValue(text.place(of: value), reason: "\(path): 'source' is no text")
    }
    changes.append(
      Change(
        path: path, value: try plain(given, path), source: cited ?? source,
        place: text.place(of: given)))
  }

  /// A value, or a list of them, as one text.
  private func plain(_ node: Node, _ path: String) throws(DeviceFileError) -> String {
    if let word = node.scalar?.string { return word }
    guard case .sequence(let items) = node else {
      throw .badValue(text.place(of: node), reason: "\(path): expected a value")
    }
    var words: [String] = []
    for item in items {
      guard let word = item.scalar?.string else {
        throw .badValue(text.place(of: item), reason: "\(path): expected a list of values")
      }
      words.append(word)
    }
    return words.joined(separator: ",")
  }

  /// Puts every change into a device, each within what the model can hold.
  func apply(to device: inout Device) throws(DeviceFileError) {
    for change in changes {
      do {
        try device.set(change.path, to: change.value, source: change.source)
      } catch { throw .badValue(change.place, reason: "\(error)") }
    }
    do { try device.checkLimits() } catch {
      let path = (error as? HardwareError)?.path
      let place = changes.first { $0.path == path }?.place ?? changes.last?.place
      throw .badValue(
        place ?? DevicePlace(file: text.file, line: 1, column: 1), reason: "\(error)")
    }
  }
}
