import AtomicFiles
import Checkpoints
import DifferentialPrivacy
import Emulators
import Foundation
import Training

/// `run.json`: the resolved configuration of a run; resuming demands the same one.
public struct RunDescription: Codable, Sendable, Equatable {
    /// One data holder.
    public struct Holder: Codable, Sendable, Equatable {
        /// The name.
        public var name: String
        /// The records' file.
        public var file: String
        /// SHA-256 of the file, in hexadecimal.
        public var digest: String
        /// Records trained on.
        public var records: Int
        /// What the whole run guarantees to each of its records; nil: nothing.
        public var privacy: PrivacyGuarantee?

        /// Describes a holder.
        public init(
            name: String,
            file: String,
            digest: String,
            records: Int,
            privacy: PrivacyGuarantee? = nil
        ) {
            self.privacy = privacy
            self.name = name
            self.file = file
            self.digest = digest
            self.records = records
        }
    }

    /// What data holders showed of a plan before round 1.
    public struct Commitment: Codable, Sendable, Equatable {
        /// The data holders of the plan.
        public var holders: [String]
        /// The Merkle root over the plan's records and coins, in hexadecimal.
        public var root: String
        /// Records of the plan, held-out ones included.
        public var records: Int

        /// Collects the values.
        public init(holders: [String], root: String, records: Int) {
            self.holders = holders
            self.root = root
            self.records = records
        }
    }

    /// Layout version of this file.
    public var format = 1
    /// fsot's version.
    public var version: String
    /// The emulator: directory or sealed file.
    public var emulator: String
    /// SHA-256 of its weights, in hexadecimal.
    public var emulatorDigest: String
    /// Bytes of the emulator as shipped, counted once a holder.
    public var emulatorBytes: Int
    /// `emulator.json`.
    public var metadata: EmulatorMetadata
    /// The plan's directory, when the run follows one.
    public var plan: String?
    /// The plans' directories, when each of several was drawn alone.
    public var plans: [String]?
    /// The plans' roots, recorded before round 1; nil without plans and in older runs.
    public var commitments: [Commitment]?
    /// The holders in order.
    public var holders: [Holder]
    /// The template.
    public var template: PromptTemplate
    /// Tokens of the longest example.
    public var maximumLength: Int
    /// How holders train.
    public var site: SiteConfiguration
    /// How rounds run.
    public var federation: FederationConfiguration
    /// Whether updates are masked.
    public var isMasked: Bool
    /// Bound on an update's norm under masking.
    public var clip: Double
    /// How masked updates become integers; nil: 32 bits without a rotation.
    public var quantisation: Quantisation?
    /// The owner's model when it judged.
    public var judgeModel: String?
    /// SHA-256 of the owner's validation records, in hexadecimal.
    public var probeDigest: String?
    /// Nats a token by which an aggregate may be worse than the untuned model.
    public var margin: Double?
    /// How the emulator is distilled again between rounds; nil: never.
    public var realignment: RealignmentSettings?
    /// The auditors who can open what was kept of each round; nil: nothing was kept.
    public var observedFor: [String]?
    /// Numbers in the adapter.
    public var adapterParameters: Int
    /// What the whole run guarantees to each data holder; nil: nothing.
    public var clientPrivacy: PrivacyGuarantee?
    /// Whether the noise follows from the seed, so that its ε holds in a simulation only; nil without noise.
    public var isNoiseSeeded: Bool?
    /// Participants that were planted to measure what is given away of one; nil: none.
    public var canaryClients: CanaryClients?

    /// How the owner re-aligns the emulator.
    public struct RealignmentSettings: Codable, Sendable, Equatable {
        /// Rounds between two re-alignments.
        public var every: Int
        /// SHA-256 of the public text, in hexadecimal.
        public var textDigest: String
        /// How it is distilled.
        public var distillation: DistillationConfiguration

        /// Collects the settings.
        public init(every: Int, textDigest: String, distillation: DistillationConfiguration) {
            self.every = every
            self.textDigest = textDigest
            self.distillation = distillation
        }
    }

    /// The directories of the plans that the run follows, in the holders' order.
    public var planDirectories: [String] { plans ?? plan.map { [$0] } ?? [] }

    /// Collects what a run was started with.
    public init(
        version: String,
        emulator: String,
        emulatorDigest: String,
        emulatorBytes: Int,
        metadata: EmulatorMetadata,
        plans: [String],
        commitments: [Commitment]? = nil,
        holders: [Holder],
        template: PromptTemplate,
        maximumLength: Int,
        site: SiteConfiguration,
        federation: FederationConfiguration,
        isMasked: Bool,
        clip: Double,
        quantisation: Quantisation = .full,
        judgeModel: String?,
        probeDigest: String?,
        margin: Double?,
        realignment: RealignmentSettings? = nil,
        observedFor: [String]? = nil,
        adapterParameters: Int,
        clientPrivacy: PrivacyGuarantee? = nil,
        isNoiseSeeded: Bool? = nil,
        canaryClients: CanaryClients? = nil
    ) {
        self.canaryClients = canaryClients
        self.clientPrivacy = clientPrivacy
        self.isNoiseSeeded = isNoiseSeeded
        self.version = version
        self.emulator = emulator
        self.emulatorDigest = emulatorDigest
        self.emulatorBytes = emulatorBytes
        self.metadata = metadata
        plan = plans.count == 1 ? plans[0] : nil
        self.plans = plans.count > 1 ? plans : nil
        self.commitments = commitments
        self.holders = holders
        self.template = template
        self.maximumLength = maximumLength
        self.site = site
        self.federation = federation
        self.isMasked = isMasked
        self.clip = clip
        self.quantisation = quantisation == .full ? nil : quantisation
        self.judgeModel = judgeModel
        self.probeDigest = probeDigest
        self.margin = margin
        self.realignment = realignment
        self.observedFor = observedFor
        self.adapterParameters = adapterParameters
    }
}

/// A run's directory: `run.json`, `metrics.jsonl`, `rounds/`, `checkpoint/`, and `adapter/` once it is finished.
public struct RunDirectory: RoundStore {
    /// Where it lies.
    public let path: String
    private let schema: AdapterSchema
    /// Whether the adapter after every round stays, and not only the latest and the best: for data holders who audit what each
    /// round's sum gives away.
    public var keepsRounds = false

    private var runFile: String { path + "/run.json" }
    private var metricsFile: String { path + "/metrics.jsonl" }
    private var checkpointFile: String { path + "/checkpoint/progress.json" }
    /// The finished adapter's directory.
    public var adapterPath: String { path + "/adapter" }

    /// Where the observation of a round lies, sealed to the auditors.
    public static func observationFile(_ round: Int, at path: String) -> String {
        path + String(format: "/observations/%04d.safetensors.age", round)
    }

    private func roundFile(_ round: Int) -> String { path + String(format: "/rounds/%04d.safetensors", round) }

    /// Opens an existing run.
    ///
    /// - Throws: `FederationError.invalidRun`.
    public static func description(at path: String) throws -> RunDescription {
        guard let data = FileManager.default.contents(atPath: path + "/run.json") else {
            throw FederationError.invalidRun(
                path: path,
                reason: "it holds no run.json; give a directory that fsot tune wrote"
            )
        }
        do {
            return try JSONDecoder().decode(RunDescription.self, from: data)
        } catch {
            throw FederationError.invalidRun(path: path, reason: "run.json is damaged; tune again into a new directory")
        }
    }

    /// Starts a new run; the directory must not exist or be empty.
    ///
    /// - Throws: `AtomicFileError`.
    public static func create(_ description: RunDescription, schema: AdapterSchema, at path: String) throws
        -> RunDirectory
    {
        let staged = try StagedDirectory(destination: path)
        for name in ["rounds", "checkpoint"] {
            do {
                try FileManager.default.createDirectory(
                    atPath: staged.path + "/" + name,
                    withIntermediateDirectories: true
                )
            } catch {
                throw AtomicFileError.system(operation: "create", path: path + "/" + name, reason: "\(error)")
            }
        }
        try AtomicFile.write(try encode(description), to: staged.path + "/run.json")
        try AtomicFile.write(Data(), to: staged.path + "/metrics.jsonl")
        try staged.commit()
        return RunDirectory(path: path, schema: schema)
    }

    /// Opens a run to go on with it.
    ///
    /// - Throws: `FederationError.invalidRun` when the run was started with other settings.
    public static func resume(_ description: RunDescription, schema: AdapterSchema, at path: String) throws
        -> RunDirectory
    {
        let earlier = try Self.description(at: path)
        var description = description
        // What an older version did not record before round 1 cannot be recorded now.
        if earlier.commitments == nil { description.commitments = nil }
        guard earlier == description else {
            throw FederationError.invalidRun(
                path: path,
                reason: "it was started with other settings, records or another emulator;"
                    + " give the same ones, or another --output"
            )
        }
        return RunDirectory(path: path, schema: schema)
    }

    /// Where the run stands; nil before the first round is done.
    ///
    /// - Throws: `FederationError.invalidRun`, `CheckpointError`.
    public func restored() throws -> (progress: RunProgress, latest: AdapterState, best: AdapterState?)? {
        guard let data = FileManager.default.contents(atPath: checkpointFile) else { return nil }
        guard let progress = try? JSONDecoder().decode(RunProgress.self, from: data) else {
            throw FederationError.invalidRun(
                path: checkpointFile,
                reason: "it is damaged; tune again into a new directory"
            )
        }
        let best = try progress.bestRound.flatMap { try $0 > 0 ? state(after: $0) : nil }
        return (progress, try state(after: progress.completedRounds), best)
    }

    /// The rounds so far.
    ///
    /// - Throws: `FederationError.invalidRun`.
    public static func records(at path: String) throws -> [RoundRecord] {
        let data = FileManager.default.contents(atPath: path + "/metrics.jsonl") ?? Data()
        do {
            return try data.split(separator: 10).map { try JSONDecoder().decode(RoundRecord.self, from: Data($0)) }
        } catch {
            throw FederationError.invalidRun(path: path, reason: "metrics.jsonl is damaged")
        }
    }

    /// Saves a round: the adapter first, then the log, then the pointer to both; a crash in between loses nothing.
    public func save(_ record: RoundRecord, state: AdapterState, progress: RunProgress) throws {
        var offset = 0
        let entries = schema.entries.map { entry in
            defer { offset += entry.count }
            return SafetensorsWriter.Entry(
                name: entry.name,
                shape: entry.shape,
                values: Array(state.values[offset..<(offset + entry.count)])
            )
        }
        try SafetensorsWriter.write(entries, metadata: ["round": "\(record.round)"], to: roundFile(record.round))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let earlier = try Self.records(at: path).filter { $0.round < record.round }
        let lines = try (earlier + [record]).map { String(decoding: try encoder.encode($0), as: UTF8.self) + "\n" }
        try AtomicFile.write(lines.joined(), to: metricsFile)
        try AtomicFile.write(try Self.encode(progress), to: checkpointFile)
        for old in 1..<max(1, record.round) where !keepsRounds && old != progress.bestRound {
            try? FileManager.default.removeItem(atPath: roundFile(old))
        }
    }

    /// The sums that the broadcasts give away to whoever keeps them: the differences of consecutive adapters, single updates
    /// unknown. Only rounds whose adapter and whose predecessor's are still there, and in which the adapter moved.
    ///
    /// - Parameters:
    ///   - path: the run.
    ///   - schema: of the adapter.
    ///   - initial: the adapter before round 1.
    ///   - limit: the last round to look at.
    /// - Throws: `FederationError.invalidRun`, `CheckpointError`.
    public static func broadcastSums(
        at path: String,
        schema: AdapterSchema,
        initial: AdapterState,
        upTo limit: Int
    ) throws -> [RoundObservation] {
        let run = RunDirectory(path: path, schema: schema)
        var sums: [RoundObservation] = []
        var before: AdapterState? = initial
        for round in 1...max(1, limit) {
            let isKept = FileManager.default.fileExists(atPath: run.roundFile(round))
            let after = isKept ? try run.state(after: round) : nil
            if let before, let after, before != after {
                let sum = after.difference(from: before)
                sums.append(RoundObservation(round: round, broadcast: before.values, updates: [:], aggregate: sum))
            }
            before = after
        }
        return sums
    }

    /// Removes the run: for one that failed in its first round.
    public func discard() {
        try? FileManager.default.removeItem(atPath: path)
    }

    private func state(after round: Int) throws -> AdapterState {
        let file = try SafetensorsFile(path: roundFile(round))
        guard file.tensorNames == schema.entries.map(\.name).sorted() else {
            throw FederationError.invalidRun(path: roundFile(round), reason: "it holds another adapter")
        }
        var values: [Float] = []
        values.reserveCapacity(schema.count)
        for entry in schema.entries { values += try file.values(entry.name) }
        guard values.count == schema.count else {
            throw FederationError.invalidRun(path: roundFile(round), reason: "it holds another adapter")
        }
        return AdapterState(values: values)
    }

    private static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }
}
