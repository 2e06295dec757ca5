import Emulators
import Federation
import Foundation
import LanguageModels
import Logging
import PEFT
import Synchronization
import TensorEngine
import TestSupport
import Testing
import Training

/// An emulator that the owner distils again between rounds, on a tiny model.
@Suite struct RealignmentTests {
    private let split: OffsiteSplit
    private let metadata: EmulatorMetadata
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private static let sequences = (0..<150).map { record in
        (0..<24).map { (position: Int) -> Int32 in
            let word = record * 31 + position * 7 + position * record
            return Int32(3 + word % 240)
        }
    }
    private static let examples = sequences.prefix(4).enumerated().map {
        EncodedExample(ids: $1, labels: $1, recordIndex: $0)
    }

    init() throws {
        split = try OffsiteSplit(fullLayerCount: 4, bottom: 1, top: 1, keep: 0.5, selection: .uniform)
        metadata = EmulatorMetadata(split: split, releaseID: "test")
    }

    private func emulator() throws -> LanguageModel {
        try Golden.committedModel("llama").subset(blocks: split.sourceLayers, copying: Set(split.thinnedMiddle))
    }

    private func middleValues() throws -> [Float] {
        let parameters = try emulator().blocks[split.thinnedMiddle].flatMap(\.parameters)
        return parameters.sorted { $0.name < $1.name }.flatMap(\.value.values)
    }

    private func site(_ names: [String]) throws -> TrainingSite {
        try TrainingSite(
            loading: { try emulator() },
            metadata: metadata,
            configuration: SiteConfiguration(method: .blocks, batch: 2, seed: 1),
            examples: Dictionary(
                uniqueKeysWithValues: names.map { ($0, (Self.examples, ExampleSource(path: $0))) }
            )
        )
    }

    private func owner(
        _ site: TrainingSite,
        record: @escaping @Sendable (Realignment.Release) throws -> Void
    ) throws -> OwnerJudge {
        try OwnerJudge(
            loading: { try Golden.committedModel("llama") },
            metadata: metadata,
            method: .blocks,
            seed: 1,
            site: site,
            probe: Self.examples,
            margin: 100,
            realigning: (
                Realignment(
                    split: split,
                    text: PublicText(sequences: Self.sequences, source: "test"),
                    distillation: DistillationConfiguration(tokens: 8_000, loss: .perToken, learningRate: 2e-3),
                    record: record
                ), { try emulator() }
            )
        )
    }

    /// Re-alignment brings the middle's output nearer to the full model's, with the adapter of the moment in both.
    @Test func theMiddleComesNearer() async throws {
        let releases = Mutex<[Realignment.Release]>([])
        let site = try site([])
        let owner = try owner(site) { release in releases.withLock { $0.append(release) } }
        let tuned = AdapterState(values: site.initialState.values.enumerated().map { $1 * (1 + 0.1 * Float($0 % 3)) })
        let middle = try #require(try await owner.realign(to: tuned, after: 3))
        let release = try #require(releases.withLock { $0.first })
        #expect(release.round == 3 && release.releaseID == middle.releaseID && middle.round == 3)
        let losses = release.distillation.heldOut.map(\.loss)
        #expect(try #require(losses.min()) < 0.9 * (try #require(losses.first)), "\(losses)")
        #expect(middle.values.count == (try middleValues().count))
        try await site.adopt(middle)
        let before = try await site.loss(of: Self.examples, with: tuned)
        let other = try self.site([])
        #expect(try await other.loss(of: Self.examples, with: tuned).loss != before.loss)
        await #expect(throws: FederationError.self) {
            try await other.adopt(RealignedMiddle(round: 1, releaseID: "x", values: [1, 2]))
        }
    }

    /// A release that the ledger refuses is not shipped, and a masked run agrees on the emulator of each round.
    @Test(arguments: [true, false]) func aRunReAligns(isMasked: Bool) async throws {
        let names = ["a", "b", "c"]
        let site = try site(names)
        let releases = Mutex<[Int]>([])
        let owner = try owner(site) { release in releases.withLock { $0.append(release.round) } }
        let masking =
            isMasked
            ? try SimulatedMasking(names: names, emulatorHash: [UInt8](repeating: 7, count: 32), clip: 100, seed: 1)
            : nil
        let participants = names.enumerated().map { index, name in
            Participant(
                name: name,
                adapterCount: site.schema.count,
                weight: 1,
                trainer: site,
                masking: masking?.participants[index],
                logger: logger
            )
        }
        let coordinator = Coordinator(
            transport: try InMemoryTransport(participants),
            configuration: try FederationConfiguration(rounds: 5, localSteps: 1, learningRate: 1e-3),
            schema: site.schema,
            state: site.initialState,
            masking: masking?.coordinator,
            judge: owner,
            realignment: RealignmentSchedule(every: 2, by: owner),
            logger: logger
        )
        try await coordinator.run()
        #expect(await coordinator.progress.completedRounds == 5)
        #expect(releases.withLock { $0 } == [2, 4])
    }

    @Test func whatTheLedgerRefusesIsNotShipped() async throws {
        struct Full: Error {}
        let site = try site(["a"])
        let owner = try owner(site) { _ in throw Full() }
        await #expect(throws: Full.self) { try await owner.realign(to: site.initialState, after: 1) }
    }

    /// A coordinator that trains a holder on another emulator than it says, or sends rubbish, is refused.
    @Test func holdersRefuseAnotherEmulator() async throws {
        let site = try site(["a"])
        let holder = Participant(name: "a", adapterCount: site.schema.count, weight: 1, trainer: site, logger: logger)
        let state = site.initialState.encoded
        func answer(_ frame: Frame) async throws -> FrameKind {
            try Frame(decoding: await holder.handle(frame.encoded), from: "a").kind
        }
        func instruction(_ round: Int, _ realignedAfter: Int?) throws -> Frame {
            let header = RoundInstruction(
                round: round,
                localSteps: 1,
                learningRate: 1e-3,
                isMasked: false,
                stateHash: "",
                realignedAfter: realignedAfter
            )
            return try Frame(.instruct, header: header, payload: state)
        }
        func emulator(_ round: Int, _ values: [Float]) throws -> Frame {
            try Frame(
                .emulator,
                header: ["round": .number(round), "releaseID": .text("r")] as [String: HeaderValue],
                payload: AdapterState(values: values).encoded
            )
        }
        let values = try middleValues()
        #expect(try await answer(instruction(2, 1)) == .failure)
        #expect(try await answer(emulator(1, Array(values.dropLast()))) == .failure)
        #expect(try await answer(emulator(1, values.map { _ in .nan })) == .failure)
        #expect(try await answer(emulator(1, values)) == .acknowledge)
        #expect(try await answer(emulator(1, values)) == .failure)
        #expect(try await answer(instruction(2, nil)) == .failure)
        #expect(try await answer(instruction(2, 1)) == .ready)
        // The round that it was ready for is over: it heard no end of it, as after a drop-out.
        #expect(try await answer(emulator(2, values)) == .acknowledge)
        #expect(try await answer(Frame(.train)) == .failure)
        #expect(try await answer(instruction(3, 2)) == .ready)
    }
}

private enum HeaderValue: Encodable {
    case number(Int)
    case text(String)

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        }
    }
}
