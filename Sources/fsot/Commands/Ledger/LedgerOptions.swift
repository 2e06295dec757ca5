import ArgumentParser
import Emulators
import Foundation

/// Where the owner's ledger lies.
struct LedgerOptions: ParsableArguments {
    @Option(help: "The owner's ledger of releases. (default: FSOT_HOME/ledger.jsonl, ~/.config/fsot/ledger.jsonl)")
    var ledger: String?

    /// The ledger; its file need not exist.
    var file: Ledger { Ledger(path: ledger ?? HomeDirectory.ledger) }

    /// Records a release that was written just now; one that cannot be recorded must not stay.
    ///
    /// - Parameter written: what was written, to be removed when the ledger refuses.
    func record(_ entry: LedgerEntry, written: [String]) throws {
        do {
            try file.append(entry)
        } catch {
            for path in written { try? FileManager.default.removeItem(atPath: path) }
            throw error
        }
    }
}
