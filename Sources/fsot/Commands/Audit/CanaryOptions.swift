import ArgumentParser
import Audit
import LanguageModels
import Progress

/// Canaries to plant among the records of a plan.
struct CanaryOptions: ParsableArguments {
    @Option(
        help: "Canaries to plant, in all; 20 of those planted once are the fewest for a bound on ε. (default: none)"
    )
    var canaries: Int?

    @Option(help: "What they are, with commas: random, new-token or high-temperature; the last two need --model.")
    var canaryKinds = Self.usualKinds

    @Option(help: "How often an included one occurs, with commas; they are dealt to these in turn.")
    var canaryRepetitions = Self.usualRepetitions

    @Option(help: "A public model with the tokenizer of the one that will be tuned, for canaries that are not random.")
    var model: String?

    private static let usualKinds = Canary.Kind.random.rawValue
    private static let usualRepetitions = CanaryRequest.usualRepetitions.map(String.init).joined(separator: ",")

    /// An option that says something other than its default.
    private var canaryOptionGiven: String? {
        if model != nil { return "--model" }
        if canaryKinds != Self.usualKinds { return "--canary-kinds" }
        return canaryRepetitions == Self.usualRepetitions ? nil : "--canary-repetitions"
    }

    /// - Throws: `AuditError.outOfRange`, `.invalidCanaries`, `CommandFailure` for a missing model, and what reading it throws.
    func plant(in drawn: DrawnPlan, seed: UInt64, console: Console) throws -> DrawnPlan {
        guard let canaries else {
            if let option = canaryOptionGiven {
                throw CommandFailure("\(option) is for canaries, and none are asked for; give --canaries.")
            }
            return drawn
        }
        let kinds = try canaryKinds.split(separator: ",").map { name in
            guard let kind = Canary.Kind(rawValue: String(name)) else {
                let known = Canary.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                throw CommandFailure("--canary-kinds has \(name), and there are \(known); correct it.")
            }
            return kind
        }
        let repetitions = try canaryRepetitions.split(separator: ",").map { text in
            guard let number = Int(text) else {
                throw CommandFailure("--canary-repetitions has \(text), which is no number; write 1,4,16.")
            }
            return number
        }
        let request = try CanaryRequest(count: canaries, kinds: kinds, repetitions: repetitions)
        return try drawn.planting(request, secrets: secrets(request, kinds, drawn, seed: seed, console))
    }

    private func secrets(
        _ request: CanaryRequest,
        _ kinds: [Canary.Kind],
        _ drawn: DrawnPlan,
        seed: UInt64,
        _ console: Console
    ) throws -> [Canary.Kind: [String]] {
        guard let kind = kinds.first(where: { $0 != .random }) else { return [:] }
        guard let model else {
            throw CommandFailure(
                "\(kind.rawValue) canaries follow from a model's vocabulary or texts; give --model, or plant random ones."
            )
        }
        var secrets: [Canary.Kind: [String]] = [:]
        if kinds.contains(.newToken) {
            let files = try ModelFiles(path: model)
            secrets[.newToken] = try UnseenTokens.secrets(
                request.count(of: .newToken),
                tokenizer: files.tokenizer,
                vocabulary: files.configuration.vocabularySize,
                avoiding: drawn.records,
                seed: seed
            )
        }
        if kinds.contains(.highTemperature) {
            let loaded = try LoadedModel(path: model, console: console)
            let display = console.progress()
            defer { display.finish() }
            secrets[.highTemperature] = try HighTemperatureTexts.secrets(
                request.count(of: .highTemperature),
                model: loaded.model,
                tokenizer: loaded.tokenizer,
                stopIDs: loaded.stopIDs,
                seed: seed
            ) { done, total in
                display.handler(
                    ProgressEvent(phase: "writing canaries", completed: done, total: total, unit: "tokens")
                )
                return !Interruption.isRequested
            }
        }
        return secrets
    }
}
