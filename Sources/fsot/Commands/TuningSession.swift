import AtomicFiles
import Cryptography
import DifferentialPrivacy
import Federation
import Foundation
import Logging
import Sealing

/// Runs the rounds of `fsot tune`, saves each, and writes the adapter at the end.
struct TuningSession {
    let description: RunDescription
    let site: TrainingSite
    let store: RunDirectory
    let judge: OwnerJudge?
    let weights: [Int]
    let auditors: [IdentityCard]
    let console: Console
    let display: ProgressDisplay
    let progress: TuningProgress

    /// - Throws: `FederationError.interrupted` after Ctrl-C, with everything saved; what the rounds throw.
    func run(resuming: Bool) async throws {
        let isQuiet = console.isQuiet
        let logger = Logger(label: "fsot.tune") { _ in StandardErrorLog(isQuiet: isQuiet) }
        let holders = description.holders.map(\.name)
        let canaries = description.canaryClients
        let planted = canaries.map { canaries in canaries.isIncluded.indices.filter { canaries.isIncluded[$0] } } ?? []
        let names = holders + (canaries?.includedNames ?? [])
        let masking =
            description.isMasked
            ? try SimulatedMasking(
                names: names,
                emulatorHash: [UInt8](hexadecimal: description.emulatorDigest) ?? [],
                clip: description.clip,
                weightMaximum: description.federation.weights == .records ? UInt32(clamping: weights.max() ?? 1) : 0,
                quantisation: description.quantisation ?? .full,
                seed: description.site.seed
            ) : nil
        let observed = auditors.isEmpty ? nil : ObservedTraining(site, keep: try observationWriter())
        let trainer = { (index: Int) -> any LocalTrainer in
            guard let canaries, index >= holders.count else { return observed ?? site }
            let canary = planted[index - holders.count]
            return CanaryTrainer(canaries, index: canary, of: description.federation.rounds)
        }
        let store = store
        let observer: (any RoundObserver)? =
            if let canaries { CanaryWitness(canaries, next: observed) { try store.save($0) } } else { observed }
        let participants = names.enumerated().map { index, name in
            Participant(
                name: name,
                adapterCount: site.schema.count,
                weight: description.federation.weights == .records ? Double(weights[index]) : 1,
                trainer: trainer(index),
                masking: masking?.participants[index],
                logger: logger
            )
        }
        let restored = resuming ? try store.restored() : nil
        let noiseKey = try noiseKey(completedRounds: restored?.progress.completedRounds ?? 0)
        if let noiseKey { await site.use(noiseKey) }
        let coordinator = Coordinator(
            transport: try InMemoryTransport(participants),
            configuration: description.federation,
            schema: site.schema,
            state: restored?.latest ?? site.initialState,
            best: restored?.best ?? (restored?.progress.bestRound == 0 ? site.initialState : nil),
            progress: restored?.progress ?? RunProgress(),
            masking: masking?.coordinator,
            judge: judge,
            store: store,
            realignment: description.realignment.flatMap { settings in
                judge.map { RealignmentSchedule(every: settings.every, by: $0) }
            },
            middle: resuming
                ? try RunDirectory.realigned(at: store.path, upTo: restored?.progress.completedRounds ?? 0) : nil,
            observer: observer,
            noiseKey: noiseKey,
            logger: logger
        )
        do {
            try await coordinator.run(
                progress: { progress.finishedRound($0) },
                isCancelled: { Interruption.isRequested }
            )
        } catch {
            display.finish()
            // A holder that was stopped or met a bad record tells its own side why; the coordinator got a code only.
            if Interruption.isRequested {
                throw FederationError.interrupted(
                    path: store.path,
                    round: await coordinator.progress.completedRounds + 1
                )
            }
            // A run without a finished round has nothing to go on with, and its settings were the wrong ones.
            if !resuming, await coordinator.progress.completedRounds == 0 { store.discard() }
            for participant in participants {
                if let cause = await participant.failure { throw cause }
            }
            throw error
        }
        display.finish()
        let result = await coordinator.result
        if FileManager.default.fileExists(atPath: store.adapterPath) {
            try FileManager.default.removeItem(atPath: store.adapterPath)
        }
        if let canaries { try store.finish(canaries, from: site.initialState, to: await coordinator.latest) }
        try await site.save(result, metadata: description.metadata, to: store.adapterPath)
        try store.removeNoiseKey()
        try RunSummary(description: description, path: store.path, progress: await coordinator.progress).print(
            on: console
        )
    }

    /// What coins and noise follow from; nil for a run without.
    private func noiseKey(completedRounds: Int) throws -> NoiseKey? {
        guard let isSeeded = description.isNoiseSeeded else { return nil }
        // A finished run has no key any more, and adds no noise.
        if completedRounds >= description.federation.rounds { return try NoiseKey() }
        return try store.noiseKey(
            seed: isSeeded ? description.federation.seed : nil,
            completedRounds: completedRounds
        )
    }

    /// Seals each round's observation to the auditors, who alone can open it.
    private func observationWriter() throws -> @Sendable (RoundObservation) throws -> Void {
        let run = store.path
        let recipients = auditors.map(\.recipient)
        do {
            try FileManager.default.createDirectory(atPath: run + "/observations", withIntermediateDirectories: true)
        } catch {
            throw AtomicFileError.system(operation: "create", path: run + "/observations", reason: "\(error)")
        }
        return { observation in
            let path = RunDirectory.observationFile(observation.round, at: run)
            try SealedFile.write(to: path, for: recipients) { sink in
                try observation.write(path: path) { try sink.write($0) }
            }
        }
    }
}

/// Warnings of the libraries as remarks on standard error.
struct StandardErrorLog: LogHandler {
    let isQuiet: Bool
    var logLevel: Logger.Level = .warning
    var metadata: Logger.Metadata = [:]

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        guard event.level >= .warning, !isQuiet else { return }
        FileHandle.standardError.write(Data("\(event.level): \(event.message)\n".utf8))
    }
}
