/// How many canaries to plant, and which: they are dealt to the kinds and repetitions in turn, and to the data holders.
public struct CanaryRequest: Sendable, Equatable {
    /// Canaries in all, included and held out.
    public let count: Int
    /// Kind and repetitions of each tier.
    public let tiers: [Canary]

    /// Often enough for anything to be memorised, and few enough to stay a small share of the records.
    public static let mostRepetitions = 1000
    /// The repetitions unless somebody asks for others: the tiers of Carlini et al.
    public static let usualRepetitions = [1, 4, 16]

    /// Checks and keeps the values.
    ///
    /// - Parameters:
    ///   - count: at least four a tier, so that both sides of a coin are likely to be there.
    ///   - kinds: each once.
    ///   - repetitions: each once, from 1 on.
    /// - Throws: `AuditError.outOfRange`, `.invalidCanaries`.
    public init(
        count: Int,
        kinds: [Canary.Kind] = [.random],
        repetitions: [Int] = CanaryRequest.usualRepetitions
    ) throws(AuditError) {
        guard !kinds.isEmpty, Set(kinds).count == kinds.count else {
            throw .invalidCanaries(reason: "the kinds are not named once each")
        }
        guard !repetitions.isEmpty, Set(repetitions).count == repetitions.count else {
            throw .invalidCanaries(reason: "the repetitions are not named once each")
        }
        for repetition in repetitions {
            try AuditError.check("number of repetitions", repetition, in: 1...Self.mostRepetitions)
        }
        let tiers = kinds.flatMap { kind in repetitions.map { Canary(kind: kind, repetitions: $0) } }
        try AuditError.check("number of canaries", count, in: 4 * tiers.count...OneRunAudit.mostCanaries)
        self.count = count
        self.tiers = tiers
    }

    /// What canary `index` is.
    func canary(_ index: Int) -> Canary { tiers[index % tiers.count] }

    /// Whose records canary `index` is planted among.
    func holder(_ index: Int, of holders: Int) -> Int { index / tiers.count % holders }

    /// Canaries of one kind.
    public func count(of kind: Canary.Kind) -> Int { (0..<count).count { canary($0).kind == kind } }
}
