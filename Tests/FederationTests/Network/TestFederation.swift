import AtomicFiles
import Cryptography
import Federation
import Foundation
import Logging
import Sealing
import SecureAggregation
import Synchronization
import TestSupport
import Testing
import Training

/// Moves the adapter by a vector of the holder's own, the same in every round.
struct MovingTrainer: LocalTrainer {
    let delta: [Float]
    /// Called when training begins, and may wait.
    var meanwhile: @Sendable () async -> Void = {}

    func train(_ task: LocalTask, from state: AdapterState) async throws -> AdapterState {
        await meanwhile()
        return state.moved(by: delta)
    }
}

/// A consortium in this process: the parties talk TLS over loopback.
final class TestFederation: Sendable {
    let folder: TemporaryFolder
    let count: Int
    let invitation: SignedInvitation
    let owner: Identity
    let hub: Identity
    let members: [Identity]
    let configuration: FederationConfiguration
    let initial: AdapterState
    let emulatorHash = [UInt8](repeating: 7, count: 32)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    var names: [String] { members.map(\.name) }

    init(
        members memberCount: Int = 5,
        rounds: Int = 2,
        coordinates: Int = 700,
        emulator: Data = Data("sealed".utf8),
        policy: ParticipantPolicy = ParticipantPolicy()
    ) throws {
        folder = try TemporaryFolder()
        count = coordinates
        owner = try Identity.generate(name: "owner")
        hub = try Identity.generate(name: "hub")
        members = try (1...memberCount).map { try Identity.generate(name: "clinic-\($0)") }
        configuration = try FederationConfiguration(rounds: rounds, localSteps: 1, learningRate: 0.1, seed: 3)
        initial = AdapterState(values: (0..<coordinates).map { Float($0 % 13) * 0.01 })
        try emulator.write(to: URL(fileURLWithPath: folder.path + "/emulator.fsot"))
        invitation = try SignedInvitation(
            Invitation(
                name: "clinics",
                owner: owner.card,
                coordinator: hub.card,
                address: FederationAddress("https://127.0.0.1:8443"),
                members: members.map { try $0.card },
                emulator: .init(bytes: emulator.count, sha256: SHA256.digest([UInt8](emulator)).hexadecimal),
                training: Invitation.Training(
                    site: SiteConfiguration(seed: 3),
                    federation: configuration,
                    template: .plain,
                    maximumLength: 64,
                    clip: 10,
                    weightMaximum: 0,
                    isSeeded: true
                ),
                policy: policy
            ),
            signedBy: owner
        )
    }

    func delta(of index: Int) -> [Float] {
        (0..<count).map { Float(sin(Double($0 * (index + 2)))) * 0.01 }
    }

    /// The adapter of the same run in memory.
    ///
    /// - Parameter lost: participants that are in the cohorts and never in a sum.
    func inMemory(losing lost: Set<Int> = []) async throws -> AdapterState {
        let handlers = try members.indices.map { try participant($0, memory: TransientRoundMemory()) }
        let lostNames = Set(lost.map { names[$0] })
        let transport = DroppingTransport(inner: try InMemoryTransport(handlers), lost: lostNames)
        let coordinator = try coordinator(transport, journal: nil)
        try await coordinator.run()
        return await coordinator.latest
    }

    func participant(
        _ index: Int,
        memory: sending any RoundMemory,
        trainer: MovingTrainer? = nil
    ) throws -> Participant {
        Participant(
            name: members[index].name,
            adapterCount: count,
            weight: 1,
            trainer: trainer ?? MovingTrainer(delta: delta(of: index)),
            masking: ParticipantMasking(
                id: UInt32(index + 1),
                signingKey: members[index].ed25519,
                roster: try invitation.content.roster(),
                session: [UInt8](hexadecimal: invitation.content.session) ?? [],
                policy: invitation.content.policy.roundPolicy(invitation.content.training),
                emulatorHash: emulatorHash,
                roundingSeed: try ParticipantMasking.seededRounding(3, name: members[index].name)
            ),
            memory: memory,
            initial: initial,
            agreement: configuration,
            logger: logger
        )
    }

    func client(_ identity: Identity, port: Int, stop: Atomic64 = Atomic64()) throws -> FederationClient {
        var client = try FederationClient(
            address: FederationAddress("https://127.0.0.1:\(port)"),
            invitation: invitation,
            identity: identity,
            isCancelled: { stop.isSet },
            logger: logger
        )
        client.patience = 60
        return client
    }

    func coordinator(
        _ transport: any Transport,
        journal: RunJournal?,
        store: (any RoundStore)? = nil,
        restored: (RunProgress, AdapterState)? = nil,
        minimumSurvivors: Int? = nil,
        limits: LegLimits? = nil,
        attempts: Int = 1
    ) throws -> Coordinator {
        Coordinator(
            transport: transport,
            configuration: configuration,
            schema: AdapterSchema([.init(name: "w", shape: [count])]),
            state: restored?.1 ?? initial,
            progress: restored?.0 ?? RunProgress(),
            masking: CoordinatorMasking(
                signingKey: hub.ed25519,
                roster: try invitation.content.roster(),
                names: names,
                session: [UInt8](hexadecimal: invitation.content.session) ?? [],
                emulatorHash: emulatorHash,
                clip: 10,
                minimumSurvivors: minimumSurvivors
            ),
            store: store,
            journal: journal,
            limits: limits,
            attempts: attempts,
            logger: logger
        )
    }
}

/// A flag that tasks share.
final class Atomic64: Sendable {
    private let state = Atomic<Bool>(false)
    var isSet: Bool { state.load(ordering: .relaxed) }
    func set() { state.store(true, ordering: .relaxed) }
}

/// One life of a coordinator: from its start to its end, or until it is stopped.
final class CoordinatorLife: Sendable {
    let federation: TestFederation
    let transport: NetworkTransport
    let journal: RunJournal
    let server: FederationServer
    let stop = Atomic64()
    private let store: ProgressFile

    init(
        _ federation: TestFederation,
        port: Int = 0,
        waitSeconds: Double = 120,
        silenceSeconds: Double = 30,
        minimumCohort: Int = 3,
        status: StatusBoard? = nil,
        connections: ConnectionLimits = ConnectionLimits()
    ) async throws {
        self.federation = federation
        let stop = stop
        journal = RunJournal(path: federation.folder.path + "/journal")
        store = ProgressFile(path: federation.folder.path + "/progress")
        transport = try NetworkTransport(
            participants: federation.names,
            spoolDirectory: federation.folder.path + "/incoming",
            journal: journal,
            maximumAnswer: NetworkTransport.maximumAnswer(
                adapterCount: federation.count,
                participants: federation.members.count
            ),
            minimumCohort: minimumCohort,
            waitSeconds: waitSeconds,
            silenceSeconds: silenceSeconds,
            isCancelled: { stop.isSet }
        )
        server = try await FederationServer(
            host: "127.0.0.1",
            port: port,
            tls: PinnedTLS(federation.hub),
            invitation: federation.invitation,
            emulatorPath: federation.folder.path + "/emulator.fsot",
            transport: transport,
            status: status.map { ("127.0.0.1", 0, $0) },
            limits: connections,
            isCancelled: { stop.isSet },
            logger: federation.logger
        )
    }

    /// Runs the rounds; the adapter after the last.
    func run(
        over wrap: @Sendable (NetworkTransport) -> any Transport = { $0 },
        limits: LegLimits = LegLimits(exchange: 20, training: 20),
        attempts: Int = 1,
        minimumSurvivors: Int? = nil
    ) async throws -> AdapterState {
        let stop = stop
        let coordinator = try federation.coordinator(
            wrap(transport),
            journal: journal,
            store: store,
            restored: store.restored(count: federation.count),
            minimumSurvivors: minimumSurvivors,
            limits: limits,
            attempts: attempts
        )
        return try await server.serve(farewell: 5) {
            try await coordinator.run(isCancelled: { stop.isSet })
            return await coordinator.latest
        }
    }
}

/// Keeps the last round in a file, as `RunDirectory` does.
struct ProgressFile: RoundStore {
    let path: String

    func save(_ record: RoundRecord, state: AdapterState, progress: RunProgress) throws {
        let data = try JSONEncoder().encode(progress)
        try AtomicFile.write(state.encoded, to: path + ".state")
        try AtomicFile.write(data, to: path)
    }

    func save(_ middle: RealignedMiddle) throws {}

    func restored(count: Int) throws -> (RunProgress, AdapterState)? {
        guard let data = FileManager.default.contents(atPath: path),
            let state = FileManager.default.contents(atPath: path + ".state")
        else { return nil }
        return (
            try JSONDecoder().decode(RunProgress.self, from: data),
            try AdapterState(decoding: state, count: count, from: "the file")
        )
    }
}

/// A participant that behaves badly at one leg; what it does is up to `change`.
struct Disturbed: FrameHandler {
    let inner: Participant
    let leg: ExchangeLeg
    let change: @Sendable (Data) async -> Data
    var name: String { inner.name }

    func handle(_ request: Data) async -> Data {
        let answer = await inner.handle(request)
        return Self.leg(of: request) == leg ? await change(answer) : answer
    }

    /// Which leg a question belongs to.
    static func leg(of request: Data) -> ExchangeLeg? {
        guard let frame = try? Frame(decoding: request, from: "test") else { return nil }
        switch frame.kind {
        case .instruct: return .instruct
        case .result: return .result
        case .secureAggregation: return frame.payload.first.flatMap(MaskingLeg.init(rawValue:))?.exchange
        default: return nil
        }
    }
}

/// Loses participants when the masked vectors are asked for.
struct DroppingTransport: Transport {
    let inner: InMemoryTransport
    let lost: Set<String>
    var participants: [String] { inner.participants }

    func exchange(_ exchange: Exchange, with participant: String) async throws -> Data {
        if exchange.key.leg == .mask, lost.contains(participant) { throw FederationError.noAnswer(from: participant) }
        return try await inner.exchange(exchange, with: participant)
    }
}
