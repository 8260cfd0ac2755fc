package import InstructionSet

/// Why a kernel cannot be built for a shape on a device.
package enum BuilderError: Error, Hashable, Sendable, CustomStringConvertible {
  /// SBUF has no room left for an allocation.
  case outOfSBUF(name: String, neededBytes: Int, freeBytes: Int, kernel: String)
  /// PSUM has no banks left for a pool.
  case outOfPSUM(name: String, neededBanks: Int, freeBanks: Int, kernel: String)
  /// The kernel needs more semaphores than the core has.
  case outOfSemaphores(needed: Int, limit: Int, kernel: String)
  /// A queue has transfers of more shapes than it has rings.
  case outOfRings(queue: String, limit: Int, kernel: String)
  /// The kernel does not support this shape or format.
  case unsupported(kernel: String, what: String, allowed: String)
  /// An operation was called with operands that may not meet.
  case illegalOperands(kernel: String, fault: Fault)

  /// One line: what asked for what, what there is, what to do.
  package var description: String {
    switch self {
    case .outOfSBUF(let name, let needed, let free, let kernel):
      "kernel \(kernel): tile \(name) needs \(needed) bytes per partition of SBUF, "
        + "\(free) are free; use smaller blocks or fewer buffers"
    case .outOfPSUM(let name, let needed, let free, let kernel):
      "kernel \(kernel): pool \(name) needs \(needed) PSUM banks, \(free) are free; "
        + "use fewer buffers"
    case .outOfSemaphores(let needed, let limit, let kernel):
      "kernel \(kernel): needs \(needed) semaphores, the core has \(limit); use fewer DMA rings"
    case .outOfRings(let queue, let limit, let kernel):
      "kernel \(kernel): the \(queue) queue has transfers of too many partition counts for its "
        + "\(limit) rings; split the kernel"
    case .unsupported(let kernel, let what, let allowed):
      "kernel \(kernel): \(what) is not supported; allowed: \(allowed)"
    case .illegalOperands(let kernel, let fault): "kernel \(kernel): \(fault)"
    }
  }
}
