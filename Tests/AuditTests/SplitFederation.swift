import Audit
import DifferentialPrivacy
import Emulators
import Federation
import Foundation
import LanguageModels
import TensorEngine
import Training

/// Three data holders who drew alone, what a model that prefers members by a chosen amount would say of their records, and the
/// run that recorded their roots.
struct SplitFederation {
    static let names = ["north", "lake", "hill"]

    var plans: [DrawnPlan]
    var leak: Double
    /// What each holder's records are easier by, in nats a token.
    var ease: [Double]
    var suite: AttackSuite = {
        var suite = AttackSuite()
        suite.attacks = ["LOSS", "RATIO", "ZLIB", "DLOSS", "RECALL"]
        suite.permutations = 300
        suite.bootstrapReplicates = 100
        suite.blind.buckets = 256
        return suite
    }()

    init(
        records: Int = 60,
        holdouts: [Double] = [0.4, 0.4, 0.4],
        ease: [Double] = [0, 0, 0],
        leak: Double = 0,
        seed: UInt64 = 1
    ) throws {
        self.leak = leak
        self.ease = ease
        plans = try Self.names.enumerated().map { index, name in
            let lines = (0..<records).map { #"{"text":"secret letter \#($0 * 7919 % 1000) of \#(name)"}"# }
            let file = try RecordFile.parse(Array((lines.joined(separator: "\n") + "\n").utf8), path: "\(name).jsonl")
            return try DrawnPlan.draw(files: [file], seed: seed + UInt64(index), holdout: holdouts[index])
        }
    }

    /// What one vantage point sees of a holder's records.
    func view(_ holder: Int, _ vantage: VantagePoint = .peer) -> VantageObservations {
        var generator = SeededGenerator(seed: plans[holder].plan.seed).derive(vantage.rawValue)
        var tuned: [[TokenObservation]] = []
        var reference: [[TokenObservation]] = []
        for entry in plans[holder].plan.records {
            let tokens = (0..<12).map { _ in
                TokenObservation(
                    logProbability: -1.5 + ease[holder] - 0.8 * generator.uniform(),
                    mean: -2,
                    deviation: 1,
                    isArgmax: false
                )
            }
            let gain = 0.2 + 0.2 * generator.normal() + (entry.isIncluded ? leak : 0)
            reference.append(tokens)
            tuned.append(
                tokens.map { token in
                    var token = token
                    token.logProbability += gain
                    return token
                }
            )
        }
        return VantageObservations(vantage: vantage, tuned: tuned, reference: reference)
    }

    func export(_ holder: Int) throws -> ScoreExport {
        try ScoreExport(
            of: plans[holder],
            views: [view(holder)],
            models: ScoredModels(
                emulatorDigest: "emulator",
                adapterDigest: "adapter",
                template: "plain",
                maximumLength: 64,
                shippedParameters: 1000
            ),
            suite: suite
        )
    }

    func exports() throws -> [(path: String, export: ScoreExport)] {
        try plans.indices.map { ("\(Self.names[$0]).scores.json", try export($0)) }
    }

    /// The query of a holder and what the owner answers to it.
    func answer(_ holder: Int, adapter: String = "adapter") throws -> (query: ScoreQuery, answer: ScoreAnswer) {
        let query = try ScoreQuery(of: plans[holder], suite: suite, template: "plain", maximumLength: 64)
        let records = try query.records(path: "query")
        return (
            query,
            try ScoreAnswer(
                to: query,
                records: records,
                owner: view(holder, .owner),
                adapterDigest: adapter,
                fullParameters: 4000
            )
        )
    }

    /// `run.json` with the roots that the holders showed.
    func run() throws -> RunDescription {
        let metadata = try JSONDecoder().decode(
            EmulatorMetadata.self,
            from: Data(#"{"bottom":1,"top":1,"kept":1,"full_layers":4,"release_id":"r"}"#.utf8)
        )
        return RunDescription(
            version: "test",
            emulator: "emulator",
            emulatorDigest: "emulator",
            emulatorBytes: 4000,
            metadata: metadata,
            plans: Self.names,
            commitments: try plans.map { drawn in
                let shown = try drawn.commitment()
                return RunDescription.Commitment(holders: shown.holders, root: shown.root, records: shown.records)
            },
            holders: Self.names.map { RunDescription.Holder(name: $0, file: $0, digest: "", records: 1) },
            template: .plain,
            maximumLength: 64,
            site: SiteConfiguration(),
            federation: try FederationConfiguration(rounds: 1, localSteps: 1, learningRate: 1e-3),
            isMasked: true,
            clip: 1,
            judgeModel: nil,
            probeDigest: nil,
            margin: nil,
            adapterParameters: 10
        )
    }

    func merge(_ exports: [(path: String, export: ScoreExport)]) throws -> AuditOutcome {
        try Audit.merge(exports, of: try run(), name: "run", facts: RunFacts(), title: "Split", provenance: [])
    }
}
