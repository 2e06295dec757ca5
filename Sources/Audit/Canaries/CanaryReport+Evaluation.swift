import Foundation
import TensorEngine

extension CanaryReport {
    /// Figures of all tiers at all vantage points.
    ///
    /// - Parameters:
    ///   - canaries: their scores.
    ///   - suite: permutations and seed.
    ///   - delta: of the bounds on ε.
    ///   - families: groups of tests that share the significance of the bound about one record.
    /// - Throws: `AuditError`.
    init(_ canaries: ScoredCanaries, suite: AttackSuite, delta: Double, families: Int) throws {
        scored = canaries.records.count
        leftOut = canaries.leftOut
        var seen: Set<Canary> = []
        let kinds = canaries.records.compactMap(\.canary).filter { seen.insert($0).inserted }
        tiers = try kinds.map { try Tier($0, canaries, suite: suite) }
        bounds = try Set(kinds.map(\.repetitions)).sorted().compactMap { repetitions in
            try PrivacyMeasurement(
                canaries: canaries,
                repetitions: repetitions,
                delta: delta,
                families: repetitions == 1 ? families : 1
            ).map { Bound(repetitions: repetitions, measurement: $0) }
        }
    }
}

extension CanaryReport.Tier {
    fileprivate init(_ canary: Canary, _ canaries: ScoredCanaries, suite: AttackSuite) throws {
        let records = canaries.records
        let own = records.indices.filter { records[$0].canary == canary && records[$0].isMember }
        let others = records.indices.filter { records[$0].canary?.kind == canary.kind && !records[$0].isMember }
        self.init(canary: canary, included: own.count, heldOut: others.count, vantages: [])
        guard own.count > 1, others.count > 1 else { return }
        let name = "\(canary.kind.rawValue) × \(canary.repetitions)"
        vantages = try canaries.vantages.compactMap { view in
            let position = Dictionary(
                uniqueKeysWithValues: (view.positions ?? Array(records.indices)).enumerated().map { ($1, $0) }
            )
            let members = own.compactMap { position[$0] }
            let heldOut = others.compactMap { position[$0] }
            guard members.count > 1, heldOut.count > 1 else { return nil }
            return try CanaryReport.View(view, members: members, heldOut: heldOut, suite: suite, name: name)
        }
    }
}

extension CanaryReport.View {
    /// - Parameters:
    ///   - members: positions of the included canaries in the vantage point's lists.
    ///   - heldOut: positions of the held-out ones.
    fileprivate init(
        _ view: ScoredVantage,
        members: [Int],
        heldOut: [Int],
        suite: AttackSuite,
        name: String
    ) throws {
        let samples = try view.attacks.map { list in
            try LabelledScores(members: members.map { list.scores[$0] }, heldOut: heldOut.map { list.scores[$0] })
        }
        var deals = SeededGenerator(seed: suite.seed).derive("canaries, \(name), \(view.vantage.rawValue)")
        let pValues = try MaxTPermutation.adjustedPValues(
            attacks: samples,
            strata: (members + heldOut).map { _ in "" },
            permutations: suite.permutations,
            using: &deals
        )
        let attacks = zip(view.attacks, zip(samples, pValues)).map { list, figures in
            AttackEstimate(list.attack, figures.0, adjustedPValue: figures.1)
        }
        func perplexities(_ positions: [Int]) -> [Double] { positions.map { exp(-view.likelihoodAfter[$0]) } }
        var exposure: CanaryReport.Bits?
        if !view.vantage.seesRounds {
            let bits = try Exposure.bits(secrets: perplexities(members), among: perplexities(heldOut))
            exposure = CanaryReport.Bits(
                median: Bootstrap.quantile(bits, 0.5),
                largest: bits.max() ?? 0,
                most: log2(Double(heldOut.count))
            )
        }
        self.init(vantage: view.vantage, attacks: attacks, exposure: exposure)
    }
}
