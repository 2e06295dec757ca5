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

/// What all releases of one full model so far give away together.
public struct UnionExposure: Codable, Sendable, Equatable {
    /// Releases, this one among them.
    public var releases: Int
    /// Blocks of the full model's middle that stand behind some release.
    public var layers: Int
    /// Blocks of the middle.
    public var middleLayers: Int
    /// Share of the full model's parameters that some release holds bit for bit; nil: not known.
    public var verbatimShare: Double?

    /// Makes the figures.
    public init(releases: Int, layers: Int, middleLayers: Int, verbatimShare: Double?) {
        self.releases = releases
        self.layers = layers
        self.middleLayers = middleLayers
        self.verbatimShare = verbatimShare
    }

    /// The figures of a ledger that holds this release.
    public init(_ ledger: LedgerExposure) {
        self.init(
            releases: ledger.all.releases,
            layers: ledger.all.sourceLayers.count,
            middleLayers: ledger.middleLayers,
            verbatimShare: ledger.all.verbatimShare
        )
    }
}

/// `report.json`: what a release gives the data holders, and what it gives away. It stays with the owner.
public struct ReleaseReport: Codable, Sendable, Equatable {
    /// Layout version of this file.
    public var schema = "fsot/owner-report/1"
    /// What was measured.
    public var depth: ReportDepth
    /// What was made, and how.
    public var release: OwnerReport
    /// Bytes of the emulator's weights as they are written; nil: not known.
    public var wireBytes: Int?
    /// How well the thinned middle imitates the whole one; nil without public text.
    public var middle: MiddleFidelity?
    /// What all releases so far give away; nil without a ledger.
    public var exposure: UnionExposure?
    /// What tuning on the emulator brings; nil without a probe task.
    public var probe: ProbeReport?
    /// How much of the full model an attacker gets back; nil without public text.
    public var recovery: RecoveryReport?
    /// What each block of the middle is worth by itself; nil: nothing was dropped, no text, or the selection has it already.
    public var leaveOneOut: LeaveOneOutLosses?
    /// The policy that the release was held to; nil without one.
    public var policy: ReleasePolicy?
    /// Lines of the policy that it breaks.
    public var violations: [ReleasePolicy.Violation] = []
    /// Whether the owner released it all the same.
    public var riskAccepted = false

    /// The file's name in `OUTPUT.owner/`.
    public static let fileName = "report.json"

    /// A report of nothing but what is known of the release already.
    public init(depth: ReportDepth, release: OwnerReport) {
        self.depth = depth
        self.release = release
    }

    /// The figures by name, for the ledger.
    public var figures: [String: Double] {
        let figures: [String: Double?] = [
            "compression_ratio": release.compressionRatio, "middle_kept": release.middleKept,
            "verbatim_share": release.verbatimShare, "full_loss": release.fullLoss,
            "emulator_loss": release.emulatorLoss, "middle_error": middle?.error,
            "middle_alignment": middle?.alignment, "gradient_cosine": gradientCosine,
            "transfer": probe?.transfer.mean, "plugin_gap": probe?.pluginGap.mean, "ip_gap": probe?.ipGap.mean,
            "capability_excess": probe?.capabilityExcess.mean,
            "recovery_advantage": recovery?.largestAdvantage,
        ]
        return figures.compactMapValues { $0.flatMap { $0.isFinite ? $0 : nil } }
    }

    /// The smaller cosine of the adapter's two ends, after distilling where that was done; nil without public text.
    public var gradientCosine: Double? {
        guard let forecast = release.distilledForecast ?? release.forecast else { return nil }
        return [forecast.bottom, forecast.top].compactMap { $0?.cosine }.min()
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

    /// Reads what ``encoded()`` gives; nil for anything else.
    init?(json: Data) {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf",
            negativeInfinity: "-inf",
            nan: "nan"
        )
        guard let report = try? decoder.decode(ReleaseReport.self, from: json) else { return nil }
        self = report
    }

    /// Writes `report.json` and `report.html` into the owner's directory.
    ///
    /// - Throws: `AtomicFileError`.
    public func write(directory: String) throws {
        let json = try encoded()
        try AtomicFile.write(json, to: directory + "/" + Self.fileName)
        try AtomicFile.write(ReleasePage(self).html, to: directory + "/" + ReleasePage.fileName)
    }

    /// Reads `report.json` from an owner's directory.
    ///
    /// - Throws: `EmulatorError.invalidDescription`.
    public static func read(directory: String) throws -> ReleaseReport {
        let path = directory + "/" + fileName
        guard let data = FileManager.default.contents(atPath: path), let report = ReleaseReport(json: data) else {
            throw EmulatorError.invalidDescription(path: path, reason: "it is missing or damaged")
        }
        return report
    }
}
