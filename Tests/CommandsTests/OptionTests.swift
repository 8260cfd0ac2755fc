import Foundation
import Testing

@Suite struct OptionTests {
  /// Times are read by `--from`, whose refusal stands in the error, whose success in another one:
  /// the file does not exist.
  private func accepts(_ time: String, _ desk: Desk) -> Bool {
    let answer = desk.run("trace", "summary", "none", "--from=\(time)")
    #expect(answer.code == 64 || answer.code == 74)
    return answer.code == 74
  }

  @Test func timesAreExactDecimalsWithAUnit() throws {
    let desk = try Desk()
    for time in ["0ps", "1ps", "500ns", "1.5us", "0.000001us", "2ms", "1s", "0.25s", "007us"] {
      #expect(accepts(time, desk), "\(time)")
    }
    let wrong = [
      "", "5", "us", ".5us", "1.us", "1.5ps", "0.0000001us", "-1us", "+1us", "1 us", "1e3ns",
      "1,5us", "1.2.3us", "99999999999999999999s", "9223372s", "1µs", "²us",
    ]
    for time in wrong { #expect(!accepts(time, desk), "\(time)") }
  }
}
