import AtomicFiles
import Foundation

/// How much the owner wants to know of a release before it leaves.
public enum ReportDepth: String, Codable, Sendable, CaseIterable {
    /// Nothing is measured.
    case none
    /// What takes at most minutes.
    case quick
    /// The probe task and the recovery attacks as well.
    case full
}

/// `report.json`: what a release gives the data holders, and what it gives away. It stays with the owner.
public struct ReleaseReport: Codable, Sendable, Equatable {
    /// Layout version of this file.
    public var schema = "fsot/owner-report/1"
    /// What was measured.
    public var depth: ReportDepth
    /// What was made, and how.
    public var release: OwnerReport
    /// What tuning on the emulator brings; nil without a probe task.
    public var probe: ProbeReport?
    /// How much of the full model an attacker gets back; nil without public text.
    public var recovery: RecoveryReport?

    /// The file's name in `OUTPUT.owner/`.
    public static let fileName = "report.json"

    /// Makes a report.
    public init(
        depth: ReportDepth,
        release: OwnerReport,
        probe: ProbeReport? = nil,
        recovery: RecoveryReport? = nil
    ) {
        self.depth = depth
        self.release = release
        self.probe = probe
        self.recovery = recovery
    }

    /// The bytes of `report.json`; a figure that is not a number is written as text.
    public func encoded() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf",
            negativeInfinity: "-inf",
            nan: "nan"
        )
        return try encoder.encode(self) + Data("\n".utf8)
    }

    /// Writes `report.json` into the owner's directory.
    ///
    /// - Throws: `AtomicFileError`.
    public func write(directory: String) throws {
        try AtomicFile.write(try encoded(), to: directory + "/" + Self.fileName)
    }

    /// Reads `report.json` from an owner's directory.
    ///
    /// - Throws: `EmulatorError.invalidDescription`.
    public static func read(directory: String) throws -> ReleaseReport {
        let path = directory + "/" + fileName
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf",
            negativeInfinity: "-inf",
            nan: "nan"
        )
        guard let data = FileManager.default.contents(atPath: path),
            let report = try? decoder.decode(ReleaseReport.self, from: data)
        else { throw EmulatorError.invalidDescription(path: path, reason: "it is missing or damaged") }
        return report
    }
}
