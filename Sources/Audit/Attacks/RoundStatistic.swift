/// Means over the observed rounds, shared by the attacks on updates.
enum RoundStatistic {
    /// The mean over rounds of a figure that every round must have.
    ///
    /// - Throws: `AuditError.unusableObservation` when there is no round, or one lacks the figure.
    static func mean(of observation: RecordObservation, _ figure: (RoundEvidence) -> Double?) throws -> Double {
        guard !observation.rounds.isEmpty else { throw missing(observation) }
        let values = try observation.rounds.map { round in
            guard let value = figure(round) else { throw missing(observation) }
            return value
        }
        return values.reduce(0, +) / Double(values.count)
    }

    static func missing(_ observation: RecordObservation) -> AuditError {
        .unusableObservation(record: observation.record.id, reason: "no round was measured for it")
    }
}

extension RecordObservation {
    /// The same with the last observed round only.
    var last: RecordObservation {
        var copy = self
        copy.rounds = Array(rounds.suffix(1))
        return copy
    }
}
