/// One attack's AUC on a few of the records: what a round or a tier of canaries is told by.
public struct AttackEstimate: Codable, Sendable, Equatable {
    /// The attack's name.
    public var attack: String
    /// Area under the ROC curve, mid-ranks.
    public var auc: Double
    /// 95 % interval of the AUC: DeLong on the logit scale, by coins.
    public var aucInterval: ConfidenceInterval
    /// p-value by dealing the coins anew, adjusted for all attacks beside it; nil: not dealt.
    public var adjustedPValue: Double?

    /// Measures scores.
    init(_ attack: String, _ sample: LabelledScores, adjustedPValue: Double? = nil) {
        let deLong = DeLong(sample)
        self.attack = attack
        auc = deLong.auc
        aucInterval = deLong.interval()
        self.adjustedPValue = adjustedPValue
    }
}
