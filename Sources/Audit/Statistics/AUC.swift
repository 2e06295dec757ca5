/// Area under the ROC curve: the chance that a random member scores above a random held-out record, ties counting half.
public enum AUC {
    /// The Mann–Whitney form U / (n₁ n₀) with mid-ranks; exact under ties, not the area of the concave hull.
    public static func value(of sample: LabelledScores) -> Double {
        mannWhitneyU(of: sample) / (Double(sample.memberCount) * Double(sample.heldOutCount))
    }

    /// The Mann–Whitney U of the members: the number of (member, held-out) pairs in the right order.
    public static func mannWhitneyU(of sample: LabelledScores) -> Double {
        let ranks = MidRanks.of(sample.scores)
        var sum = 0.0
        for (rank, isMember) in zip(ranks, sample.isMember) where isMember { sum += rank }
        let members = Double(sample.memberCount)
        return sum - members * (members + 1) / 2
    }

    /// One-sided asymptotic p-value of "members score higher", with continuity and tie corrections.
    public static func mannWhitneyPValue(of sample: LabelledScores) -> Double {
        let members = Double(sample.memberCount)
        let heldOut = Double(sample.heldOutCount)
        let total = members + heldOut
        let tieTerm = MidRanks.tieTerm(of: sample.scores)
        let variance = members * heldOut / 12 * (total + 1 - tieTerm / (total * (total - 1)))
        let distance = mannWhitneyU(of: sample) - members * heldOut / 2 - 0.5
        if variance <= 0 { return distance > 0 ? 0 : 1 }
        return Normal.upperTail(distance / variance.squareRoot())
    }

    /// Standard error of an AUC from its value and the counts alone (Hanley & McNeil 1982): for planning, before scores exist.
    public static func hanleyMcNeilStandardError(auc: Double, members: Int, heldOut: Int) -> Double {
        let q1 = auc / (2 - auc)
        let q2 = 2 * auc * auc / (1 + auc)
        let spread =
            auc * (1 - auc) + Double(members - 1) * (q1 - auc * auc) + Double(heldOut - 1) * (q2 - auc * auc)
        return max(0, spread / (Double(members) * Double(heldOut))).squareRoot()
    }

    /// The smallest true AUC whose 95 % interval is expected to leave 0.5 out, for these counts.
    ///
    /// Below it, "nothing found" says more about the number of records than about the model.
    public static func smallestDetectable(members: Int, heldOut: Int) -> Double {
        guard members > 0, heldOut > 0 else { return 1 }
        let standardError = hanleyMcNeilStandardError(auc: 0.5, members: members, heldOut: heldOut)
        return min(1, 0.5 + Normal.quantile(0.975) * standardError)
    }
}
