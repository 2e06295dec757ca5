import ArgumentParser
import AtomicFiles
import Audit
import Checkpoints
import DifferentialPrivacy
import Emulators
import Federation
import Foundation
import LanguageModels
import Logging
import PEFT
import Sealing
import Training

/// `fsot tune`: data holders fine-tune the adapter on an emulator under secure aggregation.
struct Tune: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fine-tune the adapter on an emulator with the data holders' records, under secure aggregation.",
        discussion: """
            One file is one data holder. Each trains on its own records and sends a masked update; the coordinator \
            learns only the sum. A run that was stopped goes on with the same command and --resume, to the same bits. The \
            plaintext of a sealed emulator stays in memory.

            Examples:
              fsot tune emulator --data north.jsonl lake.jsonl hill.jsonl --rounds 4 --local-steps 10 -o run
              fsot tune emulator --data north.jsonl lake.jsonl --dp-noise 1 --dp-clip 1 --dp-delta 1e-5 -o run
              fsot tune emulator.fsot --identity alice.identity --from owner.card --plan plan --method lora -o run
              fsot tune emulator --plan north/plan lake/plan hill/plan -o run    # each drew its coins alone
              fsot tune --join https://host:8443 --roster consortium.invite --identity alice.identity --data alice.jsonl -o run
            """
    )

    @Argument(
        help: "An emulator directory, or a sealed .fsot file; with --join it may be left out and is then fetched."
    )
    var emulator: String?

    @OptionGroup(title: "Federation") var federation: JoiningOptions

    @Option(parsing: .upToNextOption, help: "One file = one data holder: JSONL (optionally gzip) or CSV.")
    var data: [String] = []

    @Option(
        parsing: .upToNextOption,
        help:
            "Plans of fsot audit plan, one or several that were drawn alone: trains on their included records only, and records their roots before round 1."
    )
    var plan: [String] = []

    @OptionGroup var opening: OpeningOptions

    @Option(help: "Which CSV column feeds which key: instruction=Question,output=Answer.")
    var columns: String?

    @OptionGroup(title: "Training") var training: TrainingOptions

    @Option(
        parsing: .upToNextOption,
        help:
            "Auditors' cards: keep what each vantage point sees of each round, single updates included, so that only they can open it. In a simulation only; nothing is kept unless asked."
    )
    var observe: [String] = []

    @Flag(help: "Keep the adapter after every round, so that fsot audit score can attack the rounds' sums.")
    var keepRounds = false

    @Flag(help: "Send updates in the clear. The coordinator then sees each one.")
    var noMasking = false

    @OptionGroup(title: "Canary clients") var canaryClients: CanaryClientOptions

    @OptionGroup(title: "Owner's check") var owner: OwnerCheckOptions

    @OptionGroup(title: "Re-alignment") var realigning: RealignmentOptions

    @Option(help: ComputeChoice.help)
    var compute: ComputeChoice = .auto

    @Flag(help: "Go on with the run in --output.")
    var resume = false

    @Option(name: .shortAndLong, help: "A new directory, or the run to go on with.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    func validate() throws {
        try federation.validate(self)
        if emulator == nil, federation.join == nil { throw ValidationError("give an EMULATOR, or --join an address") }
        if data.isEmpty == plan.isEmpty { throw ValidationError("give either --data FILE... or --plan PLAN_DIR...") }
        try canaryClients.validate(training)
        try realigning.validate(isOwnerHere: owner.model != nil, rounds: training.rounds)
    }

    func run() async throws {
        if let address = federation.join { return try await JoinedTuning(self, address: address).run() }
        guard let emulator else { return }
        let console = options.console
        if !resume, FileManager.default.fileExists(atPath: output) { throw AtomicFileError.alreadyExists(path: output) }
        if resume { _ = try RunDirectory.description(at: output) }
        let source = try EmulatorSource(path: emulator, opening: opening, console: console)
        let files = try ModelFiles(source.directory)
        let plans = try plan.map { try DrawnPlan.load(from: $0) }
        let holders =
            plans.isEmpty ? try HolderRecords.read(data: data, columns: columns) : try includedRecords(of: plans)
        let encoder = try RecordEncoder(
            files.tokenizer,
            template: training.template,
            maximumLength: training.maxLength,
            configuration: files.configuration
        )
        let encoded = try holders.map { try $0.encoded(with: encoder, console: console) }
        let display = console.progress()
        let siteConfiguration = try training.site(compute)
        let progress = TuningProgress(
            rounds: training.rounds,
            participantsPerRound: min(training.sample ?? .max, holders.count),
            handler: display.handler
        )
        let site = try TrainingSite(
            loading: { try LanguageModel.load(emulator: source) },
            metadata: source.metadata,
            configuration: siteConfiguration,
            examples: Dictionary(
                uniqueKeysWithValues: zip(holders, encoded).map {
                    ($0.name, (examples: $1, source: ExampleSource($0.file)))
                }
            ),
            progress: { progress.advance($0, $1) },
            isCancelled: { Interruption.isRequested }
        )
        let rounds = try training.federation(judgeEvery: owner.judgeEvery)
        let realignment = try realigning.settings(emulator: source.path, metadata: source.metadata, seed: training.seed)
        let isMasked = !noMasking && holders.count > 1
        if isMasked, training.sample == 1 {
            throw CommandFailure(
                "--sample 1 leaves one update, which no mask hides in a sum; draw at least 2, or give --no-masking."
            )
        }
        if !noMasking && !isMasked { console.warn("one data holder alone cannot be masked: its update is the sum") }
        let canaries = try canaryClients.canaries(training)
        let auditors = try observe.map { try IdentityCard(path: $0) }
        let description = RunDescription(
            version: Fsot.configuration.version,
            emulator: source.path,
            emulatorDigest: source.hexadecimalDigest,
            emulatorBytes: source.shippedBytes,
            metadata: source.metadata,
            plans: plan,
            commitments: try plans.isEmpty ? nil : plans.map { try RunDescription.Commitment($0.commitment()) },
            holders: try zip(holders, encoded).map {
                RunDescription.Holder(
                    name: $0.name,
                    file: $0.file.path,
                    digest: try FileDigest.hexadecimal(of: $0.file.path),
                    records: $1.count,
                    privacy: try siteConfiguration.privacy?.guarantee(
                        batchSize: training.batch,
                        records: $1.count,
                        steps: training.rounds * training.localSteps
                    )
                )
            },
            template: training.template,
            maximumLength: training.maxLength,
            site: siteConfiguration,
            federation: rounds,
            isMasked: isMasked,
            clip: training.updateClip,
            quantisation: training.quantisation,
            judgeModel: owner.model,
            probeDigest: try owner.probe.map { try FileDigest.hexadecimal(of: $0) },
            margin: owner.model == nil ? nil : owner.margin,
            realignment: realignment,
            observedFor: auditors.isEmpty ? nil : auditors.map(\.name),
            adapterParameters: site.schema.count,
            clientPrivacy: try rounds.privacy?.guarantee(
                population: holders.count + (canaries?.includedNames.count ?? 0),
                perRound: training.sample,
                rounds: training.rounds
            ),
            isNoiseSeeded: training.privacy.isOn ? training.givenSeed != nil : nil,
            canaryClients: canaries
        )
        warnOfLargeDelta(description)
        var store =
            try resume
            ? RunDirectory.resume(description, schema: site.schema, at: output)
            : RunDirectory.create(description, schema: site.schema, at: output)
        store.keepsRounds = keepRounds
        let judge = try owner.judge(
            of: source,
            siteConfiguration,
            template: training.template,
            maximumLength: training.maxLength,
            site: site,
            columns: columns,
            realigning: realignment.map { (realigning, $0, output) },
            progress: display.handler
        )
        let session = TuningSession(
            description: description,
            site: site,
            store: store,
            judge: judge,
            weights: encoded.map(\.count),
            auditors: auditors,
            console: console,
            display: display,
            progress: progress
        )
        try await session.run(resuming: resume)
    }

    /// The included records of each plan; warns of records that one plan holds out and another trains on.
    func includedRecords(of plans: [DrawnPlan]) throws -> [HolderRecords] {
        let contradictions = try DrawnPlan.joining(plans).contradictions
        if contradictions > 0 {
            options.console.warn(
                "\(contradictions) records that one plan holds out are trained on by another; an audit will take them for held out"
            )
        }
        return try zip(plan, plans).flatMap { directory, drawn in
            try drawn.plan.holders.map {
                HolderRecords(
                    name: $0.name,
                    file: try RecordFile.open(directory + "/" + DrawnPlan.includedFile(of: $0.name))
                )
            }
        }
    }

    /// A δ of one over the participants would allow to reveal one of them whole.
    private func warnOfLargeDelta(_ run: RunDescription) {
        for holder in run.holders {
            guard let delta = holder.privacy?.delta, delta * Double(holder.records) >= 1 else { continue }
            options.console.warn(
                "--dp-delta \(delta) is not below one over the \(holder.records) records of \(holder.name); take a smaller δ"
            )
        }
        if let delta = run.clientPrivacy?.delta, delta * Double(run.holders.count) >= 1 {
            options.console.warn(
                "--client-dp-delta \(delta) is not below one over the \(run.holders.count) data holders; take a smaller δ"
            )
        }
    }
}

/// One data holder's records.
struct HolderRecords {
    let name: String
    let file: RecordFile

    /// Reads the holders' files.
    static func read(data: [String], columns: String?) throws -> [HolderRecords] {
        let mapping = try columns.map { try ColumnMapping(parsing: $0) }
        let files = try data.map { try RecordFile.open($0, columns: mapping) }
        let names = HolderNames.of(data)
        if let name = HolderNames.firstDuplicate(in: names) { throw AuditError.duplicateHolder(name: name) }
        return zip(names, files).map { HolderRecords(name: $0, file: $1) }
    }

    /// The records as the model sees them; says what was cut.
    func encoded(with encoder: RecordEncoder, console: Console) throws -> [EncodedExample] {
        let result = try encoder.encode(file.records)
        if !result.truncated.isEmpty {
            console.warn(
                "\(name): \(result.truncated.count) of \(file.records.count) records were cut to \(encoder.maximumLength) tokens"
            )
        }
        if !result.withoutLabels.isEmpty {
            console.warn(
                "\(name): \(result.withoutLabels.count) records have no answer left within that length and are not used"
            )
        }
        guard !result.examples.isEmpty else {
            throw TrainingError.nothingToLearn(path: file.path, maximumLength: encoder.maximumLength)
        }
        return result.examples
    }
}

extension RunDescription.Commitment {
    /// What a run records of a plan's commitment.
    init(_ commitment: PlanCommitment) {
        self.init(holders: commitment.holders, root: commitment.root, records: commitment.records)
    }
}
