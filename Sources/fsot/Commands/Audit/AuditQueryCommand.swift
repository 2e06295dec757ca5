import ArgumentParser
import Audit
import Foundation
import Sealing
import Training

/// `fsot audit query`: a data holder asks the owner to score its records on the full model.
struct AuditQueryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "At a data holder: ask the model's owner to score your records on the full model.",
        discussion: """
            The query shows the owner the text of all records of the plan, for there is no scoring without it; it does not \
            say which of them were trained on. It is sealed to the owner (age). Who will not show its records does not ask, \
            and the report marks the owner's vantage point as not measured.

            Example:
              fsot audit query run --plan north/plan --suite Attacks/quick.yaml --to owner.card -o north.query.age
            """
    )

    @OptionGroup var audited: AuditedRunOptions

    @Option(help: "The owner's card.")
    var to: String

    @Option(name: .shortAndLong, help: "The sealed query, such as north.query.age.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    private struct Result: Encodable {
        var output: String
        var records: Int
        var digest: String
        var owner: String
        var fingerprint: String
    }

    mutating func run() throws {
        let (audited, drawn, suite) = try self.audited.load()
        let owner = try IdentityCard(path: to)
        let query = try AuditedRunOptions.query(audited, drawn, suite)
        try SealedExchange.write(query.json(), to: output, for: owner)
        options.console.warn(
            "\(output) shows \(owner.name) the text of \(query.lines.count) records, and not which of them were trained on"
        )
        let digest = try query.digest()
        try options.console.result(
            """
            query             \(output), sealed to \(owner.name)
            fingerprint       \(owner.fingerprint)
            digest            \(digest)
            """,
            json: Result(
                output: output,
                records: query.lines.count,
                digest: digest,
                owner: owner.name,
                fingerprint: owner.fingerprint
            )
        )
    }
}
