/// The scores of one run, kept to compare runs on the same records.
struct RunScores {
    var name: String
    var recordIDs: [String]
    /// By vantage point, then by attack.
    var scores: [VantagePoint: [String: LabelledScores]] = [:]

    /// Every pair of runs on the same records with the same coins, for each attack and vantage point; Holm over all of them.
    static func compare(_ runs: [RunScores], attacks: [String]) throws -> [AuditReport.RunComparison] {
        var comparisons: [AuditReport.RunComparison] = []
        for vantage in VantagePoint.allCases {
            for attack in attacks {
                for (index, first) in runs.enumerated() {
                    for second in runs[(index + 1)...] where first.recordIDs == second.recordIDs {
                        guard let a = first.scores[vantage]?[attack], let b = second.scores[vantage]?[attack],
                            a.isMember == b.isMember
                        else { continue }
                        let difference = AuditReport.Difference(try PairedDeLong(a, b))
                        comparisons.append(
                            AuditReport.RunComparison(
                                vantage: vantage,
                                attack: attack,
                                first: first.name,
                                second: second.name,
                                difference: difference,
                                adjustedPValue: difference.pValue
                            )
                        )
                    }
                }
            }
        }
        let adjusted = HolmAdjustment.adjust(comparisons.map(\.adjustedPValue))
        for index in comparisons.indices { comparisons[index].adjustedPValue = adjusted[index] }
        return comparisons
    }
}

extension AuditReport.Difference {
    init(_ paired: PairedDeLong) {
        self.init(value: paired.difference, interval: paired.interval(), pValue: paired.pValue)
    }
}
