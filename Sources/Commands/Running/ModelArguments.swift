import BenchmarkRunner
import Foundation
import ModelGraph
import ModelImport
import NumericFormats
import Results

/// What `run` is told about ONNX models.
struct ModelArguments {
  /// `name=file.npy` as written.
  var inputs: [String] = []
  /// `name=length` as written.
  var dimensions: [String] = []
  /// The length of open first axes.
  var batch: Int?
  /// Where outputs are written.
  var outputTensors: String?
  /// What inputs without a value are drawn from.
  var seed: UInt64 = 0

  /// True when nothing is said.
  var isEmpty: Bool {
    inputs.isEmpty && dimensions.isEmpty && batch == nil && outputTensors == nil
  }

  /// True for the name of a model file.
  static func isModel(_ name: String) -> Bool {
    ["onnx", safetensors].contains((name as NSString).pathExtension.lowercased())
  }

  private static let safetensors = "safetensors"

  /// The formats in which the device can keep a model's real numbers.
  private static let precisions: [NumberFormat] = [.float32, .bfloat16, .float16]

  /// Throws `badWord` for a format in which no model is kept.
  static func check(_ precision: NumberFormat?) throws(CommandFailure) {
    guard let precision, !precisions.contains(precision) else { return }
    throw .badWord(
      option: "--precision of a model", found: precision.name, nearest: nil,
      known: precisions.map(\.name))
  }

  /// The model of a file with what is said about it. Throws `ImportError` and `CommandFailure`.
  func source(
    _ name: String, precision: NumberFormat?, folds: Bool, _ environment: CommandEnvironment
  ) throws -> ModelSource {
    var options = ImportOptions()
    options.foldsInputs = folds
    options.seed = seed
    options.precision = precision ?? .float32
    if let batch {
      guard batch >= 1 else {
        throw CommandFailure.badValue(
          option: "--batch", found: "\(batch)", expected: "a whole number above 0")
      }
      options.batch = batch
    }
    for text in dimensions {
      let (name, value) = try Self.pair(text, option: "--dim", expected: "NAME=LENGTH")
      guard let length = Int(value), (1...1 << 30).contains(length) else {
        throw CommandFailure.badValue(
          option: "--dim", found: text, expected: "a name and a whole number above 0")
      }
      options.dimensions[name] = length
    }
    for text in inputs {
      let (name, path) = try Self.pair(text, option: "--input", expected: "NAME=FILE.npy")
      options.inputs[name] = try NumpyFile.read(environment.url(path), shownAs: path)
    }
    let isEncoder = (name as NSString).pathExtension.lowercased() == Self.safetensors
    let url = environment.url(name)
    let model: ModelFile =
      isEncoder
      ? .encoder(try EncoderModel(contentsOf: url, shownAs: name))
      : .onnx(try ONNXModel(contentsOf: url, shownAs: name))
    let file = ((name as NSString).lastPathComponent as NSString).deletingPathExtension
    return ModelSource(
      name: RunResult.modelPrefix + file, model: model, options: options,
      outputFolder: outputTensors.map { environment.url($0) })
  }

  /// A name and what stands behind its first `=`.
  private static func pair(_ text: String, option: String, expected: String) throws
    -> (String, String)
  {
    guard let sign = text.firstIndex(of: "="), sign != text.startIndex else {
      throw CommandFailure.badValue(option: option, found: text, expected: expected)
    }
    return (String(text[..<sign]), String(text[text.index(after: sign)...]))
  }
}
