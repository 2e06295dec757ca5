import ArgumentParser
import DifferentialPrivacy
import Foundation

extension Accountant: ExpressibleByArgument {}

/// `fsot dp`: what noise buys, before anything is trained.
struct DifferentialPrivacyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dp",
        abstract: "The ε of differential privacy that noise buys, or the noise for an ε.",
        discussion: """
            Participants' clipped updates are summed, normal noise is added, and that is done every round. The answer is an \
            upper bound on what anybody can learn about one participant, whatever they know besides.

            Say how participants are really chosen. poisson: each by its own coin of chance --rate. fixed: a cohort of \
            --cohort out of --population. full: all, every round. Shuffled or cyclic participation is none of these: count \
            it as full, with the rounds in which one participant takes part.

            --noise is the standard deviation divided by the sensitivity of the sum: by the clipping norm C for poisson and \
            full (one participant more or less), by 2C for fixed (one exchanged for another).

            --delta is the chance to be outside the promise: well below one over the number of participants, such as 1e-5 \
            for thousands; give --population, and a δ that is too large is named.

            Examples:
              fsot dp --rate 0.01 --noise 1 --rounds 1000 --delta 1e-5
              fsot dp --rate 0.01 --epsilon 3 --rounds 1000 --delta 1e-5
              fsot dp --sampler fixed --population 32 --cohort 8 --noise 2 --rounds 30 --delta 1e-3
              fsot dp --rate 1 --noise 10 --rounds 50 --delta 1e-6 --accountant rdp --json
            """
    )

    /// How participants are chosen, by its name on the command line.
    enum SamplerName: String, ExpressibleByArgument, CaseIterable {
        case poisson
        case fixed
        case full
    }

    @Option(help: "Chance of a participant to be in a round, above 0 and at most 1.")
    var rate: Double?

    @Option(help: "Standard deviation of the noise / sensitivity.")
    var noise: Double?

    @Option(help: "The ε to find the noise for, instead of --noise.")
    var epsilon: Double?

    @Option(help: "How often the same population is asked.")
    var rounds: Int

    @Option(help: "δ: above 0, and below one over the number of participants.")
    var delta: Double

    @Option(help: "poisson, fixed or full. (default: poisson; full at --rate 1)")
    var sampler: SamplerName?

    @Option(help: "Participants in all; with --sampler fixed, and to check --delta.")
    var population: Int?

    @Option(help: "Participants of a round, with --sampler fixed.")
    var cohort: Int?

    @Option(help: "pld is tight; rdp is looser, and the only one for fixed. (default: pld; rdp for fixed)")
    var accountant: Accountant?

    @OptionGroup var options: ConsoleOptions

    func validate() throws {
        guard (noise == nil) != (epsilon == nil) else {
            throw ValidationError("Give --noise for its ε, or --epsilon for the noise: one of the two")
        }
        if let epsilon, !(epsilon > 0 && epsilon < .infinity) {
            throw ValidationError("--epsilon \(epsilon) must be finite and above 0")
        }
        if let population, population < 1 { throw ValidationError("--population \(population) must be at least 1") }
        let sampler = try chosenSampler()
        // What the library refuses is a contradiction between flags: a wrong use, not a failure.
        do {
            let mechanism = try SampledGaussianMechanism(
                sampler: sampler,
                noiseMultiplier: noise ?? 1,
                rounds: rounds
            )
            try chosenAccountant(sampler).check(mechanism.sampler, mechanism.neighbouring)
            try Accountant.check(delta: delta)
        } catch {
            throw ValidationError(error.description)
        }
    }

    private func chosenSampler() throws -> Sampler {
        let name = sampler ?? (rate == 1 ? .full : .poisson)
        if cohort != nil, name != .fixed { throw ValidationError("--cohort goes with --sampler fixed") }
        switch name {
        case .poisson:
            guard let rate else { throw ValidationError("--sampler poisson needs --rate") }
            return .poisson(rate: rate)
        case .full:
            guard rate ?? 1 == 1 else {
                throw ValidationError(
                    "--sampler full means --rate 1, not \(rate ?? 1); give the rate to poisson or fixed"
                )
            }
            return .fullParticipation
        case .fixed:
            guard let population else {
                throw ValidationError("--sampler fixed needs --population and --cohort")
            }
            guard let rate else {
                guard let cohort else { throw ValidationError("--sampler fixed needs --cohort, or --rate") }
                return .fixedSize(cohort: cohort, population: population)
            }
            guard rate > 0, rate <= 1 else { throw ValidationError("--rate \(rate) must be above 0 and at most 1") }
            let exact = rate * Double(population)
            let size = cohort ?? Int(exact.rounded())
            guard abs(exact - Double(size)) < 1e-6 * max(1, exact) else {
                throw ValidationError(
                    "--rate \(rate) of --population \(population) is \(exact), no cohort of \(size); give --cohort alone"
                )
            }
            return .fixedSize(cohort: size, population: population)
        }
    }

    private func chosenAccountant(_ sampler: Sampler) -> Accountant { accountant ?? .tightest(for: sampler) }

    func run() throws {
        let sampler = try chosenSampler()
        let accountant = chosenAccountant(sampler)
        let multiplier =
            try noise
            ?? accountant.noiseMultiplier(epsilon: epsilon ?? 0, delta: delta, sampler: sampler, rounds: rounds)
        let mechanism = try SampledGaussianMechanism(sampler: sampler, noiseMultiplier: multiplier, rounds: rounds)
        var result = try PrivacyGuarantee(of: mechanism, delta: delta, accountant: accountant)
        result.population = population
        if let population, delta * Double(population) >= 1 {
            options.console.warn(
                "--delta \(delta) is not below one over the \(population) participants: revealing one of them whole "
                    + "would keep such a promise; take a smaller δ."
            )
        }
        try options.console.result(text(result, mechanism), json: result)
    }

    private func text(_ result: PrivacyGuarantee, _ mechanism: SampledGaussianMechanism) -> String {
        let unit = mechanism.neighbouring.sensitivity == 1 ? "C" : "2C"
        var participation = result.sampler
        if case .fixedSize(let cohort, let population) = mechanism.sampler {
            participation += ": \(cohort) of \(population) a round"
        } else if result.rate < 1 {
            participation += ": each with chance \(result.rate) a round"
        }
        let lines = [
            ("ε", PrivacyStatement.figure(result.epsilon)),
            ("δ", "\(result.delta)"),
            ("noise", "\(PrivacyStatement.figure(result.noise)) × \(unit), where C is the clipping norm"),
            ("rounds", "\(result.rounds)"),
            ("sampler", participation),
            ("accountant", result.accountant),
            ("protects", "one participant, \(result.neighbouring)"),
        ]
        return lines.map { $0.0.padding(toLength: 12, withPad: " ", startingAt: 0) + $0.1 }.joined(separator: "\n")
    }
}
