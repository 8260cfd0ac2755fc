/// A user's mistake in naming or changing a device.
public enum HardwareError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No device has that name.
  case unknownDevice(name: String, nearest: String?, known: [String])
  /// No constant has that path.
  case unknownConstant(path: String, device: String, nearest: String?)
  /// The text does not spell a value of the constant's type.
  case unreadableValue(path: String, text: String, unit: ConstantUnit)
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
      "'\(text)' is no value for \(path); give it as \(Self.shape(of: unit))"
    case .noRange(let path, let device):
      "constant \(path) of device \(device) is documented and has no range; "
        + "set a value instead"
    }
  }

  private static func hint(_ nearest: String?) -> String {
    nearest.map { " (did you mean '\($0)'?)" } ?? ""
  }

  private static func shape(of unit: ConstantUnit) -> String {
    switch unit {
    case .flag: "true or false"
    case .picosecondsPerCycle: "a period such as 1250/3, in ps per cycle"
    default: "whole numbers, in \(unit.rawValue)"
    }
  }
}
