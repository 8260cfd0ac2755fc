/// A published price of an instance.
public struct InstancePrice: Sendable {
  /// On demand, one instance. US cents.
  public var centsPerHour: Constant<Int64>
  /// Chips of that instance.
  public var chips: Constant<Int>
}

extension InstancePrice: ConstantGroup {
  static let entries: [ConstantEntry<InstancePrice>] = [
    .init("centsPerHour", \.centsPerHour),
    .init("chips", \.chips),
  ]
}
