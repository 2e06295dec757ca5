import ArgumentParser
import AtomicFiles
import Audit
import Cryptography
import DifferentialPrivacy
import Emulators
import Federation
import Foundation
import LanguageModels
import Logging
import Progress
import Sealing
import Training

/// `fsot tune --join`: one data holder of a federation, from the accepted invitation to the adapter.
struct JoinedTuning {
    let command: Tune
    let address: FederationAddress

    private var console: Console { command.options.console }
    private var output: String { command.output }

    /// - Throws: `FederationError.invalidConfiguration` for an address that is none.
    init(_ command: Tune, address: String) throws {
        self.command = command
        self.address = try FederationAddress(address)
    }

    private struct Result: Encodable {
        var run: String
        var adapter: String
        var rounds: Int
    }

    func run() async throws {
        let invitePath = command.federation.roster ?? ""
        let identity = try IdentityFile.load(command.opening.identity ?? "", passphrase: command.opening.passphrase)
        let invitation = try SignedInvitation(path: invitePath)
        try KnownConsortia(path: HomeDirectory.consortia).check(invitation, path: invitePath)
        let content = invitation.content
        let id = try memberID(of: identity, in: content, path: invitePath)
        let own = try ParticipantPolicyFile.own(
            named: command.federation.policy,
            identity: command.opening.identity ?? ""
        )
        try own.check(content.training, members: content.members.count, proposal: content.policy)
        let policy = own.stricter(than: content.policy)

        let isQuiet = console.isQuiet
        let logger = Logger(label: "fsot.tune") { _ in StandardErrorLog(isQuiet: isQuiet) }
        var client = try FederationClient(
            address: address,
            invitation: invitation,
            identity: identity,
            isCancelled: { Interruption.isRequested },
            logger: logger
        )
        client.patience = command.federation.patience
        client.maximumQuestion = 1 << 24
        try makeOutput()
        let display = console.progress()
        let source = try await emulator(client, content, identity: identity, display: display)
        let files = try ModelFiles(source.directory)
        let holder = try holder(named: identity.name)
        let encoder = try RecordEncoder(
            files.tokenizer,
            template: content.training.template,
            maximumLength: content.training.maximumLength,
            configuration: files.configuration
        )
        let examples = try holder.encoded(with: encoder, console: console)
        var siteConfiguration = content.training.site
        siteConfiguration.precision = try command.compute.precision()
        if let own = try command.training.privacy.records() { siteConfiguration.privacy = own }
        let progress = TuningProgress(
            rounds: content.training.federation.rounds,
            participantsPerRound: 1,
            handler: display.handler
        )
        let site = try TrainingSite(
            loading: { try LanguageModel.load(emulator: source) },
            metadata: source.metadata,
            configuration: siteConfiguration,
            examples: [identity.name: (examples: examples, source: ExampleSource(holder.file))],
            progress: { progress.advance($0, $1) },
            isCancelled: { Interruption.isRequested }
        )
        if siteConfiguration.privacy != nil { await site.use(try NoiseKey()) }
        client.maximumQuestion = 8 * site.schema.count + (1 << 20)
        let store = try store(content, source, holder, examples.count, site, siteConfiguration)
        let weight = content.training.weightMaximum > 0 ? min(examples.count, Int(content.training.weightMaximum)) : 1
        let participant = Participant(
            name: identity.name,
            adapterCount: site.schema.count,
            weight: Double(weight),
            trainer: site,
            masking: ParticipantMasking(
                id: id,
                signingKey: identity.ed25519,
                roster: try content.roster(),
                session: [UInt8](hexadecimal: content.session) ?? [],
                policy: policy.roundPolicy(content.training),
                emulatorHash: source.digest,
                roundingSeed: content.training.isSeeded
                    ? try ParticipantMasking.seededRounding(content.training.site.seed, name: identity.name)
                    : try SecretBytes.random(count: 32),
                quantisation: content.training.quantisation
            ),
            memory: try RoundMemoryFile(path: "\(HomeDirectory.consortia)/\(content.session).\(identity.name).rounds"),
            initial: site.initialState,
            finished: store.finished,
            allowsUnchecked: command.federation.acceptUnchecked
                || content.training.federation.participantsPerRound != nil,
            agreement: content.training.federation,
            finishedRound: { round, state in try store.save(round: round, state: state) },
            logger: logger
        )
        let handedOver: String?
        do {
            handedOver = try await client.run(handler: participant)
        } catch {
            display.finish()
            if Interruption.isRequested {
                throw CommandFailure(
                    "Stopped; the round goes on without this data holder. Run the same command to come back for the next one."
                )
            }
            if let cause = await participant.failure { console.warn("\(cause)") }
            throw error
        }
        display.finish()
        guard let final = await participant.latest else {
            throw CommandFailure(
                "The run ended before this data holder heard of a result; nothing was kept in \(output)."
            )
        }
        if let handedOver, handedOver != final.state.fingerprint {
            console.warn(
                "the run hands over another adapter than the one kept here, which is that of round \(final.round): later rounds went on without this data holder, or the owner's check chose another round; ask the owner for it"
            )
        }
        if FileManager.default.fileExists(atPath: store.adapterPath) {
            try FileManager.default.removeItem(atPath: store.adapterPath)
        }
        try await site.save(final.state, metadata: source.metadata, to: store.adapterPath)
        try console.result(
            """
            consortium        \(content.name), \(content.members.count) members, epoch \(content.epoch)
            rounds            \(final.round), masked: the coordinator saw sums only
            adapter           \(store.adapterPath)
            """,
            json: Result(run: output + "/run", adapter: store.adapterPath, rounds: final.round)
        )
    }

    /// The place of this identity in the roster.
    private func memberID(of identity: Identity, in content: Invitation, path: String) throws -> UInt32 {
        let card = try identity.card
        let members = try content.memberCards()
        guard let place = members.firstIndex(where: { $0.fingerprint == card.fingerprint }),
            members[place].ed25519PublicKey == card.ed25519PublicKey
        else {
            throw CommandFailure(
                "\(identity.name) is not a member of \(content.name) in \(path); ask the owner to add your card, or give the identity that is one."
            )
        }
        return UInt32(place + 1)
    }

    private func makeOutput() throws {
        do {
            try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
        } catch {
            throw AtomicFileError.system(
                operation: "create",
                path: output,
                reason: (error as NSError).localizedDescription
            )
        }
    }

    /// The emulator that was given, or the one that the coordinator hands out sealed; either must be the invitation's.
    private func emulator(
        _ client: FederationClient,
        _ content: Invitation,
        identity: Identity,
        display: ProgressDisplay
    ) async throws -> EmulatorSource {
        let path = command.emulator ?? output + "/emulator.fsot"
        // One of an earlier epoch lies there still.
        let isStale =
            try FileManager.default.fileExists(atPath: path)
            && FileDigest.hexadecimal(of: path) != content.emulator.sha256
        if command.emulator == nil, isStale || !FileManager.default.fileExists(atPath: path) {
            let total = content.emulator.bytes
            let report = display.handler
            try await client.fetchEmulator(to: path) {
                report(.init(phase: "fetching the emulator", completed: $0, total: total, unit: "bytes"))
            }
            display.finish()
        }
        guard try FileDigest.hexadecimal(of: path) == content.emulator.sha256 else {
            throw CommandFailure(
                "\(path) is not the emulator of \(content.name); leave it out, and it is fetched from the coordinator."
            )
        }
        return try EmulatorSource(sealed: path, identity: identity, owner: content.ownerCard(), console: console)
    }

    /// This data holder's records under its name in the roster, which decides the order of the data.
    private func holder(named name: String) throws -> HolderRecords {
        guard let plan = command.plan.first else {
            let file = try HolderRecords.read(data: command.data, columns: command.columns)
            return HolderRecords(name: name, file: file[0].file)
        }
        let drawn = try DrawnPlan.load(from: plan)
        let included = try command.includedRecords(of: [drawn])
        guard included.count == 1 else {
            throw CommandFailure("\(plan) is of \(included.count) data holders; give the plan of \(name) alone.")
        }
        return HolderRecords(name: name, file: included[0].file)
    }

    private func store(
        _ content: Invitation,
        _ source: EmulatorSource,
        _ holder: HolderRecords,
        _ records: Int,
        _ site: TrainingSite,
        _ configuration: SiteConfiguration
    ) throws -> ParticipantStore {
        let training = content.training
        let description = RunDescription(
            version: Fsot.configuration.version,
            emulator: source.path,
            emulatorDigest: source.hexadecimalDigest,
            emulatorBytes: source.shippedBytes,
            metadata: source.metadata,
            plans: command.plan,
            commitments: command.plan.isEmpty
                ? nil : try command.plan.map { try .init(DrawnPlan.load(from: $0).commitment()) },
            holders: [
                RunDescription.Holder(
                    name: holder.name,
                    file: holder.file.path,
                    digest: try FileDigest.hexadecimal(of: holder.file.path),
                    records: records,
                    privacy: try configuration.privacy?.guarantee(
                        batchSize: configuration.batch,
                        records: records,
                        steps: training.federation.rounds * training.federation.localSteps
                    )
                )
            ],
            template: training.template,
            maximumLength: training.maximumLength,
            site: configuration,
            federation: training.federation,
            isMasked: true,
            clip: training.clip,
            quantisation: training.quantisation,
            judgeModel: nil,
            probeDigest: nil,
            margin: nil,
            adapterParameters: site.schema.count,
            clientPrivacy: try training.federation.privacy?.guarantee(
                population: content.members.count,
                perRound: training.federation.participantsPerRound,
                rounds: training.federation.rounds
            )
        )
        return try ParticipantStore(
            description: description,
            schema: site.schema,
            path: output + "/run",
            keepsRounds: command.keepRounds
        )
    }
}
