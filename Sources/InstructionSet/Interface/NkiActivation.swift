public import CoreState

/// activation, with its reduction when one is asked for.
///
/// Expands to ACTIVATE, before it an ACT_TABLE_LOAD when another set of functions is loaded, after
/// it an ACTIVATION_READ_ACCUMULATOR when the sums are wanted.
/// Source: NKI instruction reference (activation, activation_reduce).
public struct NkiActivation: Hashable, Sendable {
  /// The function with its operands and what it does to the reduce registers.
  public var activate: Activate
  /// [P, 1]: where the reduce registers go, if anywhere.
  public var sums: AccessPattern?

  /// Applies `activate`, and writes the sums of the reduce registers to `sums`.
  public init(_ activate: Activate, sums: AccessPattern? = nil) {
    self.activate = activate
    self.sums = sums
  }

  /// Appends the machine instructions.
  ///
  /// - Parameter loaded: the set that the scalar engine holds before and after, nil when unknown.
  public func expand(into operations: inout [Operation], loaded: inout ActivationTable?) {
    let table = activate.function.table
    if table != .everySet, table != loaded {
      operations.append(.tableLoad(ActivationTableLoad(table)))
      loaded = table
    }
    operations.append(.activate(activate))
    if let sums { operations.append(.readAccumulator(ActivationReadAccumulator(sums))) }
  }
}

/// activate2, with its reduction when one is asked for.
///
/// Expands as activation does, with ACTIVATE2 for ACTIVATE.
/// Source: NKI instruction reference (activate2: NeuronCore-v4 and newer).
public struct NkiActivate2: Hashable, Sendable {
  /// The function with its operands and what it does to the reduce registers.
  public var activate: Activate2
  /// [P, 1]: where the reduce registers go, if anywhere.
  public var reduction: AccessPattern?

  /// Applies `activate`, and writes the reduce registers to `reduction`.
  public init(_ activate: Activate2, reduction: AccessPattern? = nil) {
    self.activate = activate
    self.reduction = reduction
  }

  /// Appends the machine instructions.
  ///
  /// - Parameter loaded: the set that the scalar engine holds before and after, nil when unknown.
  public func expand(into operations: inout [Operation], loaded: inout ActivationTable?) {
    let table = activate.function.table
    if table != .everySet, table != loaded {
      operations.append(.tableLoad(ActivationTableLoad(table)))
      loaded = table
    }
    operations.append(.activate2(activate))
    if let reduction {
      operations.append(.readAccumulator(ActivationReadAccumulator(reduction)))
    }
  }
}
