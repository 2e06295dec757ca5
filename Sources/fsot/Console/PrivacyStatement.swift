import Audit
import DifferentialPrivacy
import Federation
import Foundation

/// What a run's noise guarantees, to whom, and what it rests on.
struct PrivacyStatement {
    private let run: RunDescription

    /// nil for a run without noise.
    init?(_ run: RunDescription) {
        guard run.isNoiseSeeded != nil else { return nil }
        self.run = run
    }

    /// Each guarantee with whom it protects, each holder's records first.
    var guarantees: [(protects: String, guarantee: PrivacyGuarantee)] {
        run.holders.compactMap { holder in holder.privacy.map { ("a record of \(holder.name)", $0) } }
            + (run.clientPrivacy.map { [("a data holder", $0)] } ?? [])
    }

    /// The same as an audit takes it.
    var protections: [RunFacts.Protection] {
        let records = run.holders.count { $0.privacy != nil }
        return guarantees.enumerated().map { index, entry in
            RunFacts.Protection(
                protects: entry.protects,
                unit: index < records ? .record : .holder,
                epsilon: entry.guarantee.epsilon,
                delta: entry.guarantee.delta,
                sampler: entry.guarantee.sampler,
                accountant: entry.guarantee.accountant,
                neighbouring: entry.guarantee.neighbouring,
                isNoiseSeeded: run.isNoiseSeeded == true
            )
        }
    }

    /// A table, and in a simulation whose noise anybody can compute, that it is one.
    var text: String {
        var table = Table(["protects", "ε", "δ", "noise", "rate", "steps", "sampler", "accountant", "neighbouring"])
        for (protects, guarantee) in guarantees {
            table.add([
                protects, Self.figure(guarantee.epsilon), "\(guarantee.delta)", "\(guarantee.noise)",
                Self.figure(guarantee.rate), "\(guarantee.rounds)", guarantee.sampler, guarantee.accountant,
                guarantee.neighbouring,
            ])
        }
        return table.text + (run.isNoiseSeeded == true ? "\n" + Self.simulation : "")
    }

    /// Why seeded noise protects nobody.
    static let simulation =
        "the noise follows from --seed: a simulation, and no ε against those who know the seed; leave out --seed for noise that is a secret"

    /// Six digits, rounded up: no ε may look smaller than it is.
    static func figure(_ value: Double) -> String {
        if value == 0 || !value.isFinite { return "\(value)" }
        let scale = pow(10, 5 - log10(abs(value)).rounded(.down))
        return "\((value * scale).rounded(.up) / scale)"
    }
}
