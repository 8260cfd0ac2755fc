/// What the cores of one chip run together.
public struct ChipProgram: Sendable {
  /// One core and its program.
  public struct Core: Hashable, Sendable {
    /// The core's number on the chip: neighbours share a stack of HBM.
    public var number: Int
    /// Index of what it runs.
    public var program: Int

    /// A core that runs a program.
    public init(_ number: Int, program: Int) {
      self.number = number
      self.program = program
    }
  }

  /// Distinct programs; cores that run the same one share it.
  public var programs: [Program]
  /// Cores that run something, in ascending order of their numbers.
  public var cores: [Core]
  /// Groups of cores by number, in the order of their ranks: what COLLECTIVE_TRIGGER names. None
  /// means one group of all cores.
  public var groups: [[Int]]
  /// 2 where two neighbours are one logical core (LNC=2): they share one address space in HBM,
  /// exchange tiles and meet at barriers. 1 where each core has its own.
  public var coresPerLogicalCore: Int

  /// Programs and the cores that run them.
  public init(
    programs: [Program], cores: [Core], groups: [[Int]] = [], coresPerLogicalCore: Int = 1
  ) {
    self.programs = programs
    self.cores = cores.sorted { $0.number < $1.number }
    self.groups = groups
    self.coresPerLogicalCore = coresPerLogicalCore
  }

  /// One program for each core, from core 0 on.
  public init(programs: [Program], groups: [[Int]] = [], coresPerLogicalCore: Int = 1) {
    self.init(
      programs: programs, cores: programs.indices.map { Core($0, program: $0) }, groups: groups,
      coresPerLogicalCore: coresPerLogicalCore)
  }

  /// One program that every one of `count` cores runs, from core 0 on.
  public init(everyCore program: Program, count: Int, coresPerLogicalCore: Int = 1) {
    self.init(
      programs: [program], cores: (0..<count).map { Core($0, program: 0) },
      coresPerLogicalCore: coresPerLogicalCore)
  }

  /// The groups that collectives name: those given, or one of all cores.
  public var collectiveGroups: [[Int]] { groups.isEmpty ? [cores.map(\.number)] : groups }

  /// The cores of a core's logical core by number, in the order of their ranks.
  public func partners(of core: Int) -> Range<Int> {
    let size = max(1, coresPerLogicalCore)
    return core / size * size..<(core / size + 1) * size
  }
}
