import Cryptography
import LanguageModels
import Training

extension Recovery {
    /// What the pieces follow from: those of the controls and the floor from nothing of the emulator but where its ends lie.
    func subjects(
        _ released: ReleasedEmulator,
        _ colluding: [ReleasedEmulator]
    ) throws -> (ofFull: ReportCache.Subject, ofEmulator: ReportCache.Subject) {
        func digest(_ sequences: [[Int32]]) -> String {
            SHA256.hexadecimal(of: sequences.map { EncodedExample(ids: $0, labels: $0, recordIndex: 0) })
        }
        let parts = [
            "full": try full.weightsDigest(),
            "text": digest(text.sequences),
            "heldOut": digest(heldOut),
            "adapter": "\(released.bottom) + \(released.top)",
        ]
        let releases = try ([released] + colluding).map { "\(try $0.model.weightsDigest()) \($0.keptLayers)" }
        return (
            ReportCache.Subject(kind: "recovery-full", parts: parts),
            ReportCache.Subject(
                kind: "recovery-emulator",
                parts: parts.merging(["releases": releases.joined(separator: "\n")]) { $1 }
            )
        )
    }

    /// Floating-point operations that are still to do for an emulator: about none where all pieces are known.
    ///
    /// - Throws: `OpenSSLError`.
    public func remainingOperations(
        _ released: ReleasedEmulator,
        colluding: [ReleasedEmulator] = []
    ) throws -> Double {
        let (ofFull, ofEmulator) = try subjects(released, colluding)
        let lengths = heldOut.map(\.count)
        let scoring = full.forwardOperations(lengths: lengths)
        let ofScratch = known(of: ofFull, names: FromScratchControl.allCases.map { "control: \($0.rawValue)" })
        let ofHealing = known(of: ofEmulator, names: ["A2 heal after A0", "A2 heal after A1", "A2 heal after A4"])
        let mean = text.tokenCount / max(1, text.sequences.count)
        func training(_ model: LanguageModel, tokens: Int) -> Double {
            model.trainingOperations(of: model.parameters, tokens: Double(max(mean, tokens)), length: mean)
        }
        // The full model itself is always run: once for its states, once for its losses.
        var sum = scoring * 2
        let simple = ["A0 as is"] + RefillAttack.Rule.allCases.map { "A1 refill, \($0.rawValue)" }
        for name in released.missingLayers.isEmpty ? Array(simple.prefix(1)) : simple
        where cache.known(RecoveryBench.fileName(name), of: ofEmulator, as: ReplicaScore.self) == nil {
            sum += scoring
        }
        for (share, runs) in runs(rates: configuration.controlRates.count) {
            let each = training(full, tokens: configuration.tokens(share)) + scoring
            sum += each * Double(max(0, runs * FromScratchControl.allCases.count - (ofScratch[share] ?? 0)))
        }
        let replica = released.missingLayers.isEmpty ? released.model : full
        for (share, runs) in runs(rates: configuration.healRates.count) {
            let each = training(replica, tokens: configuration.tokens(share)) + scoring
            sum += each * Double(max(0, runs - (ofHealing[share] ?? 0)))
        }
        return sum
    }

    /// How many trainings a budget takes: the first seed tries all rates.
    private func runs(rates: Int) -> [(share: Double, runs: Int)] {
        configuration.shares.map { (share: $0, runs: configuration.seeds + rates - 1) }
    }

    /// How many trainings of some names are known for each budget.
    private func known(of subject: ReportCache.Subject, names: [String]) -> [Double: Int] {
        let rates = Set(configuration.healRates + configuration.controlRates)
        var counts: [Double: Int] = [:]
        for share in configuration.shares {
            let plans = rates.flatMap { rate in
                (0..<UInt64(configuration.seeds)).map { seed in
                    HealAttack.Plan(tokens: configuration.tokens(share), learningRate: rate, seed: seed)
                }
            }
            counts[share] = names.reduce(0) { sum, name in
                sum
                    + plans.count {
                        cache.known(RecoveryBench.fileName(name, $0), of: subject, as: ReplicaScore.self) != nil
                    }
            }
        }
        return counts
    }
}
