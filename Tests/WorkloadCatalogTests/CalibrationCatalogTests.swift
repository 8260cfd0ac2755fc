import Foundation
import Testing
import WorkloadCatalog

@Suite struct CalibrationCatalogTests {
  private static let header =
    "id,device,program,size,quantity,value,unit,low,high,count,left_out,what,source\n"

  @Test func linesCommentsAndQuotesAreRead() throws {
    let rows = try CalibrationCatalog.read(
      "# what it is\n" + Self.header
        + "A-1,trn2,scalar copy,512,first,584.5,ns,580,590,4,,\"a, b\",s\n\n"
        + "B-2,trn1,,,,3,us,,,,not run,w,s\n",
      file: "c.csv")
    #expect(rows.map(\.id) == ["A-1", "B-2"])
    #expect(rows[0].prefix == "A" && rows[0].value == 584.5 && rows[0].observed == 580...590)
    #expect(rows[0].what == "a, b" && rows[0].quantity == .first && rows[0].count == 4)
    #expect(rows[1].leftOut == "not run" && rows[1].size == 0 && rows[1].location.line == 5)
  }

  @Test(arguments: [
    ("id,device\n", "c.csv:1:1: header"), (header + "A-1,trn2\n", "c.csv:2:1: row"),
    (header + "A-1,trn2,p,1,frist,2,ns,,,,,w,s\n", "c.csv:2:1: quantity"),
    (header + "A-1,trn2,p,1,first,x,ns,,,,,w,s\n", "c.csv:2:1: value"),
    (header + "A-1,trn2,p,1.5,first,1,ns,,,,,w,s\n", "c.csv:2:1: size"),
    (header + "A-1,trn2,p,1,first,1,ns,3,2,,,w,s\n", "c.csv:2:1: low"),
  ])
  func mistakesAreNamedWithTheirLine(_ text: String, _ beginning: String) {
    #expect {
      try CalibrationCatalog.read(text, file: "c.csv")
    } throws: { "\($0)".hasPrefix(beginning) }
  }
}
