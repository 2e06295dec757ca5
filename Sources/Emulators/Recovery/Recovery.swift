import Cryptography
import Foundation
import LanguageModels
import Progress
import Training

/// Attacks an emulator as a replica of the full model, in order of cost: A0 as is, A1 refill, A4 collusion, A2 heal (the survey's
/// section 5), against from-scratch controls at equal compute. The emulator and the full model stay as they are.
public struct Recovery {
    let full: LanguageModel
    let text: PublicText
    let heldOut: [[Int32]]
    let configuration: RecoveryConfiguration
    let cache: ReportCache

    /// Attacks on emulators of one full model.
    ///
    /// - Parameters:
    ///   - full: the owner's model, computing in the precision to attack in.
    ///   - text: the attacker's.
    ///   - heldOut: text to measure on that nobody has trained on.
    ///   - cache: keeps finished pieces.
    /// - Throws: `EmulatorError.notEnoughText` when either is empty; `LanguageModelError` for text that the model cannot take.
    public init(
        full: LanguageModel,
        text: PublicText,
        heldOut: PublicText,
        configuration: RecoveryConfiguration,
        cache: ReportCache
    ) throws {
        var tokens = 0
        let measured = heldOut.sequences.prefix { sequence in
            defer { tokens += sequence.count }
            return tokens < configuration.heldOutTokens
        }
        for (sequences, source) in [(text.sequences, text.source), (Array(measured), heldOut.source)]
        where sequences.isEmpty {
            throw EmulatorError.notEnoughText(source: source, tokens: 0, needed: 2)
        }
        for sequence in text.sequences + measured { try full.validate(sequence) }
        self.full = full
        self.text = text
        self.heldOut = Array(measured)
        self.configuration = configuration
        self.cache = cache
    }

    /// A beginning that costs no training; made anew each time, since healing trains it in place.
    struct Replica {
        var name: String
        var make: () throws -> LanguageModel?
    }

    /// Attacks an emulator.
    ///
    /// - Parameters:
    ///   - released: the emulator.
    ///   - colluding: other releases of the same full model.
    ///   - progress: told operations done of all that are left to do.
    ///   - isCancelled: asked between steps; finished pieces stay in the cache.
    /// - Throws: `EmulatorError`, `LanguageModelError`, `TrainingError`; `CancellationError`.
    public func run(
        _ released: ReleasedEmulator,
        colluding: [ReleasedEmulator] = [],
        progress: ProgressHandler? = nil,
        isCancelled: @escaping () -> Bool = { false }
    ) throws -> RecoveryReport {
        let start = ContinuousClock.now
        let (ofFull, ofEmulator) = try subjects(released, colluding)
        let total = try remainingOperations(released, colluding: colluding)
        let bench = RecoveryBench(
            recovery: self,
            fidelity: try Fidelity(full: full, sequences: heldOut, isCancelled: isCancelled),
            meter: WorkMeter(phase: "attacking the emulator", total: total, handler: progress),
            isCancelled: isCancelled
        )
        let ends = try cache.piece("no-middle", of: ofFull) { try bench.score("no middle", withoutMiddle(released)) }
        let unigrams = UnigramFloor(text: text.sequences, vocabulary: full.configuration.vocabularySize)
        let frequencies = unigrams.losses(of: heldOut)
        let floors = (ends: ends.losses.perplexity.loss, unigrams: frequencies.perplexity.loss)
        bench.floor = floors.ends < floors.unigrams ? ends.losses : frequencies
        let replicas = replicas(of: released, colluding: colluding)
        var attempts = try replicas.compactMap { replica -> RecoveryReport.Attempt? in
            guard let model = try replica.make() else { return nil }
            let score = try cache.piece(RecoveryBench.fileName(replica.name), of: ofEmulator) {
                try bench.score(replica.name, model)
            }
            return bench.attempt(replica.name, scores: [score])
        }
        let best = attempts.min { $0.loss < $1.loss }?.name ?? replicas[0].name
        attempts += try bench.curve(
            "A2 heal after \(best.prefix(2))",
            of: ofEmulator,
            rates: configuration.healRates
        ) { _ in try replicas.first { $0.name == best }?.make() ?? released.model }
        var random: [UInt64: LanguageModel] = [:]
        let controls = try FromScratchControl.allCases.map { control in
            try bench.curve("control: \(control.rawValue)", of: ofFull, rates: configuration.controlRates) { seed in
                let made = try random[seed] ?? FromScratchControl.randomModel(like: full, seed: seed)
                random = [seed: made]
                return try control.model(full: full, middle: released.middle, random: made)
            }
        }
        return RecoveryReport(
            configuration: configuration,
            source: text.source,
            heldOutTokens: bench.fidelity.tokenCount,
            fullLoss: bench.fidelity.fullLosses.perplexity.loss,
            noMiddleLoss: floors.ends,
            unigramLoss: floors.unigrams,
            attempts: attempts,
            controls: controls.flatMap { $0 },
            advantages: advantages(of: attempts, over: controls),
            notes: notes(released, colluding),
            seconds: (ContinuousClock.now - start) / .seconds(1)
        )
    }

    private func replicas(of released: ReleasedEmulator, colluding: [ReleasedEmulator]) -> [Replica] {
        [Replica(name: "A0 as is") { try AsIsAttack.replica(of: released) }]
            + RefillAttack.Rule.allCases.map { rule in
                Replica(name: "A1 refill, \(rule.rawValue)") { try RefillAttack.replica(of: released, by: rule) }
            }
            + [
                Replica(name: "A4 collusion of \(colluding.count + 1)") {
                    try CollusionAttack.replica(of: released, with: colluding)
                }
            ]
    }

    /// The shipped ends alone.
    private func withoutMiddle(_ released: ReleasedEmulator) throws -> LanguageModel {
        let count = released.model.blocks.count
        return try released.model.assembled(
            from: (Array(0..<released.bottom) + Array((count - released.top)..<count)).map {
                BlockSource(released.model, block: $0)
            }
        )
    }

    private func advantages(
        of attempts: [RecoveryReport.Attempt],
        over controls: [[RecoveryReport.Attempt]]
    ) -> [RecoveryReport.Advantage] {
        configuration.shares.sorted().compactMap { share in
            let affordable = attempts.filter { ($0.share ?? 0) <= share }
            let scratch = controls.map { $0.first { $0.share == share }?.recovery.value }
            guard let best = affordable.max(by: { $0.recovery.value < $1.recovery.value }), scratch.count == 2,
                let middle = scratch[0], let model = scratch[1]
            else { return nil }
            return RecoveryReport.Advantage(
                share: share,
                attack: best.name,
                recovery: best.recovery.value,
                overRandomMiddle: max(0, best.recovery.value) - max(0, middle),
                overRandomModel: max(0, best.recovery.value) - max(0, model)
            )
        }
    }

    private func notes(_ released: ReleasedEmulator, _ colluding: [ReleasedEmulator]) -> [String] {
        var notes: [String] = []
        if released.missingLayers.isEmpty {
            notes.append("No layer was dropped, so there is nothing to refill: A1 is the same as A0.")
        }
        if colluding.isEmpty { notes.append("No other release was given, so A4 was not tried.") }
        return notes
    }
}
