/// Scores of the planned records with the truth about each: what every statistic of the audit takes.
///
/// Higher score = more likely a member, for every attack; the orientation is declared, never chosen from the data.
public struct LabelledScores: Sendable, Equatable {
    /// One score per record; all finite.
    public let scores: [Double]
    /// Whether the record was trained on.
    public let isMember: [Bool]
    /// The inclusion coin that the record hangs on; records of one coin are never treated as independent.
    public let clusters: [Int]

    /// Checks and keeps the scores.
    ///
    /// - Parameters:
    ///   - scores: `[n]`, higher = more likely a member.
    ///   - isMember: `[n]`.
    ///   - clusters: `[n]`, equal numbers for records that share a coin; nil makes every record its own cluster.
    /// - Throws: `AuditError.mismatchedCounts`, `.emptyClass`, or `.nonFiniteScore` (with the record's position).
    public init(scores: [Double], isMember: [Bool], clusters: [Int]? = nil) throws {
        guard scores.count == isMember.count else {
            throw AuditError.mismatchedCounts(what: "membership labels", expected: scores.count, found: isMember.count)
        }
        if let clusters, clusters.count != scores.count {
            throw AuditError.mismatchedCounts(what: "coins", expected: scores.count, found: clusters.count)
        }
        if let index = scores.firstIndex(where: { !$0.isFinite }) {
            throw AuditError.nonFiniteScore(attack: "score", record: "\(index)", value: "\(scores[index])")
        }
        if !isMember.contains(true) { throw AuditError.emptyClass(name: "member") }
        if !isMember.contains(false) { throw AuditError.emptyClass(name: "held-out") }
        self.scores = scores
        self.isMember = isMember
        self.clusters = clusters ?? Array(scores.indices)
    }

    /// Joins two lists of scores, every record its own cluster.
    ///
    /// - Throws: as ``init(scores:isMember:clusters:)``.
    public init(members: [Double], heldOut: [Double]) throws {
        try self.init(
            scores: members + heldOut,
            isMember: members.map { _ in true } + heldOut.map { _ in false }
        )
    }

    /// Number of records.
    public var count: Int { scores.count }
    /// Number of members.
    public var memberCount: Int { isMember.count { $0 } }
    /// Number of held-out records.
    public var heldOutCount: Int { count - memberCount }
    /// Number of independent coins among the members.
    public var memberCoinCount: Int { Set(zip(clusters, isMember).filter(\.1).map(\.0)).count }
    /// The members' scores, in record order.
    public var memberScores: [Double] { zip(scores, isMember).filter(\.1).map(\.0) }
    /// The held-out records' scores, in record order.
    public var heldOutScores: [Double] { zip(scores, isMember).filter { !$0.1 }.map(\.0) }
}
