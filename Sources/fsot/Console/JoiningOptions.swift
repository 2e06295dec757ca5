import ArgumentParser
import Federation
import Foundation

/// How `fsot tune` takes part in a federation instead of simulating one.
struct JoiningOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Takes part in the federation that is coordinated there, as one data holder with --identity; rounds and training are the invitation's.",
            valueName: "https://HOST:PORT"
        )
    )
    var join: String?

    @Option(help: ArgumentHelp("The consortium's invitation, accepted with fsot join.", valueName: "invite"))
    var roster: String?

    @Option(
        help:
            "What this data holder demands, in YAML: minimum_cohort, threshold, clip, noise, maximum_rounds, weights. (default: policy.yaml beside the identity, else what the invitation says)"
    )
    var policy: String?

    @Flag(
        help:
            "Begin in the middle of a run whose earlier rounds this data holder did not see, although their adapter cannot be checked."
    )
    var acceptUnchecked = false

    @Option(help: "Seconds without any contact after which this data holder gives up.")
    var patience = 900.0

    /// Refuses flags that belong to the other way of tuning.
    func validate(_ command: Tune) throws {
        if (join == nil) != (roster == nil) { throw ValidationError("--join and --roster go together") }
        if join == nil {
            if policy != nil { throw ValidationError("--policy is for --join") }
            return
        }
        if command.opening.identity == nil {
            throw ValidationError("--join needs --identity NAME.identity, whose card is in the roster")
        }
        if command.data.count + command.plan.count != 1 {
            throw ValidationError("--join is one data holder: give one --data file or one --plan")
        }
        if !(patience > 0 && patience <= 1e7) { throw ValidationError("--patience \(patience) is not positive") }
        let foreign: [(String, Bool)] = [
            ("--observe", !command.observe.isEmpty), ("--no-masking", command.noMasking),
            ("--one-shot-canaries", command.canaryClients.isOn),
            ("--model", command.owner.model != nil), ("--realign-every", command.realigning.realignEvery != nil),
            ("--resume", command.resume), ("--from", command.opening.from != nil), ("--ca", command.opening.ca != nil),
        ]
        for (flag, isGiven) in foreign where isGiven {
            throw ValidationError("\(flag) does not go with --join; it is for a simulation, or the coordinator's")
        }
        if try command.training.differsFromDefaults() {
            throw ValidationError(
                "with --join, rounds and training are those of the invitation; leave out --method, --rounds, --lr and the like (--dp-noise, --dp-clip, --dp-delta and --dp-rate are yours to choose)"
            )
        }
    }
}

extension TrainingOptions {
    /// Whether anything was asked for but privacy of this holder's own records.
    func differsFromDefaults() throws -> Bool {
        let defaults = try TrainingOptions.parse([])
        return method != defaults.method || rank != defaults.rank || alpha != defaults.alpha
            || targets != defaults.targets
            || template != defaults.template || weights != defaults.weights || rounds != defaults.rounds
            || localSteps != defaults.localSteps || sample != nil || batch != defaults.batch
            || maxLength != defaults.maxLength || learningRate != defaults.learningRate || clip != nil
            || optimizer != defaults.optimizer || bits != defaults.bits || rotate || givenSeed != nil
            || privacy.clientDpNoise != nil
    }
}
