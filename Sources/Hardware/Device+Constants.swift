extension Device {
  /// The one listing of every constant, in the order of the stored properties.
  static let entries: [ConstantEntry<Device>] = [
    ConstantEntry.group("chip", \.chip),
    ConstantEntry.group("memory", \.memory),
    ConstantEntry.group("clocks", \.clocks),
    ConstantEntry.group("tensor", \.tensor),
    ConstantEntry.group("limiter", \.limiter),
    ConstantEntry.group("vector", \.vector),
    ConstantEntry.group("scalar", \.scalar),
    ConstantEntry.group("gpsimd", \.gpsimd),
    ConstantEntry.group("sequencer", \.sequencer),
    ConstantEntry.group("semaphore", \.semaphore),
    ConstantEntry.group("dma", \.dma),
    ConstantEntry.group("envelope", \.envelope),
    ConstantEntry.group("peaks", \.peaks),
    ConstantEntry.optionalGroup("price", \.price),
  ].flatMap(\.self)

  /// Every constant of this device with its source, as text for listings.
  public func constants() -> [ConstantRow] {
    Self.entries.compactMap { entry in
      entry.read(self).map { ConstantRow(path: entry.path, constant: $0) }
    }
  }

  /// Replaces one constant by the value that `text` spells in the constant's unit.
  ///
  /// The constant becomes *assumed*, with `source` as its citation. Throws `HardwareError`.
  public mutating func set(_ path: String, to text: String, source: String) throws {
    let (entry, constant) = try find(path)
    guard let replaced = constant.replaced(byText: text, source: source) else {
      throw HardwareError.unreadableValue(path: path, text: text, unit: constant.unit)
    }
    entry.write(&self, replaced)
  }

  /// Moves one constant to an end of its range, for uncertainty runs. Throws `HardwareError`.
  public mutating func move(_ path: String, to end: RangeEnd) throws {
    let (entry, constant) = try find(path)
    guard let moved = constant.moved(to: end) else {
      throw HardwareError.noRange(path: path, device: name)
    }
    entry.write(&self, moved)
  }

  private func find(_ path: String) throws -> (ConstantEntry<Device>, any AnyConstant) {
    if let entry = Self.entries.first(where: { $0.path == path }), let found = entry.read(self) {
      return (entry, found)
    }
    let known = constants().map(\.path)
    throw HardwareError.unknownConstant(
      path: path, device: name, nearest: nearestName(to: path, among: known))
  }
}
