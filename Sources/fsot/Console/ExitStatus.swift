import ArgumentParser

/// The exit codes of every command; the one table of them.
enum ExitStatus {
    /// Done.
    static let success = ExitCode(0)
    /// Something failed; standard error says what and how to mend it.
    static let failure = ExitCode(1)
    /// `audit run`: leakage above the suite's policy.
    static let leakageAbovePolicy = ExitCode(2)
    /// `audit run`: members and non-members differ without any model: the split is not valid.
    static let invalidSplit = ExitCode(3)
    /// `audit run`: too little data or a silent control: no conclusion.
    static let inconclusive = ExitCode(4)
    /// A command was used wrongly (sysexits `EX_USAGE`).
    static let usage = ExitCode(64)
    /// Stopped by Ctrl-C, with what can be resumed saved and nothing half-written (128 + SIGINT).
    static let interrupted = ExitCode(130)
}

/// A failure of the command line itself: one sentence with the remedy.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
    /// How the command ends.
    let status: ExitCode

    init(_ description: String, status: ExitCode = ExitStatus.failure) {
        self.description = description
        self.status = status
    }
}
