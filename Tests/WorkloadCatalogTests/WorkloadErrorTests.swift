import Foundation
import Testing
import WorkloadCatalog

@Suite("Mistakes in workload files: file, line, column, expected, found, nearest")
struct WorkloadErrorTests {
  /// The message that reading a changed file gives, without the folder's path.
  private func message(
    _ change: (String) -> String, file: String = "kernel/product", text: String = goodKernel
  ) throws -> String {
    try withCatalog(["\(file).yaml": change(text)]) { root in
      do {
        _ = try WorkloadCatalog(root: root).specification(named: file).graph()
        return "no error"
      } catch { return "\(error)".replacingOccurrences(of: root + "/", with: "") }
    }
  }

  private func replacing(_ old: String, _ new: String) throws -> String {
    try message { $0.replacingOccurrences(of: old, with: new) }
  }

  @Test("The file that the others change is right")
  func good() throws { #expect(try message { $0 } == "no error") }

  @Test("Unknown and missing keys")
  func keys() throws {
    #expect(
      try replacing("precision: bf16", "precison: bf16")
        == "kernel/product.yaml:8:1: unknown key 'precison'. Did you mean 'precision'?")
    #expect(
      try replacing("version: 1\n", "")
        == "kernel/product.yaml:1:1: the workload lacks 'version'; add it")
    #expect(
      try replacing("n: 16}", "n: 16, batch: 2}")
        == "kernel/product.yaml:12:28: unknown key 'batch'; known here: m, k, n")
    #expect(
      try replacing("n: 16}", "p: 16}")
        == "kernel/product.yaml:12:21: unknown key 'p'. Did you mean 'n'?")
    #expect(
      try replacing("source: made up", "source: made up\nvarient: v0")
        == "kernel/product.yaml:11:1: unknown key 'varient'. Did you mean 'variant'?")
  }

  @Test("A model that cannot be dealt evenly over the cores")
  func unevenParts() throws {
    let layer = goodKernel.replacingOccurrences(of: "kind: kernel", with: "kind: layer")
      .replacingOccurrences(of: "kernel/product", with: "llm/part")
      .replacingOccurrences(of: "FLOP/s", with: "tokens/s")
    let head = layer[..<layer.range(of: "operator:")!.lowerBound]
    let text =
      head + "architecture: tiny\nphase: decode\ncontext: 4\nbatch: 1\ntensor_parallel: 2\n"
    #expect(
      try message({ $0 }, file: "llm/part", text: String(text))
        == "llm/part.yaml:15:18: tensor_parallel: expected a divisor of heads, kv_heads,"
        + " feed_forward and vocabulary of tiny; found '2'")
  }

  @Test("Words that are none of a list")
  func words() throws {
    #expect(
      try replacing("kind: kernel", "kind: kernal")
        == "kernel/product.yaml:5:7: kind: expected one of micro, kernel, layer, model, training;"
        + " found 'kernal'. Did you mean 'kernel'?")
    #expect(
      try replacing("operator: MatMul", "operator: Matmull")
        == "kernel/product.yaml:11:11: operator: expected one of MatMul, MatMulMX, Softmax,"
        + " RMSNormalization, LayerNormalization, Attention, GatedMLP, MixtureOfExperts,"
        + " MixtureOfExpertsMX, PagedAttention, EmbeddingBag, NonMaxSuppression; found"
        + " 'Matmull'. Did you mean 'MatMul'?")
    #expect(
      try replacing("precision: bf16", "precision: bf61").hasPrefix(
        "kernel/product.yaml:8:12: precision: expected one of fp32, tf32, bf16,"))
    #expect(
      try replacing("precision: bf16", "precision: bf61").hasSuffix(
        "found 'bf61'. Did you mean 'bf16'?"))
  }

  @Test("Values of the wrong kind or range")
  func values() throws {
    #expect(
      try replacing("k: 8", "k: eight")
        == "kernel/product.yaml:12:18: k: expected a whole number, at least 1; found 'eight'")
    #expect(
      try replacing("k: 8", "k: 0")
        == "kernel/product.yaml:12:18: k: expected a whole number, at least 1; found '0'")
    #expect(
      try replacing("title: A product", "title: [A, product]")
        == "kernel/product.yaml:2:8: title: expected text; found a list")
    #expect(
      try replacing("shape: {m: 4, k: 8, n: 16}", "shape: 4")
        == "kernel/product.yaml:12:8: shape: expected a mapping of keys to values; found '4'")
    #expect(
      try replacing("name: kernel/product", "name: kernel/other")
        == "kernel/product.yaml:1:7: name: expected 'kernel/product', as the file's place says;"
        + " found 'kernel/other'")
    #expect(
      try message { _ in "" }
        == "kernel/product.yaml:1:1: the workload: expected a mapping of keys to values;"
        + " found nothing")
  }

  @Test("Text that is no YAML")
  func syntax() throws {
    #expect(
      try replacing("shape: {m: 4,", "shape: {m: 4")
        == "kernel/product.yaml:12:15: no YAML: did not find expected ',' or '}'")
    #expect(
      try replacing("version: 1", "version: 1\nversion: 2")
        == "kernel/product.yaml:4:1: no YAML: key given twice: version")
  }

  private func micro(_ program: String) throws -> String {
    let text =
      goodKernel.components(separatedBy: "operator:")[0]
      .replacingOccurrences(of: "kernel/product", with: "micro/one")
      .replacingOccurrences(of: "kind: kernel", with: "kind: micro")
      + "programs:\n  - {\(program)}\n"
    return try message({ $0 }, file: "micro/one", text: text)
  }

  @Test("Micro-programs")
  func microPrograms() throws {
    #expect(
      try micro("instruction: nc_matmul, precision: bf16, columns: 64, repeat: 2") == "no error")
    #expect(
      try micro("instruction: nc_matmul, precision: bf16, columns: [64, 513], repeat: 2")
        == "micro/one.yaml:12:56: columns: expected at most 512; found a list")
    #expect(
      try micro("instruction: tensor_cpy, source: sbuf fp32, columns: 64, repeat: 2").hasSuffix(
        "found 'tensor_cpy'. Did you mean 'tensor_copy'?"))
    #expect(
      try micro("instruction: tensor_copy, source: sbuff fp32, columns: 64, repeat: 2")
        == "micro/one.yaml:12:40: source: expected one of sbuf, psum; found 'sbuff fp32'."
        + " Did you mean 'sbuf'?")
    #expect(
      try micro("instruction: semaphore_handoff, from: vector, to: vector, repeat: 2")
        == "micro/one.yaml:12:56: to: expected another engine; found 'vector'")
    #expect(
      try micro(
        "instruction: nc_matmul, precision: bf16, double_row: true, columns: 64, repeat: 2")
        == "micro/one.yaml:12:59: double_row: expected an fp8 precision with it; found 'true'")
  }

  @Test("An unknown architecture")
  func architecture() throws {
    let text =
      goodKernel.components(separatedBy: "operator:")[0]
      .replacingOccurrences(of: "kernel/product", with: "llm/one")
      .replacingOccurrences(of: "kind: kernel", with: "kind: layer")
      .replacingOccurrences(of: "FLOP/s", with: "tokens/s")
      + "architecture: tinny\nphase: decode\ncontext: 4\nbatch: 1\n"
    #expect(
      try message({ $0 }, file: "llm/one", text: text)
        == "llm/one.yaml:11:15: architecture: expected a known architecture; found 'tinny'."
        + " Did you mean 'tiny'?")
  }

  @Test("A suite that names no workload")
  func suite() throws {
    let suite = "title: Broken\nworkloads:\n  - kernel/product\n  - kernel/produkt\n"
    try withCatalog(["kernel/product.yaml": goodKernel, "suites/s.yaml": suite]) { root in
      let error = #expect(throws: WorkloadError.self) { try WorkloadCatalog(root: root) }
      #expect(
        error?.description.replacingOccurrences(of: root + "/", with: "")
          == "suites/s.yaml:4:5: workloads: expected a workload's name or a pattern of names;"
          + " found 'kernel/produkt'. Did you mean 'kernel/product'?")
    }
  }

  @Test("Any cut or changed byte of a file is an error or a workload, never a crash")
  func everyCut() throws {
    let bytes = Array(goodKernel.utf8)
    for cut in stride(from: 0, to: bytes.count, by: 3) {
      _ = try message { _ in String(decoding: bytes[..<cut], as: UTF8.self) }
      var changed = bytes
      changed[cut] = UInt8(ascii: "[")
      _ = try message { _ in String(decoding: changed, as: UTF8.self) }
    }
  }
}
