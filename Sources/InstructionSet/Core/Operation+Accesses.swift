public import CoreState
public import Hardware

extension Operation {
  /// Calls `body` with everything in memory that the instruction reads or writes, in the order of
  /// its operands. Rows of a table that an index chooses stand for the whole table.
  public func memoryAccesses(_ body: (_ location: DataLocation, _ isWrite: Bool) -> Void) {
    withoutActuallyEscaping(body) { body in
      var collector = AccessCollector(body: body)
      var copy = self
      copy.operands(&collector)
    }
  }

  /// True when an address of the instruction comes from a register: `checkRegisters` must be called
  /// before it is executed.
  public var isDynamic: Bool {
    var found = false
    memoryAccesses { location, _ in
      switch location {
      case .onChip(let access): found = found || access.register != AccessPattern.noRegister
      case .hbm(let access): found = found || access.register != AccessPattern.noRegister
      }
    }
    return found
  }

  /// Checks that the addresses that come from registers, with the values that these have now, stay
  /// inside their memories.
  public func checkRegisters(on core: borrowing CoreState, engine: Engine) throws(Fault) {
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
      if case .dmaIndirect(let indirect) = self, let table = indirect.tableExtent {
        extent = table
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
  let body: (DataLocation, Bool) -> Void

  func write(_ name: String, _ value: inout AccessPattern) throws(Never) {
    body(.onChip(value), true)
  }
  func read(_ name: String, _ value: inout AccessPattern) throws(Never) {
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
