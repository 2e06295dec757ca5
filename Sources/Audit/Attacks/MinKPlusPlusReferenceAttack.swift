/// REF-MINK++: MINK++ of the tuned model minus that of the untuned one ("base-calibrated").
public struct MinKPlusPlusReferenceAttack: Attack {
    /// `REF-MINK++`.
    public let name = "REF-MINK++"
    /// One sentence for the report.
    public let explanation = "Whether the record's least likely words became likelier through the tuning."
    /// Compares with the untuned model.
    public let needs: Set<Evidence> = [.reference]
    private let attack: MinKPlusPlusAttack

    /// - Parameter fraction: the share of least likely tokens, in (0, 1].
    public init(fraction: Double = 0.2) { attack = MinKPlusPlusAttack(fraction: fraction) }

    /// MINK++(tuned) − MINK++(untuned).
    public func scores(of observations: [RecordObservation]) -> [Double] {
        let untuned = observations.map { observation in
            RecordObservation(
                record: observation.record,
                tuned: observation.reference,
                reference: observation.reference
            )
        }
        return zip(attack.scores(of: observations), attack.scores(of: untuned)).map { $0 - $1 }
    }
}
