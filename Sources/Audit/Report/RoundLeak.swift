/// What one observed round alone gives away: rounds in between may leak more than the last (FLTrojan, arXiv 2310.16152).
public struct RoundLeak: Codable, Sendable, Equatable {
    /// Counted from 1.
    public var round: Int
    /// Records trained on that the round says something about.
    public var members: Int
    /// Held-out records that the round says something about.
    public var heldOut: Int
    /// The attacks on updates, in the suite's order.
    public var attacks: [AttackEstimate]
}

/// The scores of the attacks on updates by one round alone.
public struct RoundScores: Codable, Sendable, Equatable {
    /// Counted from 1.
    public var round: Int
    /// Positions in the vantage point's lists of the records that the round says something about; ascending.
    public var positions: [Int]
    /// `[positions]`, one list an attack.
    public var attacks: [AttackScores]

    /// Keeps the values.
    public init(round: Int, positions: [Int], attacks: [AttackScores]) {
        self.round = round
        self.positions = positions
        self.attacks = attacks
    }

    /// Whether all lists are about records that there are, and every score is finite.
    func isSound(records: Int) -> Bool {
        positions.allSatisfy { (0..<records).contains($0) } && Set(positions).count == positions.count
            && attacks.allSatisfy { $0.scores.count == positions.count && $0.scores.allSatisfy(\.isFinite) }
    }

    /// Every observed round by itself; empty when there are fewer than two, for then it says what the table says.
    ///
    /// - Throws: `AuditError`.
    static func of(_ observations: [RecordObservation], attacks: [any Attack]) throws -> [RoundScores] {
        let rounds = Set(observations.flatMap { $0.rounds.map(\.round) }).sorted()
        let attacks = attacks.filter { $0.needs.contains(.rounds) }
        guard rounds.count > 1, !attacks.isEmpty else { return [] }
        return try rounds.map { round in
            let positions = observations.indices.filter { index in
                observations[index].rounds.contains { $0.round == round }
            }
            let own = positions.map { index in
                var observation = observations[index]
                observation.rounds = observation.rounds.filter { $0.round == round }
                return observation
            }
            return RoundScores(
                round: round,
                positions: positions,
                attacks: try attacks.map { AttackScores(attack: $0.name, scores: try $0.checkedScores(of: own)) }
            )
        }
    }
}

extension VantagePoint {
    /// Whether what is attacked are rounds; the coordinator's models say of the tokens what a peer's do.
    var seesRounds: Bool { self == .individual || self == .aggregate }
}
