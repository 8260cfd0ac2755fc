/// A place in a device file.
package struct DevicePlace: Hashable, Sendable, CustomStringConvertible {
  /// The file as it was named.
  package var file: String
  /// Counted from 1.
  package var line: Int
  /// Counted from 1.
  package var column: Int

  /// `file:line:column`, as editors understand it.
  package var description: String { "\(file):\(line):\(column)" }
}

/// A device file that cannot be used: where, what was expected, what was found.
package enum DeviceFileError: Error, Hashable, CustomStringConvertible {
  /// The file cannot be read.
  case unreadable(path: String, reason: String)
  /// The text is no YAML, or uses more of YAML than a device file needs.
  case syntax(DevicePlace, reason: String)
  /// A key that is neither a word of device files nor a constant's path.
  case unknownKey(DevicePlace, key: String, device: String, nearest: String?)
  /// A key that must be there.
  case missingKey(DevicePlace, key: String, example: String)
  /// One constant is given twice, in two spellings of its path.
  case givenTwice(DevicePlace, path: String)
  /// A value that cannot be used.
  case badValue(DevicePlace, reason: String)

  /// True when the file system is at fault, not the text.
  package var isUnreadable: Bool {
    if case .unreadable = self { return true }
    return false
  }

  /// What, where, and what to do.
  package var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
    case .syntax(let place, let reason): "\(place): \(reason)"
    case .unknownKey(let place, let key, let device, let nearest):
      "\(place): unknown key '\(key)'"
        + (nearest.map { " (did you mean '\($0)'?)" } ?? "")
        + "; 'trnbench device show \(device)' lists every constant"
    case .missingKey(let place, let key, let example):
      "\(place): the device lacks '\(key)'; add a line such as '\(example)'"
    case .givenTwice(let place, let path): "\(place): \(path) is given twice; keep one"
    case .badValue(let place, let reason): "\(place): \(reason)"
    }
  }
}
