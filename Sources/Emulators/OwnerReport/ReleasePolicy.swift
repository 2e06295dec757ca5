import Foundation

/// What an owner allows a release to give away, and asks of it; a line that is nil does not count.
public struct ReleasePolicy: Codable, Sendable, Equatable {
    /// Largest share of the full model's parameters that may travel bit for bit.
    public var maximumVerbatimShare: Double?
    /// Largest share of the full model that all releases together may hold bit for bit.
    public var maximumUnionExposure: Double?
    /// Largest share of the middle's parameters that may ship.
    public var maximumMiddleKept: Double?
    /// Smallest cosine between the adapter's gradient under the emulator and under the full model.
    public var minimumGradientCosine: Double?
    /// Smallest transfer on the probe task.
    public var minimumTransfer: Double?
    /// Smallest gap in nats between the tuned emulator and the plugged-in model.
    public var minimumIPGap: Double?
    /// Largest gain in nats of the tuned emulator over the untuned full model.
    public var maximumCapabilityExcess: Double?
    /// Largest advantage of an attack over the from-scratch control with the shipped ends.
    public var maximumRecoveryAdvantage: Double?

    /// A policy without lines.
    public init() {}

    /// The lines of a policy file.
    enum CodingKeys: String, CodingKey, CaseIterable {
        case maximumVerbatimShare = "maximum_verbatim_share"
        case maximumUnionExposure = "maximum_union_exposure"
        case maximumMiddleKept = "maximum_middle_kept"
        case minimumGradientCosine = "minimum_gradient_cosine"
        case minimumTransfer = "minimum_transfer"
        case minimumIPGap = "minimum_ip_gap"
        case maximumCapabilityExcess = "maximum_capability_excess"
        case maximumRecoveryAdvantage = "maximum_recovery_advantage"
    }

    typealias Key = CodingKeys

    /// The keys of a policy file.
    public static var keys: [String] { CodingKeys.allCases.map(\.rawValue) }

    /// A line that a release breaks, or that was not measured.
    public struct Violation: Codable, Sendable, Equatable {
        /// The key in the policy file.
        public var line: String
        /// What the line allows.
        public var limit: Double
        /// What was found; nil: it was not measured.
        public var found: Double?
        /// What to do to have it measured.
        public var remedy: String?

        /// One sentence without its full stop.
        public var text: String {
            let limit = String(format: "%g", limit)
            guard let found else { return "\(line): \(limit) was not measured; \(remedy ?? "measure it")" }
            return "\(line): \(limit), found \(String(format: "%.4g", found))"
        }
    }

    /// The lines that a report breaks; what was not measured breaks its line, since a policy that is not checked protects
    /// nobody.
    public func violations(in report: ReleaseReport) -> [Violation] {
        let found: [Key: Double?] = [
            .maximumVerbatimShare: report.release.verbatimShare, .maximumMiddleKept: report.release.middleKept,
            .maximumUnionExposure: report.exposure?.verbatimShare, .minimumGradientCosine: report.gradientCosine,
            .minimumTransfer: report.probe?.transfer.mean, .minimumIPGap: report.probe?.ipGap.mean,
            .maximumCapabilityExcess: report.probe?.capabilityExcess.mean,
            .maximumRecoveryAdvantage: report.recovery?.largestAdvantage,
        ]
        return lines.compactMap { line in
            guard let value = found[line.key].flatMap({ $0 }), value.isFinite else { return missing(line) }
            let isKept = line.key.isMinimum ? value >= line.limit : value <= line.limit
            return isKept ? nil : Violation(line: line.key.rawValue, limit: line.limit, found: value, remedy: nil)
        }
    }

    /// The lines that a report of that depth will not measure: known before any work is done.
    ///
    /// - Parameters:
    ///   - depth: of the report.
    ///   - hasText: whether there is public text.
    ///   - hasProbe: whether there is a probe task.
    ///   - hasAttacks: whether the recovery attacks are tried.
    public func unmeasured(at depth: ReportDepth, hasText: Bool, hasProbe: Bool, hasAttacks: Bool = true) -> [Violation]
    {
        lines.compactMap { line in
            switch line.key.need {
            case .nothing, .ledger: nil
            case .text: hasText ? nil : missing(line)
            case .probe: depth == .full && hasProbe ? nil : missing(line)
            case .attacks: depth == .full && hasText && hasAttacks ? nil : missing(line)
            }
        }
    }

    private func missing(_ line: (key: Key, limit: Double)) -> Violation {
        Violation(line: line.key.rawValue, limit: line.limit, found: nil, remedy: line.key.need.rawValue)
    }

    /// The lines that count, in the order of ``keys``.
    var lines: [(key: Key, limit: Double)] {
        let limits: [Key: Double?] = [
            .maximumVerbatimShare: maximumVerbatimShare, .maximumUnionExposure: maximumUnionExposure,
            .maximumMiddleKept: maximumMiddleKept, .minimumGradientCosine: minimumGradientCosine,
            .minimumTransfer: minimumTransfer, .minimumIPGap: minimumIPGap,
            .maximumCapabilityExcess: maximumCapabilityExcess,
            .maximumRecoveryAdvantage: maximumRecoveryAdvantage,
        ]
        return Key.allCases.compactMap { key in limits[key].flatMap { $0 }.map { (key: key, limit: $0) } }
    }
}

extension ReleasePolicy.Key {
    /// What a line's figure takes to be measured, as a remedy.
    enum Need: String {
        case nothing = ""
        case ledger = "keep a ledger, so that earlier releases are known"
        case text = "give --public-data"
        case probe = "give --report full with --probe-data"
        case attacks = "give --report full with --public-data or --recovery-data"
    }

    var need: Need {
        switch self {
        case .maximumVerbatimShare, .maximumMiddleKept: .nothing
        case .maximumUnionExposure: .ledger
        case .minimumGradientCosine: .text
        case .minimumTransfer, .minimumIPGap, .maximumCapabilityExcess: .probe
        case .maximumRecoveryAdvantage: .attacks
        }
    }

    /// Whether the line asks for at least its limit.
    var isMinimum: Bool {
        switch self {
        case .minimumGradientCosine, .minimumTransfer, .minimumIPGap: true
        default: false
        }
    }
}
