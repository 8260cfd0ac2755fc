import Foundation
import ModelGraph
import NumericFormats
import Testing
import WorkloadCatalog

@Suite("Finding workloads")
struct CatalogTests {
  static let files = [
    "kernel/a.yaml": "", "kernel/b1.yaml": "", "llm/c.yaml": "", "kernel/readme.md": "",
    "references/r.yaml": "", "data/d.yaml": "", "devices/x.yaml": "",
    "suites/s.yaml": "title: S\nworkloads: [llm/*, kernel/a, kernel/a]\n",
  ]

  @Test("Names, patterns and suites, in order and each once")
  func resolve() throws {
    try withCatalog(Self.files) { root in
      let catalog = try WorkloadCatalog(root: root)
      #expect(catalog.names == ["kernel/a", "kernel/b1", "llm/c"])
      #expect(try catalog.resolve(["s"]) == ["llm/c", "kernel/a"])
      #expect(try catalog.resolve(["kernel/*", "s"]) == ["kernel/a", "kernel/b1", "llm/c"])
      #expect(try catalog.resolve(["kernel/b?"]) == ["kernel/b1"])
      #expect(try catalog.resolve(["*/c"]) == ["llm/c"])
      #expect(try catalog.resolve([]) == [])
    }
  }

  @Test("Names that mean nothing")
  func unknown() throws {
    try withCatalog(Self.files) { root in
      let catalog = try WorkloadCatalog(root: root)
      func error(_ name: String) -> String {
        do { return try catalog.resolve([name]).description } catch { return error.description }
      }
      #expect(
        error("kernel/b2")
          == "no workload or suite is named 'kernel/b2'. Did you mean 'kernel/b1'?")
      #expect(error("b1") == "no workload or suite is named 'b1'. Did you mean 's'?")
      #expect(error("kernel/x*") == "no workload matches 'kernel/x*'; 'trnbench list' names them")
      #expect(error("*") == "no workload matches '*'; 'trnbench list' names them")
      #expect(
        error("something") == "no workload or suite is named 'something';"
          + " 'trnbench list' names them")
    }
  }

  private func find(
    _ start: String, _ environment: [String: String] = [:], _ executable: String? = nil
  ) throws -> String {
    try WorkloadCatalog.findRoot(start: start, environment: environment, executable: executable)
  }

  @Test("The folder is found from the environment, upwards, and from the executable")
  func root() throws {
    try withCatalog(["suites/s.yaml": "", "Workloads/suites/s.yaml": "", "x/y/z.txt": ""]) { root in
      let below = root + "/x/y"
      let upwards = try find(below)
      let besideExecutable = try find("/", [:], below + "/trnbench")
      let named = try find("/", ["TRNBENCH_WORKLOADS": root])
      #expect(upwards == root + "/Workloads")
      #expect(besideExecutable == root + "/Workloads")
      #expect(named == root)
      #expect(throws: WorkloadError.self) { try find(below, ["TRNBENCH_WORKLOADS": below]) }
      #expect(throws: WorkloadError.noCatalog(start: "/")) { try find("/") }
    }
  }

  @Test("Another precision only where the file allows it")
  func precision() throws {
    let text = goodKernel + "\nallowed_precisions: [bf16, fp16]\n"
    try withCatalog(["kernel/product.yaml": text]) { root in
      let workload = try WorkloadCatalog(root: root).specification(named: "kernel/product")
      let other = try workload.with(precision: .float16)
      #expect(other.precision == .float16 && other.outputPrecision == .float16)
      #expect(try other.graph()?.tensor("lhs")?.format == .float16)
      let error = #expect(throws: WorkloadError.self) { try workload.with(precision: .float32) }
      #expect(
        error?.description == "kernel/product does not run in fp32; it allows bf16, fp16")
    }
  }

  @Test("Numerics and references as written, and defaults where not")
  func settings() throws {
    let text =
      goodKernel
        + """

        numerics: {samples: 99, output_tile: [64, 32], whole_below_operations: 0,
          intermediate: tf32}
        near_references:
          - {operation: gemm, shape: {m: 1, n: 2}, note: other}
        """
    try withCatalog(["kernel/product.yaml": text, "kernel/q.yaml": goodKernel]) { root in
      let workload = try WorkloadCatalog(root: root).specification(named: "kernel/product")
      let checker = workload.checker(seed: 4)
      #expect(checker.sampleCount == 99 && checker.outputTile == [64, 32])
      #expect(checker.wholeBelowOperations == 0 && checker.seed == 4)
      #expect(checker.intermediate == .tensorFloat32)
      #expect(workload.nearReferences.map(\.shape) == [["m": "1", "n": "2"]])
      #expect(workload.nearReferences.map(\.operation) == ["gemm"])
    }
  }
}
