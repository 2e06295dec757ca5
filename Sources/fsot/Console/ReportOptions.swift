import ArgumentParser
import Emulators
import PEFT
import Training

extension ReportDepth: ExpressibleByArgument {}
extension AdapterEnd: ExpressibleByArgument {}

/// What the owner's report measures, for `compress` and `report`.
struct ReportOptions: ParsableArguments {
    @Option(help: "The probe task's records to tune on: JSONL or CSV.")
    var probeData: String?

    @Option(help: "The probe task's held-out records. (default: every 5th of --probe-data)")
    var probeTest: String?

    @Option(help: "Records of each kind that are drawn.")
    var probeLimit = 200

    @Option(help: "Tunings, each with its own data order.")
    var probeSeeds = 3

    @Option(help: "Optimizer steps of a tuning.")
    var probeSteps = 100

    @Option(help: "Records of a step.")
    var probeBatch = 4

    @Option(help: "Learning rate of a tuning.")
    var probeLr = 1e-4

    @Option(help: "Tokens of the longest record; longer ones are cut.")
    var probeLength = 256

    @Option(help: "How records become text: alpaca, chatml or plain.")
    var probeTemplate: PromptTemplate = .alpaca

    @Option(help: "What a tuning trains: blocks or lora.")
    var probeAdapter = "blocks"

    @Option(help: "Rank of LoRA.")
    var probeRank = 8

    @Option(help: "Alpha of LoRA.")
    var probeAlpha = 16.0

    @Option(help: "Strength of the proximal term; 0: none.")
    var probeProximal = 0.0

    @Option(help: "Which end of the adapter is trained and plugged in: bottom, top or both.")
    var probeTrain: AdapterEnd = .both

    @Option(help: "Where finished pieces are kept, for a stopped report and for other emulators of this model.")
    var probeCache: String?

    @Option(help: "The attacker's public text. (default: --public-data)")
    var recoveryData: String?

    @Option(help: "Tokens that attack budgets are shares of. (default: the distillation's, 65536 without any)")
    var recoveryTokens: Int?

    @Option(help: "Data orders of the trained attacks; 0: the recovery attacks are not tried.")
    var recoverySeeds = 1

    @Option(parsing: .upToNextOption, help: "Other emulators of this model, with DIR.owner beside them, that collude.")
    var colluding: [String] = []

    @Option(help: "The owner's policy: a release that breaks a line of this YAML file is refused.")
    var policy: String?

    @Flag(help: "Release it although it breaks --policy; the report says so.")
    var acceptRisk = false

    func validate() throws {
        let counts = [
            ("--probe-limit", probeLimit), ("--probe-seeds", probeSeeds), ("--probe-steps", probeSteps),
            ("--probe-batch", probeBatch), ("--probe-rank", probeRank),
            ("--recovery-tokens", recoveryTokens ?? 1),
        ]
        if recoverySeeds < 0 { throw ValidationError("--recovery-seeds \(recoverySeeds) is negative") }
        for (name, value) in counts where value < 1 { throw ValidationError("\(name) \(value) is not positive") }
        for (name, value) in [("--probe-lr", probeLr), ("--probe-alpha", probeAlpha)]
        where !(value > 0 && value.isFinite) {
            throw ValidationError("\(name) \(value) is not a positive number")
        }
        if !(probeProximal >= 0 && probeProximal.isFinite) {
            throw ValidationError("--probe-proximal \(probeProximal) is not a number from 0 on")
        }
        if !["blocks", "lora"].contains(probeAdapter) {
            throw ValidationError("--probe-adapter \(probeAdapter) is not blocks or lora")
        }
        if acceptRisk, policy == nil { throw ValidationError("--accept-risk needs --policy FILE") }
        if probeTest != nil, probeData == nil { throw ValidationError("--probe-test needs --probe-data FILE") }
    }

    /// Refuses what only a full report measures.
    ///
    /// - Throws: `ValidationError`.
    func check(at depth: ReportDepth) throws {
        let given = [
            ("--probe-data", probeData != nil), ("--recovery-data", recoveryData != nil),
            ("--recovery-tokens", recoveryTokens != nil), ("--colluding", !colluding.isEmpty),
        ]
        if depth != .full, let name = given.first(where: \.1)?.0 {
            throw ValidationError("\(name) is for --report full, which measures it")
        }
    }

    var probeConfiguration: ProbeConfiguration {
        ProbeConfiguration(
            method: probeAdapter == "lora" ? .lora(rank: probeRank, alpha: probeAlpha, targets: []) : .blocks,
            end: probeTrain,
            steps: probeSteps,
            batch: probeBatch,
            learningRate: probeLr,
            proximal: probeProximal,
            seeds: probeSeeds
        )
    }

    /// Reads the probe task's records; nil without any.
    ///
    /// - Throws: `TrainingError`, `TokenizerError`.
    func probeTask(_ files: ModelFiles) throws -> ProbeTask? {
        guard let probeData else { return nil }
        return try ProbeTask(
            training: RecordFile.open(probeData),
            heldOut: try probeTest.map { try RecordFile.open($0) },
            encoder: RecordEncoder(
                files.tokenizer,
                template: probeTemplate,
                maximumLength: probeLength,
                configuration: files.configuration
            ),
            limit: probeLimit
        )
    }
}
