/// A user's mistake in naming or changing a device.
public enum HardwareError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No device has that name.
  case unknownDevice(name: String, nearest: String?, known: [String])
  /// No constant has that path.
  case unknownConstant(path: String, device: String, nearest: String?)
  /// The text does not spell a value of the constant's type.
  case unreadableValue(path: String, text: String, unit: ConstantUnit)
  /// A value that the model cannot work with.
  case outOfLimits(path: String, value: String, unit: ConstantUnit, allowed: String)
  /// The constant is documented and has no range to move through.
  case noRange(path: String, device: String)

  public var description: String {
    switch self {
    case .unknownDevice(let name, let nearest, let known):
      "no device is named '\(name)'\(Self.hint(nearest)); known devices: "
        + known.joined(separator: ", ")
    case .unknownConstant(let path, let device, let nearest):
      "device \(device) has no constant '\(path)'\(Self.hint(nearest)); "
        + "'trnbench device show \(device)' lists them"
    case .unreadableValue(let path, let text, let unit):
      "'\(text)' is no value for \(path); give it as \(unit.examples)"
    case .outOfLimits(let path, let value, let unit, let allowed):
      "\(path) cannot be \(value) \(unit.rawValue); the model takes \(allowed)"
    case .noRange(let path, let device):
      "constant \(path) of device \(device) is documented and has no range; "
        + "set a value instead"
    }
  }

  /// The path of the constant that the error is about; nil when it is about a device.
  public var path: String? {
    switch self {
    case .unknownDevice: nil
    case .unknownConstant(let path, _, _), .unreadableValue(let path, _, _), .noRange(let path, _),
      .outOfLimits(let path, _, _, _):
      path
    }
  }

  private static func hint(_ nearest: String?) -> String {
    nearest.map { " (did you mean '\($0)'?)" } ?? ""
  }
}
