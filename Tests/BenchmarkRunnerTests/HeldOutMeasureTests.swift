import BenchmarkRunner
import Testing
import WorkloadCatalog

@Suite struct HeldOutMeasureTests {
  @Test(
    "The area under the curve is the share of pairs in order",
    arguments: [
      ([1, 2, 3, 4], [0, 0, 1, 1], 1.0), ([4, 3, 2, 1], [0, 0, 1, 1], 0.0),
      ([1, 2, 3, 4], [0, 1, 0, 1], 0.75), ([5, 5, 5, 5], [0, 1, 0, 1], 0.5),
      ([1, 1, 2, 0], [1, 0, 1, 0], 0.875), ([1, 2], [1, 1], 0.5),
    ] as [([Float], [Float], Double)])
  func area(_ outputs: [Float], _ labels: [Float], _ expected: Double) {
    #expect(HeldOutMeasure.areaUnderCurve(outputs, labels) == expected)
  }

  @Test("Accuracy counts rows whose largest output is the label's")
  func accuracy() {
    let task = DigitsTask(
      data: "none", features: 1, featureScale: 1, classes: 3, network: .perceptron(hidden: 1))
    let measure = HeldOutMeasure(.digits(task))
    let outputs: [Float] = [0, 2, 1, 5, 4, 3, 0, 1, 2, 9, 8, 7]
    #expect(measure.value(outputs, labels: [1, 0, 1, 2]) == 0.5)
  }
}
