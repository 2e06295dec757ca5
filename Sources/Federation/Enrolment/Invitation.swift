import Cryptography
import Foundation
import PEFT
import Sealing
import SecureAggregation
import Training

/// What a consortium agrees on before its first round: who takes part, who coordinates where, which emulator, and how it is
/// tuned. The owner signs it; changing the members makes a new epoch.
public struct Invitation: Codable, Sendable, Equatable {
    /// The version of this layout.
    public static let currentFormat = "fsot.invite/1"

    /// The sealed emulator that everybody tunes.
    public struct EmulatorReference: Codable, Sendable, Equatable {
        /// Its size in bytes.
        public var bytes: Int
        /// SHA-256 of the sealed file, hexadecimal.
        public var sha256: String

        /// Names a file.
        public init(bytes: Int, sha256: String) {
            self.bytes = bytes
            self.sha256 = sha256
        }
    }

    /// How everybody trains; what only concerns one machine, its arithmetic say, is not in it.
    public struct Training: Codable, Sendable, Equatable {
        /// What is trained, and how.
        public var site: SiteConfiguration
        /// The rounds.
        public var federation: FederationConfiguration
        /// How records become text.
        public var template: PromptTemplate
        /// Tokens of the longest example.
        public var maximumLength: Int
        /// Bound on each update's Euclidean norm.
        public var clip: Double
        /// The largest weight that one participant may claim; 0: the mean is uniform.
        public var weightMaximum: UInt32
        /// How updates become integers.
        public var quantisation: Quantisation
        /// Whether rounding follows from the seed too, so that a run can be repeated to the bit; else it is everybody's secret.
        public var isSeeded: Bool

        /// Collects the values.
        public init(
            site: SiteConfiguration,
            federation: FederationConfiguration,
            template: PromptTemplate,
            maximumLength: Int,
            clip: Double,
            weightMaximum: UInt32,
            quantisation: Quantisation = .full,
            isSeeded: Bool
        ) {
            self.site = site
            self.federation = federation
            self.template = template
            self.maximumLength = maximumLength
            self.clip = clip
            self.weightMaximum = weightMaximum
            self.quantisation = quantisation
            self.isSeeded = isSeeded
        }
    }

    /// ``currentFormat`` of the version that wrote it.
    public var format: String
    /// The consortium's name, for people.
    public var name: String
    /// 16 random bytes, hexadecimal: the same in every epoch.
    public var session: String
    /// Counts rosters, from 1.
    public var epoch: Int
    /// ``SignedInvitation/digest`` of the epoch before; nil in the first.
    public var previous: String?
    /// ISO 8601, UTC.
    public var created: String
    /// The owner's card, as its file has it.
    public var owner: String
    /// The coordinator's card.
    public var coordinator: String
    /// `https://HOST:PORT` of the coordinator.
    public var address: String
    /// The members' cards; a member's place, from 1, is its id.
    public var members: [String]
    /// What is tuned.
    public var emulator: EmulatorReference
    /// How it is tuned.
    public var training: Training
    /// What every round keeps; a member's own policy may be stricter, never laxer.
    public var policy: ParticipantPolicy

    /// Collects the values; fresh session, first epoch.
    ///
    /// - Throws: `FederationError.invalidConfiguration` when a name or key occurs twice, or when there are too few members.
    public init(
        name: String,
        owner: IdentityCard,
        coordinator: IdentityCard,
        address: FederationAddress,
        members: [IdentityCard],
        emulator: EmulatorReference,
        training: Training,
        policy: ParticipantPolicy,
        date: Date = Date()
    ) throws {
        format = Self.currentFormat
        self.name = name
        session = SecureRandom.bytes(16).hexadecimal
        epoch = 1
        created = date.formatted(.iso8601)
        self.owner = try Self.text(owner)
        self.coordinator = try Self.text(coordinator)
        self.address = address.description
        self.members = try members.map(Self.text)
        self.emulator = emulator
        self.training = training
        self.policy = policy
        try check()
    }

    /// The next epoch, with other members.
    ///
    /// - Parameters:
    ///   - digest: of this one.
    ///   - emulator: sealed to the new members.
    /// - Throws: as ``init(name:owner:coordinator:address:members:emulator:training:policy:date:)``.
    public func next(
        after digest: String,
        members: [IdentityCard],
        emulator: EmulatorReference,
        date: Date = Date()
    ) throws -> Invitation {
        var next = self
        next.epoch += 1
        next.previous = digest
        next.created = date.formatted(.iso8601)
        next.members = try members.map(Self.text)
        next.emulator = emulator
        try next.check()
        return next
    }

    /// The owner's card.
    ///
    /// - Throws: `SealingError`.
    public func ownerCard() throws -> IdentityCard { try Self.card(owner, "the owner's card") }

    /// The coordinator's card.
    ///
    /// - Throws: `SealingError`.
    public func coordinatorCard() throws -> IdentityCard { try Self.card(coordinator, "the coordinator's card") }

    /// The members' cards, in the order of their ids.
    ///
    /// - Throws: `SealingError`.
    public func memberCards() throws -> [IdentityCard] {
        try members.enumerated().map { try Self.card($1, "the card of member \($0 + 1)") }
    }

    /// What masks are bound to.
    ///
    /// - Throws: `SealingError`, `SecureAggregationError`.
    public func roster() throws -> Roster {
        try Roster(
            coordinatorKey: try coordinatorCard().ed25519PublicKey,
            memberKeys: try memberCards().map(\.ed25519PublicKey)
        )
    }

    /// The members' names by the fingerprints of their certificates.
    func namesByFingerprint() throws -> [String: String] {
        Dictionary(uniqueKeysWithValues: try memberCards().map { ($0.fingerprint, $0.name) })
    }

    /// - Throws: `FederationError.invalidConfiguration`, `SealingError`.
    func check() throws {
        func require(_ condition: Bool, _ reason: String, _ remedy: String) throws {
            if !condition { throw FederationError.invalidConfiguration(reason: reason, remedy: remedy) }
        }
        let cards = try memberCards()
        let coordinator = try coordinatorCard()
        try require(
            (3...128).contains(cards.count),
            "A consortium of \(cards.count) members cannot hide one update in a sum",
            "give 3 to 128 cards"
        )
        for (what, values) in [
            ("name", cards.map(\.name)), ("certificate", (cards + [coordinator]).map(\.fingerprint)),
            ("signing key", (cards + [coordinator]).map(\.ed25519PublicKey.hexadecimal)),
        ] {
            var seen: Set<String> = []
            if let twice = values.first(where: { !seen.insert($0).inserted }) {
                throw FederationError.invalidConfiguration(
                    reason: "Two of the cards have the same \(what) (\(twice.prefix(24)))",
                    remedy: "give each member, and the coordinator, a card of its own"
                )
            }
        }
        _ = try FederationAddress(address)
        let valid = "ask the owner for an invitation that fsot federation made"
        try require(
            (1...64).contains(name.count) && name == name.withoutControls,
            "The consortium's name has control characters, or is not 1 to 64 characters long",
            valid
        )
        try require((1...1_000_000).contains(epoch), "\(epoch) is no epoch", valid)
        try require(emulator.bytes > 0 && emulator.bytes < 1 << 44, "\(emulator.bytes) bytes are no emulator", valid)
        try training.check(valid: valid)
        try require(
            [UInt8](hexadecimal: session)?.count == 16,
            "The session of the invitation is no 16 bytes",
            "ask the owner for a new one"
        )
        try policy.check(training, members: cards.count)
    }

    private static func text(_ card: IdentityCard) throws -> String {
        String(decoding: try card.encoded(), as: UTF8.self)
    }

    private static func card(_ text: String, _ what: String) throws -> IdentityCard {
        try IdentityCard(decoding: Data(text.utf8), what: what)
    }
}

extension Invitation.Training {
    /// Refuses values that no command would have accepted: the file comes from somebody else.
    ///
    /// - Throws: `FederationError.invalidConfiguration`.
    func check(valid remedy: String) throws {
        func require(_ condition: Bool, _ reason: String) throws {
            if !condition { throw FederationError.invalidConfiguration(reason: reason, remedy: remedy) }
        }
        _ = try FederationConfiguration(
            rounds: federation.rounds,
            localSteps: federation.localSteps,
            learningRate: federation.learningRate,
            participantsPerRound: federation.participantsPerRound,
            weights: federation.weights,
            minimumUpdates: federation.minimumUpdates,
            judgeEvery: federation.judgeEvery,
            seed: federation.seed,
            privacy: try federation.privacy.map {
                try ClientPrivacy(noiseMultiplier: $0.noiseMultiplier, clippingNorm: $0.clippingNorm, delta: $0.delta)
            }
        )
        try require(federation.rounds <= 1_000_000, "\(federation.rounds) rounds are no run")
        try require(federation.localSteps <= 1_000_000, "\(federation.localSteps) steps are no round")
        try require((1...65_536).contains(site.batch), "A batch of \(site.batch) records is no step")
        try require((1...4_096).contains(site.accumulation), "\(site.accumulation) micro-batches are no step")
        try require((1...1 << 24).contains(maximumLength), "\(maximumLength) tokens are no length")
        try require(clip.isFinite && clip > 0, "The clip \(clip) is no bound")
        try require([16, 24, 32].contains(quantisation.bits), "\(quantisation.bits) bits are no ring")
        try require(weightMaximum <= 1_000_000, "\(weightMaximum) is no largest weight")
        try require(
            (weightMaximum > 0) == (federation.weights == .records),
            "The weights of the mean and their largest do not go together"
        )
    }
}
