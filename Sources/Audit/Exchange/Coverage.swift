/// On what an attack's figure at one vantage point stands, when nobody holds members, held-out records and the full model
/// together.
public struct Coverage: Codable, Sendable, Equatable {
    /// How much of the federation a figure is about.
    public enum Standing: String, Codable, Sendable {
        /// Scores of all data holders, from the run itself.
        case realFederation = "real federation"
        /// Scores of some of the data holders, or an owner who answered some of them.
        case onePartysHalf = "one party's half"
        /// It needs what nobody in the federation has; a simulation with everything in one place can show it.
        case twinOnly = "twin only"
        /// It could have been measured here and was not.
        case notTested = "not tested"
    }

    /// The attack's name.
    public var attack: String
    /// From where.
    public var vantage: VantagePoint
    /// On what its figure stands.
    public var standing: Standing

    /// Keeps the values.
    public init(attack: String, vantage: VantagePoint, standing: Standing) {
        self.attack = attack
        self.vantage = vantage
        self.standing = standing
    }

    /// The vantage points that a table of these has a column for, in the house's order.
    public static func columns(of coverage: [Coverage]) -> [VantagePoint] {
        VantagePoint.allCases.filter { vantage in coverage.contains { $0.vantage == vantage } }
    }

    /// Every attack of a suite at every vantage point where it can work; a recipient's is about the owner's own records, which no
    /// data holder has.
    ///
    /// - Parameters:
    ///   - attacks: the suite's.
    ///   - exports: what the data holders handed in; each has the peer's view.
    ///   - isWhole: whether all data holders of the run did.
    static func of(_ attacks: [any Attack], in exports: [ScoreExport], isWhole: Bool) -> [Coverage] {
        attacks.flatMap { attack in
            VantagePoint.allCases.compactMap { vantage -> Coverage? in
                let isCoordinator = vantage == .individual || vantage == .aggregate
                guard vantage != .recipient, attack.isOnRounds == isCoordinator,
                    !attack.needs.contains(.otherHolders) || vantage == .individual
                else { return nil }
                let views = exports.compactMap { $0.vantages.first { $0.vantage == vantage } }
                let standing: Standing
                if views.isEmpty, vantage != .peer {
                    standing = .twinOnly
                } else if views.isEmpty || !views.allSatisfy({ $0.attacks.contains { $0.attack == attack.name } }) {
                    standing = .notTested
                } else {
                    standing = isWhole && views.count == exports.count ? .realFederation : .onePartysHalf
                }
                return Coverage(attack: attack.name, vantage: vantage, standing: standing)
            }
        }
    }
}
