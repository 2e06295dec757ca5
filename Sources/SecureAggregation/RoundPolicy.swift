import Cryptography

/// What a participant demands of every round, whatever the coordinator proposes.
public struct RoundPolicy: Sendable, Equatable {
    /// Which thresholds are accepted.
    public enum Threshold: Sendable, Equatable {
        /// t ≥ ⌊2n/3⌋ + 1: private against the coordinator together with fewer than n/3 participants.
        case twoThirds
        /// 2t > n: private only against a coordinator that follows the protocol, or that has fewer than 2t - n
        /// participants on its side. For simulations and for federations whose coordinator is trusted that far.
        case majority
    }

    /// Accepted thresholds.
    public var threshold: Threshold
    /// The least share of the cohort that a threshold may be, on top of ``threshold-swift.property``; nil: nothing more.
    public var thresholdShare: Double?
    /// Smallest cohort; below 3 each participant knows the other's update from the sum.
    public var minimumCohort: Int
    /// Smallest number of updates in a sum.
    public var minimumSurvivors: Int
    /// Largest clip bound.
    public var maximumClip: Double
    /// Whether weighted means are accepted; the sum of the weights then becomes known.
    public var allowsWeights: Bool

    /// The specification's defaults: two thirds, at least 3 participants and 3 updates in every sum.
    public init(
        threshold: Threshold = .twoThirds,
        minimumCohort: Int = 3,
        minimumSurvivors: Int = 3,
        maximumClip: Double = .infinity,
        allowsWeights: Bool = true,
        thresholdShare: Double? = nil
    ) {
        self.thresholdShare = thresholdShare
        self.threshold = threshold
        self.minimumCohort = minimumCohort
        self.minimumSurvivors = minimumSurvivors
        self.maximumClip = maximumClip
        self.allowsWeights = allowsWeights
    }

    /// Three participants of whom one may drop out: t = 2, sums of two updates.
    ///
    /// In a sum of two, either of the two learns the other's update by subtraction, and the coordinator with one of them
    /// unmasks everybody: for simulations on one machine, not for data holders who distrust each other.
    public static let simulation = RoundPolicy(threshold: .majority, minimumSurvivors: 2)

    /// Refuses a header that falls below the policy.
    ///
    /// - Throws: `SecureAggregationError.againstPolicy`, and what ``RoundHeader/validate()`` throws.
    public func check(_ header: RoundHeader) throws {
        try header.validate()
        let n = header.cohort.count
        guard n >= max(minimumCohort, 2) else {
            throw SecureAggregationError.againstPolicy(
                "\(n) participants, at least \(max(minimumCohort, 2)) are demanded; invite more data holders"
            )
        }
        let needed = max(
            threshold == .twoThirds ? RoundHeader.defaultThreshold(participants: n) : n / 2 + 1,
            Int(((thresholdShare ?? 0) * Double(n)).rounded(.up))
        )
        guard header.threshold >= needed else {
            throw SecureAggregationError.againstPolicy(
                "threshold \(header.threshold) of \(n), at least \(needed) is demanded"
            )
        }
        guard header.neededSurvivors >= minimumSurvivors else {
            throw SecureAggregationError.againstPolicy(
                "sums of \(header.neededSurvivors) updates, at least \(minimumSurvivors) are demanded"
            )
        }
        guard header.clip <= maximumClip else {
            throw SecureAggregationError.againstPolicy("clip \(header.clip), at most \(maximumClip) is accepted")
        }
        guard allowsWeights || !header.isWeighted else {
            throw SecureAggregationError.againstPolicy("weighted means are not accepted")
        }
    }

    /// What a report should say about a header that is accepted all the same.
    public static func warnings(for header: RoundHeader) -> [String] {
        var warnings: [String] = []
        let n = header.cohort.count
        if n < 10 {
            warnings.append("The cohort has only \(n) participants: the sum itself says much about each update.")
        }
        if header.neededSurvivors < 5 {
            warnings.append("A sum may hold as few as \(header.neededSurvivors) updates.")
        }
        if Int(header.threshold) < RoundHeader.defaultThreshold(participants: n) {
            let accomplices = 2 * Int(header.threshold) - n
            warnings.append(
                "Threshold \(header.threshold) of \(n): the coordinator with \(accomplices) "
                    + "participant\(accomplices == 1 ? "" : "s") on its side could unmask single updates."
            )
        }
        if Int(header.threshold) == n { warnings.append("Threshold \(n) of \(n): a single dropout ends the round.") }
        return warnings
    }
}

/// What a participant knows about the round before the coordinator says anything.
public struct RoundExpectation: Sendable, Equatable {
    /// Hash of the manifest of the emulator that it opened.
    public var emulatorManifestHash: [UInt8]
    /// Hash of the adapter state that it trained from: the initial one, or what the last ``RoundResult`` led to.
    public var stateHash: [UInt8]
    /// Coordinates of its update.
    public var updateLength: Int
    /// The rotation that the round's coordinates go through; nil: none.
    public var rotation: HadamardRotation?
    /// Name of the rule by which the aggregate changes the adapter; part of the next state hash.
    public var updateRule: String

    /// Collects them.
    public init(
        emulatorManifestHash: [UInt8],
        stateHash: [UInt8],
        updateLength: Int,
        updateRule: String,
        rotation: HadamardRotation? = nil
    ) {
        self.emulatorManifestHash = emulatorManifestHash
        self.stateHash = stateHash
        self.updateLength = updateLength
        self.updateRule = updateRule
        self.rotation = rotation
    }
}

/// Remembers which rounds a participant began and which it answered, so that neither happens twice.
///
/// The library does no I/O: a participant that outlives its process backs this with a file and syncs it to disk before
/// returning true.
public protocol RoundMemory: AnyObject {
    /// True the first time that a round with this hash begins.
    func begin(_ roundHash: [UInt8]) throws -> Bool
    /// True the first time that a round with this hash is to be answered in R4.
    func answer(_ roundHash: [UInt8]) throws -> Bool
    /// Whether ``answer(_:)`` was called with this hash.
    func hasAnswered(_ roundHash: [UInt8]) throws -> Bool
}

/// A memory as long as the process.
public final class TransientRoundMemory: RoundMemory {
    private var begun: Set<[UInt8]> = []
    private var answered: Set<[UInt8]> = []

    /// Knows no round.
    public init() {}

    /// See ``RoundMemory``.
    public func begin(_ roundHash: [UInt8]) -> Bool { begun.insert(roundHash).inserted }

    /// See ``RoundMemory``.
    public func answer(_ roundHash: [UInt8]) -> Bool { answered.insert(roundHash).inserted }

    /// See ``RoundMemory``.
    public func hasAnswered(_ roundHash: [UInt8]) -> Bool { answered.contains(roundHash) }
}
