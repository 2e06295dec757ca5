/// The scores of one run, kept to compare runs on the same records.
struct RunScores {
    /// The records that one vantage point was scored on, and their scores by attack.
    struct Scored {
        var recordIDs: [String]
        var attacks: [String: LabelledScores]
    }

    var name: String
    var scores: [VantagePoint: Scored] = [:]

    /// Every pair of runs on the same records with the same coins, for each attack and vantage point; Holm over all of them.
    static func compare(_ runs: [RunScores], attacks: [String]) throws -> [AuditReport.RunComparison] {
        var comparisons: [AuditReport.RunComparison] = []
        for vantage in VantagePoint.allCases {
            for attack in attacks {
                for (index, first) in runs.enumerated() {
                    for second in runs[(index + 1)...] {
                        guard let left = first.scores[vantage], let right = second.scores[vantage],
                            left.recordIDs == right.recordIDs,
                            let a = left.attacks[attack], let b = right.attacks[attack], a.isMember == b.isMember
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
        return adjusted(comparisons)
    }

    /// Comparisons with their p-values adjusted by Holm over all of them.
    static func adjusted(_ comparisons: [AuditReport.RunComparison]) -> [AuditReport.RunComparison] {
        zip(comparisons, HolmAdjustment.adjust(comparisons.map(\.difference.pValue))).map { comparison, pValue in
            var comparison = comparison
            comparison.adjustedPValue = pValue
            return comparison
        }
    }
}

extension AuditReport.Difference {
    init(_ paired: PairedDeLong) {
        self.init(value: paired.difference, interval: paired.interval(), pValue: paired.pValue)
    }
}
