/// One constant of `Root`: its path, and how to read and replace it.
struct ConstantEntry<Root>: Sendable {
  /// The names from the root down, joined by full stops.
  let path: String
  /// The constant, or nil where the root has none (an absent optional group).
  let read: @Sendable (Root) -> (any AnyConstant)?
  /// Puts a constant of the same type back.
  let write: @Sendable (inout Root, any AnyConstant) -> Void

  private init(
    path: String, read: @escaping @Sendable (Root) -> (any AnyConstant)?,
    write: @escaping @Sendable (inout Root, any AnyConstant) -> Void
  ) {
    self.path = path
    self.read = read
    self.write = write
  }

  /// A constant that is a stored property of the root.
  init<Value>(_ name: String, _ keyPath: WritableKeyPath<Root, Constant<Value>> & Sendable) {
    self.init(
      path: name, read: { $0[keyPath: keyPath] },
      write: { root, constant in
        if let constant = constant as? Constant<Value> { root[keyPath: keyPath] = constant }
      })
  }

  /// The constants of a group that is a stored property of the root.
  static func group<Group: ConstantGroup>(
    _ name: String, _ keyPath: WritableKeyPath<Root, Group> & Sendable
  ) -> [ConstantEntry] {
    Group.entries.map { entry in
      ConstantEntry(
        path: "\(name).\(entry.path)", read: { entry.read($0[keyPath: keyPath]) },
        write: { root, constant in entry.write(&root[keyPath: keyPath], constant) })
    }
  }

  /// The constants of a group that some devices have and others have not.
  static func optionalGroup<Group: ConstantGroup>(
    _ name: String, _ keyPath: WritableKeyPath<Root, Group?> & Sendable
  ) -> [ConstantEntry] {
    Group.entries.map { entry in
      ConstantEntry(
        path: "\(name).\(entry.path)", read: { $0[keyPath: keyPath].flatMap(entry.read) },
        write: { root, constant in
          guard var group = root[keyPath: keyPath] else { return }
          entry.write(&group, constant)
          root[keyPath: keyPath] = group
        })
    }
  }
}

/// A struct whose stored properties are constants or groups of them, each named once in `entries`.
///
/// A property that `entries` forgets fails the completeness test of this module.
protocol ConstantGroup: Sendable {
  /// Every constant, in the order of the stored properties.
  static var entries: [ConstantEntry<Self>] { get }
}

extension ConstantGroup {
  /// This group as a guess for another machine: cycles, counts and ratios stay, times are
  /// multiplied by a ratio of clock periods, and every constant becomes *assumed*.
  ///
  /// A number without a range gets one from half to double. `note` opens each source, `origin`
  /// names the machine that the value is from.
  func carried(
    times numerator: Int64 = 1, over denominator: Int64 = 1, note: String,
    from origin: String = "trn2"
  ) -> Self {
    var result = self
    for entry in Self.entries {
      guard let constant = entry.read(self) else { continue }
      entry.write(
        &result,
        constant.carried(times: numerator, over: denominator, note: "\(note); \(origin)"))
    }
    return result
  }
}
