import ArgumentParser
import Audit

/// `fsot audit epsilon`: what one training run with canaries proves about ε.
struct AuditEpsilonCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "epsilon",
        abstract: "The lower bound on ε that guesses about canaries in one training run prove.",
        discussion: """
            Each canary was put in by a fair coin of its own before training. Afterwards you guessed "in" or "out" for some \
            of them and abstained on the rest; how many to guess was fixed before looking. If the run had been \
            (ε, δ)-differentially private with an ε below the bound, so many correct guesses would be rarer than \
            --significance (Steinke, Nasr & Jagielski 2023).

            The second figure holds only if the mechanism's trade-off curve is Gaussian, as that of normal noise is \
            (Mahloujifar, Melis & Chaudhuri 2025). Compare both with what fsot dp promises for the same δ.

            Example:
              fsot audit epsilon --canaries 1000 --guesses 100 --correct 75 --delta 1e-4
            """
    )

    @Option(help: "Canaries whose coins were tossed.")
    var canaries: Int

    @Option(help: "Guesses that were made.")
    var guesses: Int

    @Option(help: "Guesses that were right.")
    var correct: Int

    @Option(help: "δ of the promise that is tested; 0 for pure differential privacy.")
    var delta: Double

    @Option(help: "Chance to claim too much.")
    var significance = 0.05

    @OptionGroup var options: ConsoleOptions

    func validate() throws {
        do {
            _ = try audit()
        } catch let error as AuditError {
            throw ValidationError(error.description)
        }
    }

    private func audit() throws -> OneRunAudit {
        try OneRunAudit(
            canaries: canaries,
            guesses: guesses,
            correct: correct,
            delta: delta,
            significance: significance
        )
    }

    private struct Result: Encodable {
        var epsilon: Double
        var gaussianEpsilon: Double?
        var gaussianMu: Double
        var pValueAtZero: Double
        var canaries: Int
        var guesses: Int
        var correct: Int
        var delta: Double
        var significance: Double
    }

    func run() throws {
        let audit = try audit()
        let bound = OneRunBound(audit)
        let gaussian = GaussianOneRunBound(audit)
        let result = Result(
            epsilon: bound.epsilon,
            // A Gaussian curve gives no finite ε at δ = 0.
            gaussianEpsilon: delta > 0 ? gaussian.epsilon : nil,
            gaussianMu: gaussian.mu,
            pValueAtZero: bound.pValue(epsilon: 0),
            canaries: canaries,
            guesses: guesses,
            correct: correct,
            delta: delta,
            significance: significance
        )
        try options.console.result(text(result), json: result)
    }

    private func text(_ result: Result) -> String {
        let confidence = Self.figure(100 * (1 - result.significance), 4) + " % confidence"
        let second =
            result.gaussianEpsilon.map { "at least \(Self.figure($0, 4))" }
            ?? "μ at least \(Self.figure(result.gaussianMu, 4))"
        return """
            ε at least \(Self.figure(result.epsilon, 4)) at δ \(result.delta), \(confidence), for any mechanism
            \(second), assuming a Gaussian trade-off curve
            """
    }

    /// Rounded down: a lower bound must not look larger than it is.
    private static func figure(_ value: Double, _ digits: Int) -> String {
        let scale = (0..<digits).reduce(1.0) { product, _ in product * 10 }
        return "\((value * scale).rounded(.down) / scale)"
    }
}
