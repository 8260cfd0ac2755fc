public import CoreState
public import Hardware

extension Operation {
  /// Calls `body` with everything in memory that the instruction reads or writes, in the order of
  /// its operands. Rows of a table that an index chooses stand for the whole table.
  public func memoryAccesses(_ body: (_ location: DataLocation, _ isWrite: Bool) -> Void) {
    withoutActuallyEscaping(body) { body in
      var collector = AccessCollector(group: indirectionGroup, body: body)
      var copy = self
      copy.operands(&collector)
    }
  }

  /// Partitions that share the offsets of an indirect view of this instruction.
  private var indirectionGroup: Int {
    switch self {
    case .loadWeights, .matmul: Engine.tensor.indirectionGroup
    default: Engine.vector.indirectionGroup
    }
  }

  /// True when an address of the instruction comes from a register, or places from an index that
  /// may not leave its row: `checkRegisters` must be called before it is executed.
  public var isDynamic: Bool {
    var found = readsCheckedIndex
    memoryAccesses { location, _ in
      switch location {
      case .onChip(let access):
        found = found || access.register != AccessPattern.noRegister || access.isIndirect
      case .hbm(let access): found = found || access.register != AccessPattern.noRegister
      }
    }
    return found
  }

  /// True when a place that comes from memory decides whether the instruction is legal.
  private var readsCheckedIndex: Bool {
    switch self {
    case .localGather, .freeGather: true
    case .dmaIndirect(let i): i.refusesOutOfBounds
    case .dmaGatherTranspose(let i): i.refusesOutOfBounds
    default: false
    }
  }

  /// A place in an index that the instruction may not have, if there is one.
  private func strayIndex(on core: borrowing CoreState, engine: Engine) -> Fault.Rule? {
    switch self {
    case .localGather(let i): i.strayIndex(on: core, engine: engine)
    case .freeGather(let i): i.strayIndex(on: core, engine: engine)
    case .dmaIndirect(let i): i.strayIndex(on: core, engine: engine)
    case .dmaGatherTranspose(let i): i.strayIndex(on: core, engine: engine)
    default: nil
    }
  }

  /// Checks that the addresses that come from registers and indices, with the values that these
  /// have now, stay inside their memories.
  public func checkRegisters(on core: borrowing CoreState, engine: Engine) throws(Fault) {
    if case .dma(let transfer) = self, transfer.leavesBounds(on: core, engine: engine) {
      // What is skipped touches nothing.
      if transfer.skipsOutOfBounds { return }
      throw Fault(
        opcode.name, operand: "bound",
        .value(found: "a register beyond it", allowed: "0 to \(transfer.bound)"),
        engine: engine)
    }
    try checkReach(on: core, engine: engine)
    guard core.hasData else { return }
    try checkOffsets(on: core, engine: engine)
    guard let rule = strayIndex(on: core, engine: engine) else { return }
    throw Fault(opcode.name, operand: "index", rule, engine: engine)
  }

  /// Offsets of indirect views stay inside them.
  private func checkOffsets(on core: borrowing CoreState, engine: Engine) throws(Fault) {
    var views: [AccessPattern] = []
    memoryAccesses { location, _ in
      if case .onChip(let access) = location, access.isIndirect { views.append(access) }
    }
    for view in views {
      guard let stray = core.strayOffset(view, engine: engine) else { continue }
      throw Fault(
        opcode.name, operand: "index",
        .value(found: "offset \(stray)", allowed: "0 to \(view.viewColumns - 1)"),
        engine: engine)
    }
  }

  private func checkReach(on core: borrowing CoreState, engine: Engine) throws(Fault) {
    var locations: [DataLocation] = []
    memoryAccesses { location, _ in locations.append(location) }
    for location in locations {
      switch location {
      case .onChip(let access):
        let offset = core.offset(access.register, engine)
        guard core.hasData, !core.reaches(access, offset: offset) else { continue }
        let limit =
          access.space == .sbuf ? core.sbuf.bytesPerPartition : core.psum.bytesPerPartition
        throw fault(access.byteExtent.upperBound + offset, limit, engine)
      case .hbm(let access):
        guard core.hasData, !core.reaches(access, engine: engine) else { continue }
        let offset = core.offset(access.register, engine)
        throw fault(access.byteExtent.upperBound + offset, core.hbm.sizeBytes, engine)
      }
    }
  }

  private func fault(_ found: Int, _ limit: Int, _ engine: Engine) -> Fault {
    Fault(
      opcode.name, operand: "register", .outOfBounds(found: found, limit: limit), engine: engine)
  }

  /// Checks that accesses to HBM stay inside the segment's tensors, registers at zero.
  public func checkTensorBounds(_ tensors: [TensorParameter], _ rules: OperandRules)
    throws(Fault)
  {
    var collector = TensorCollector()
    var copy = self
    copy.operands(&collector)
    for (name, access) in collector.accesses {
      guard Int(access.tensor) < tensors.count else {
        throw rules.fault(
          name, .unboundTensor(index: Int(access.tensor), count: tensors.count))
      }
      var extent = access.byteExtent
      switch self {
      case .dmaIndirect(let indirect): extent = indirect.tableExtent ?? extent
      case .dmaGatherTranspose(let gather): extent = gather.tableExtent ?? extent
      case .dma(let transfer)
      where transfer.bound != .max && access.register != AccessPattern.noRegister:
        extent = extent.lowerBound..<(extent.upperBound + Int(transfer.bound))
      default: break
      }
      let limit = tensors[Int(access.tensor)].sizeBytes
      guard extent.lowerBound >= 0, extent.upperBound <= limit else {
        throw rules.fault(name, .outOfBounds(found: extent.upperBound, limit: limit))
      }
    }
  }
}

/// Hands on every operand in memory.
private struct AccessCollector: OperandVisitor {
  let group: Int
  let body: (DataLocation, Bool) -> Void

  func write(_ name: String, _ value: inout AccessPattern) throws(Never) {
    if value.isIndirect { body(.onChip(value.index(group: group)), false) }
    body(.onChip(value), true)
  }
  func read(_ name: String, _ value: inout AccessPattern) throws(Never) {
    if value.isIndirect { body(.onChip(value.index(group: group)), false) }
    body(.onChip(value), false)
  }
  func scalar(_ name: String, _ value: inout ScalarOperand) throws(Never) {
    if case .pointer(let access) = value { body(.onChip(access), false) }
  }
  func transfer(_ name: String, _ value: inout DataLocation, isWrite: Bool) throws(Never) {
    body(value, isWrite)
  }
}

/// Collects the accesses to HBM with their operands' names.
private struct TensorCollector: OperandVisitor {
  var accesses: [(String, TensorAccess)] = []

  func write(_ name: String, _ value: inout AccessPattern) throws(Never) {}
  func read(_ name: String, _ value: inout AccessPattern) throws(Never) {}
  func scalar(_ name: String, _ value: inout ScalarOperand) throws(Never) {}
  mutating func transfer(_ name: String, _ value: inout DataLocation, isWrite: Bool)
    throws(Never)
  {
    if case .hbm(let access) = value { accesses.append((name, access)) }
  }
}
