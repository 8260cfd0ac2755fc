import Hardware
import InstructionSet

extension KernelBuilder {
  /// max8: the eight largest values of each partition, descending.
  package mutating func largestEight(
    _ destination: Tile, _ source: Tile, file: String = #fileID, line: UInt = #line
  ) {
    append(
      .max8(Max8(destination.access, source.access)), on: .vector, site: site(file, line))
  }

  /// nc_find_index8: where each of eight values stands first; equal values one after the other.
  package mutating func findEight(
    _ destination: Tile, _ source: Tile, values: Tile, file: String = #fileID,
    line: UInt = #line
  ) {
    append(
      .findIndex8(FindIndex8(destination.access, source.access, values: values.access)),
      on: .vector, site: site(file, line))
  }

  /// nc_match_replace8: the source with the first occurrence of each of eight values replaced.
  package mutating func replaceEight(
    _ destination: Tile, _ source: Tile, values: Tile, by replacement: Float,
    file: String = #fileID, line: UInt = #line
  ) {
    append(
      .matchReplace8(
        MatchReplace8(
          destination.access, source.access, values: values.access, replacement: replacement)),
      on: .vector, site: site(file, line))
  }
}
