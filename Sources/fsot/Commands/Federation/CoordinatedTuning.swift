import AtomicFiles
import Cryptography
import DifferentialPrivacy
import Federation
import Foundation
import Logging
import Sealing
import SecureAggregation

/// The rounds of `fsot serve`.
struct CoordinatedTuning: Sendable {
    let invitation: SignedInvitation
    let identity: Identity
    let names: [String]
    let emulatorPath: String
    let emulatorDigest: [UInt8]
    let site: TrainingSite
    let store: RunDirectory
    let description: RunDescription
    let judge: OwnerJudge?
    let minimumSurvivors: Int
    let command: Serve
    let console: Console
    let display: ProgressDisplay
    let logger: Logger

    func run() async throws {
        let content = invitation.content
        let restored = command.resume ? try store.restored() : nil
        let completed = restored?.progress.completedRounds ?? 0
        let board = StatusBoard(
            name: content.name,
            rounds: description.federation.rounds,
            completed: try RunDirectory.records(at: store.path)
        )
        let journal = RunJournal(path: store.path + "/journal")
        let transport = try NetworkTransport(
            participants: names,
            spoolDirectory: store.path + "/incoming",
            journal: journal,
            maximumAnswer: NetworkTransport.maximumAnswer(adapterCount: site.schema.count, participants: names.count),
            minimumCohort: minimumSurvivors,
            waitSeconds: command.wait,
            silenceSeconds: command.silence,
            isCancelled: { Interruption.isRequested }
        )
        let address = try FederationAddress(content.address)
        let listen = command.listen.flatMap { ListeningAddress($0) }
        let status = command.status.flatMap { ListeningAddress($0) }
        let server = try await FederationServer(
            host: listen?.host ?? "0.0.0.0",
            port: listen?.port ?? address.port,
            tls: PinnedTLS(identity),
            invitation: invitation,
            emulatorPath: emulatorPath,
            transport: transport,
            status: status.map { ($0.host, $0.port, board) },
            isCancelled: { Interruption.isRequested },
            logger: logger
        )
        console.note(
            "listening on port \(server.port) for \(names.joined(separator: ", "))"
                + (server.statusPort.map { "; status on http://\(status?.host ?? ""):\($0)/" } ?? "")
        )
        let coordinator = Coordinator(
            transport: transport,
            configuration: description.federation,
            schema: site.schema,
            state: restored?.latest ?? site.initialState,
            best: restored?.best ?? (restored?.progress.bestRound == 0 ? site.initialState : nil),
            progress: restored?.progress ?? RunProgress(),
            masking: CoordinatorMasking(
                signingKey: identity.ed25519,
                roster: try content.roster(),
                names: names,
                session: [UInt8](hexadecimal: content.session) ?? [],
                emulatorHash: emulatorDigest,
                clip: content.training.clip,
                weightMaximum: content.training.weightMaximum,
                threshold: content.policy.threshold == nil ? nil : content.policy.threshold(of: names.count),
                minimumSurvivors: minimumSurvivors,
                quantisation: content.training.quantisation
            ),
            judge: judge,
            store: store,
            noiseKey: try noiseKey(completedRounds: completed),
            journal: journal,
            limits: LegLimits(exchange: command.legTimeout, training: command.trainingTimeout),
            attempts: command.attempts,
            logger: logger
        )
        do {
            _ = try await server.serve(adapter: { $0 }) {
                do {
                    try await coordinator.run(
                        progress: { event in
                            board.show((try? RunDirectory.records(at: store.path)) ?? [])
                            display.handler(event)
                        },
                        isCancelled: { Interruption.isRequested }
                    )
                    try await site.save(await coordinator.result, metadata: description.metadata, to: staged())
                    board.finish()
                    return await coordinator.result.fingerprint
                } catch {
                    if !Interruption.isRequested { board.finish(failure: "\(explained(error))") }
                    throw explained(error)
                }
            }
        } catch {
            display.finish()
            if Interruption.isRequested {
                throw FederationError.interrupted(
                    path: store.path,
                    round: await coordinator.progress.completedRounds + 1
                )
            }
            throw error
        }
        display.finish()
        try store.removeNoiseKey()
        try RunSummary(description: description, path: store.path, progress: await coordinator.progress).print(
            on: console
        )
    }

    /// Where the adapter goes; one that an earlier run left is replaced.
    private func staged() throws -> String {
        if FileManager.default.fileExists(atPath: store.adapterPath) {
            try FileManager.default.removeItem(atPath: store.adapterPath)
        }
        return store.adapterPath
    }

    /// A round that nobody may leave says so when somebody did.
    private func explained(_ error: any Error) -> any Error {
        guard case SecureAggregationError.tooFew(let leg, let count, let needed) = error else { return error }
        let cohort = min(names.count, description.federation.participantsPerRound ?? names.count)
        var text = "The round ended without a sum: \(count) of the \(needed) updates that it needs came through \(leg)"
        if needed == cohort {
            text +=
                "; \(cohort == 3 ? "three participants tolerate" : "a cohort of \(cohort) with this minimum tolerates") no dropout"
        }
        return CommandFailure(text + ". No update was revealed; bring the others back and continue with --resume.")
    }

    private func noiseKey(completedRounds: Int) throws -> NoiseKey? {
        guard description.clientPrivacy != nil else { return nil }
        if completedRounds >= description.federation.rounds { return try NoiseKey() }
        return try store.noiseKey(seed: nil, completedRounds: completedRounds)
    }
}
