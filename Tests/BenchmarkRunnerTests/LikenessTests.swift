import BenchmarkRunner
import Hardware
import Lowering
import ModelGraph
import NumericFormats
import Testing

/// What is said about values and sizes of whole models.
@Suite struct LikenessTests {
  @Test func whatIsNotFiniteIsComparedAsSuch() {
    let alike = Likeness([1, .nan, .infinity, 2], [1, .nan, .infinity, 2])
    #expect(alike.cosine == 1 && alike.largestDifference == 0)
    #expect(alike.nonFiniteAlike == 2 && alike.nonFiniteUnlike == 0)
    #expect(alike.text.hasSuffix("(2 not finite in both)"))
    let unlike = Likeness([1, .nan, .infinity, 2, 5], [1, 3, -.infinity, 2, .nan])
    #expect(unlike.cosine == 1 && unlike.nonFiniteUnlike == 3)
    #expect(unlike.text.hasSuffix("(3 not finite in one alone)"))
    #expect(Likeness([.nan], [.nan]).text.hasPrefix("cosine similarity 1.0"))
    #expect(!Likeness([1, 2], [1, 2]).text.contains("finite"))
  }

}
