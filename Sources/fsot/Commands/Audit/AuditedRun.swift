import ArgumentParser
import Audit
import Federation
import Foundation
import Training

/// What was tuned, as a data holder knows it: from the run directory, or from a broadcast adapter and what was agreed on.
struct AuditedRun {
    /// The run or adapter that was given.
    let path: String
    /// `run.json`; nil for an adapter alone.
    let description: RunDescription?
    /// How records became text.
    let template: PromptTemplate
    /// Tokens of the longest record.
    let maximumLength: Int

    /// - Parameters:
    ///   - template: for an adapter alone.
    ///   - maximumLength: for an adapter alone.
    /// - Throws: `FederationError`, `CommandFailure` when both are missing or contradict the run.
    init(_ path: String, template: PromptTemplate?, maximumLength: Int?) throws {
        self.path = path
        let isRun = FileManager.default.fileExists(atPath: path + "/run.json")
        description = isRun ? try RunDirectory.description(at: path) : nil
        guard let template = description?.template ?? template,
            let maximumLength = description?.maximumLength ?? maximumLength
        else {
            throw CommandFailure(
                "\(path) is an adapter without its run.json; give --template and --max-length as the run had them."
            )
        }
        self.template = template
        self.maximumLength = maximumLength
    }

    /// SHA-256 of the adapter's weights.
    ///
    /// - Throws: `CommandFailure` when there are none.
    static func adapterDigest(_ path: String) throws -> String {
        let files = [path, path + "/adapter"].map { $0 + "/adapter_model.safetensors" }
        guard let file = files.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
            throw CommandFailure(
                "\(path) holds no adapter_model.safetensors; give a finished run, or the adapter that it broadcast."
            )
        }
        return try FileDigest.hexadecimal(of: file)
    }

    /// Refuses a plan whose root the run did not record before round 1.
    func check(_ plan: DrawnPlan, path planPath: String) throws {
        try description?.requireRoot(of: plan, at: planPath, run: path)
    }
}

extension RunDescription {
    /// Refuses a plan whose root the run did not record before round 1: one that was drawn anew has other coins, by which no
    /// attack can find anything.
    ///
    /// - Throws: `CommandFailure`.
    func requireRoot(of plan: DrawnPlan, at planPath: String, run path: String) throws {
        let root = try plan.commitment().root
        guard commitments?.contains(where: { $0.root == root }) == true else {
            throw CommandFailure(
                "\(path) did not record the root of \(planPath) before round 1; give the plan that it was tuned with."
            )
        }
    }
}

/// Which run a data holder speaks of, with which plan and suite.
struct AuditedRunOptions: ParsableArguments {
    @Argument(help: "The run directory, or the adapter that was broadcast at its end.")
    var runOrAdapter: String

    @Option(help: "Your plan of fsot audit plan.")
    var plan: String

    @Option(help: "The attack suite, the same at all data holders. (default: the built-in quick suite)")
    var suite: String?

    @Option(help: "How records become text, for an adapter without its run.json: alpaca, chatml or plain.")
    var template: PromptTemplate?

    @Option(help: "Tokens of the longest example, for an adapter without its run.json.")
    var maxLength: Int?

    /// Reads run, plan and suite, and refuses a plan that is not the run's.
    ///
    /// - Throws: `AuditError`, `FederationError`, `CommandFailure`.
    func load() throws -> (run: AuditedRun, drawn: DrawnPlan, suite: AttackSuite) {
        let run = try AuditedRun(runOrAdapter, template: template, maximumLength: maxLength)
        let drawn = try DrawnPlan.load(from: plan)
        try run.check(drawn, path: plan)
        return (run, drawn, try suite.map { try SuiteFile.read($0) } ?? AttackSuite())
    }

    /// The query to the owner, which these always give alike.
    ///
    /// - Throws: `CryptographyError.noSecretMemory`, `AuditError.damagedPlan`.
    static func query(_ run: AuditedRun, _ drawn: DrawnPlan, _ suite: AttackSuite) throws -> ScoreQuery {
        try ScoreQuery(of: drawn, suite: suite, template: run.template.rawValue, maximumLength: run.maximumLength)
    }
}
