import Foundation

/// Where fsot keeps what outlives a command: `FSOT_HOME`, else `~/.config/fsot`.
enum HomeDirectory {
    static let variable = "FSOT_HOME"

    static var path: String {
        if let path = ProcessInfo.processInfo.environment[variable], !path.isEmpty { return path }
        return NSHomeDirectory() + "/.config/fsot"
    }

    /// Whose seals were accepted before.
    static var knownOwners: String { path + "/known-owners" }

    /// The invitations that were accepted.
    static var consortia: String { path + "/consortia" }

    /// The owner's ledger of releases.
    static var ledger: String { path + "/ledger.jsonl" }
}
