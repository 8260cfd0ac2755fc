import Foundation
import Hardware
import NumericFormats
import TerminalUI
import WorkloadCatalog

/// Workloads, suites and published numbers: what the folder `Workloads` holds.
enum WorkloadListing {
  /// Every workload, or those of one device, and the models that need several of its chips; files
  /// with mistakes are named and the others listed.
  static func workloads(_ catalog: WorkloadCatalog, on device: String?) -> Listing {
    var listing = Listing(
      table: Table(columns: [
        .text("name", title: "workload", minimumWidth: nil),
        .text("kind", priority: 1, minimumWidth: nil),
        .text("mode", priority: 2, minimumWidth: nil),
        .text("precision", priority: 2, minimumWidth: nil),
        .text("device", priority: 4, minimumWidth: nil),
        .text("suites", priority: 3, minimumWidth: nil), .text("title", minimumWidth: 28),
      ]))
    for name in catalog.names {
      do {
        let workload = try catalog.specification(named: name)
        if let device, workload.defaultDevice != device { continue }
        listing.table.append([
          .text(name), .text(workload.kind.rawValue), .text(workload.defaultMode.rawValue),
          .text(workload.precision.name), .text(workload.defaultDevice),
          .text(workload.suites.joined(separator: " ")), .text(workload.title),
        ])
      } catch { listing.failures.append(error) }
    }
    for name in catalog.largeNames {
      do {
        let model = try catalog.large(named: name)
        if let device, model.device != device { continue }
        let chip = try Device.named(model.device).memory.hbmBytesPerChip.value
        listing.table.append([
          .text(name), .text("model"), .missing, .missing,
          .text("\(model.chips(of: chip)) x \(model.device)"), .missing, .text(model.title),
        ])
      } catch { listing.failures.append(error) }
    }
    return listing
  }

  static func suites(_ catalog: WorkloadCatalog) -> Listing {
    var table = Table(columns: [
      .text("name", title: "suite", minimumWidth: nil), Column("workloads"),
      .text("title", minimumWidth: 16),
    ])
    for suite in catalog.suites {
      table.append([
        .text(suite.name), .integer(Int64(suite.workloads.count)), .text(suite.title),
      ])
    }
    return Listing(table: table)
  }

  static func references(_ folder: URL) -> Listing {
    var listing = Listing(
      table: Table(columns: [
        .text("name", title: "reference", minimumWidth: nil),
        .text("device", minimumWidth: nil), Column("numbers"),
        .text("operations", minimumWidth: 16), .text("precisions", priority: 1, minimumWidth: 8),
      ]))
    for name in ReferenceCatalog.names(in: folder) {
      do {
        let file = try ReferenceCatalog.load(name, in: folder)
        let operations = Set(file.rows.map(\.operation)).sorted()
        let precisions = Set(file.rows.flatMap(\.precisions)).sorted()
        listing.table.append([
          .text(name), .text(file.device), .integer(Int64(file.rows.count)),
          .text(operations.joined(separator: " ")), .text(precisions.joined(separator: " ")),
        ])
      } catch {
        listing.failures.append(error)
      }
    }
    return listing
  }
}
