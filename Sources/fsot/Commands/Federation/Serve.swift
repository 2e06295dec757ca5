import ArgumentParser
import AtomicFiles
import DifferentialPrivacy
import Federation
import Foundation
import LanguageModels
import Logging
import Sealing
import SecureAggregation
import Training

/// `fsot serve`: the coordinator of a federation.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Coordinate a federation: hand out the sealed emulator, run the rounds, learn only sums.",
        discussion: """
            Listens with TLS 1.3 on one port and lets in who has a certificate of the roster; data holders only ever call. \
            A coordinator that was stopped or killed goes on in the same leg of the same round with the same command and \
            --resume. It opens the emulator with its own identity, to which it must be sealed too.

            Example:
              fsot serve --roster consortium.invite --identity hub.identity --emulator emulator.fsot \
            --status 127.0.0.1:9090 -o run
            """
    )

    @Option(help: "The consortium's invitation.")
    var roster: String

    @Option(help: "The coordinator's identity.")
    var identity: String

    @OptionGroup var passphrase: PassphraseOptions

    @Option(help: "The sealed emulator of the invitation.")
    var emulator: String

    @Option(help: "Fewest updates in a sum. (default: the threshold, at least 3)")
    var minimumCohort: Int?

    @Option(help: "Where to listen. (default: 0.0.0.0 and the port of the invitation's address)")
    var listen: String?

    @Option(help: ArgumentHelp("Shows a page, /metrics and /healthz there, without TLS.", valueName: "127.0.0.1:PORT"))
    var status: String?

    @Option(help: "Seconds to wait for members that are not there when a round begins.")
    var wait = 600.0

    @Option(help: "Seconds that each leg without training may take.")
    var legTimeout = 60.0

    @Option(help: "Seconds that training may take in a round.")
    var trainingTimeout = 7200.0

    @Option(help: "Seconds without a sign of life after which a member counts as dropped.")
    var silence = NetworkTransport.defaultSilenceSeconds

    @Option(help: "How often a round that too few finish is begun.")
    var attempts = 1

    @OptionGroup(title: "Owner's check") var owner: OwnerCheckOptions

    @Option(help: ComputeChoice.help)
    var compute: ComputeChoice = .auto

    @Flag(help: "Keep the adapter after every round.")
    var keepRounds = false

    @Flag(help: "Go on with the run in --output.")
    var resume = false

    @Option(name: .shortAndLong, help: "A new directory, or the run to go on with.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    func validate() throws {
        for (name, value) in [
            ("--wait", wait), ("--leg-timeout", legTimeout), ("--training-timeout", trainingTimeout),
            ("--silence", silence),
        ] where !(value > 0 && value <= 1e7) { throw ValidationError("\(name) \(value) is not a positive number") }
        if attempts < 1 { throw ValidationError("--attempts \(attempts) is not positive") }
        if let minimumCohort, minimumCohort < 3 {
            throw ValidationError(
                "--minimum-cohort \(minimumCohort): a sum of fewer than 3 updates gives single ones away"
            )
        }
        for text in [listen, status].compactMap({ $0 }) where ListeningAddress(text) == nil {
            throw ValidationError("\(text) is not HOST:PORT")
        }
    }

    func run() async throws {
        let console = options.console
        let signed = try SignedInvitation(path: roster)
        let content = signed.content
        let identity = try IdentityFile.load(identity, passphrase: passphrase)
        guard try content.coordinatorCard().fingerprint == identity.card.fingerprint else {
            throw CommandFailure("\(identity.name) is not the coordinator that \(roster) names; give its identity.")
        }
        guard try FileDigest.hexadecimal(of: emulator) == content.emulator.sha256 else {
            throw CommandFailure("\(emulator) is not the emulator that \(roster) names; give that one.")
        }
        let survivors = try survivors(content, console: console)
        if let address = status.flatMap({ ListeningAddress($0) }), !address.isLoopback {
            console.warn("everybody who reaches \(address.host) reads the status page: it has no TLS and no password")
        }
        let source = try EmulatorSource(
            sealed: emulator,
            identity: identity,
            owner: content.ownerCard(),
            console: console
        )
        var siteConfiguration = content.training.site
        siteConfiguration.precision = try compute.precision()
        let site = try TrainingSite(
            loading: { try LanguageModel.load(emulator: source) },
            metadata: source.metadata,
            configuration: siteConfiguration,
            examples: [:]
        )
        var rounds = content.training.federation
        rounds.judgeEvery = owner.judgeEvery
        let description = try description(content, source, siteConfiguration, rounds, parameters: site.schema.count)
        var store =
            try resume
            ? RunDirectory.resume(description, schema: site.schema, at: output)
            : RunDirectory.create(description, schema: site.schema, at: output)
        store.keepsRounds = keepRounds
        let display = console.progress()
        let judge = try owner.judge(
            of: source,
            siteConfiguration,
            template: content.training.template,
            maximumLength: content.training.maximumLength,
            site: site,
            progress: display.handler
        )
        let isQuiet = console.isQuiet
        let names = try content.memberCards().map(\.name)
        try await CoordinatedTuning(
            invitation: signed,
            identity: identity,
            names: names,
            emulatorPath: emulator,
            emulatorDigest: source.digest,
            site: site,
            store: store,
            description: description,
            judge: judge,
            minimumSurvivors: survivors,
            command: self,
            console: console,
            display: display,
            logger: Logger(label: "fsot.serve") { _ in StandardErrorLog(isQuiet: isQuiet) }
        ).run()
    }

    /// The fewest updates in a sum, with what there is to warn of.
    private func survivors(_ content: Invitation, console: Console) throws -> Int {
        let members = content.members.count
        let cohort = min(members, content.training.federation.participantsPerRound ?? members)
        let threshold = content.policy.threshold(of: cohort)
        let survivors = max(3, threshold, minimumCohort ?? 0, content.policy.minimumCohort)
        guard survivors <= cohort else {
            throw CommandFailure(
                "A sum of \(survivors) updates needs more than the \(cohort) members of a round; lower --minimum-cohort or add members."
            )
        }
        if survivors == cohort {
            console.warn(
                "\(cohort == 3 ? "three participants tolerate" : "\(cohort) participants with a minimum of \(survivors) tolerate") no dropout: a round that one of them leaves is void"
            )
        }
        if survivors < 5 {
            console.warn(
                "a sum may hold as few as \(survivors) updates, which says much about each; the audit will say so"
            )
        }
        return survivors
    }

    private func description(
        _ content: Invitation,
        _ source: EmulatorSource,
        _ site: SiteConfiguration,
        _ rounds: FederationConfiguration,
        parameters: Int
    ) throws -> RunDescription {
        RunDescription(
            version: Fsot.configuration.version,
            emulator: source.path,
            emulatorDigest: source.hexadecimalDigest,
            emulatorBytes: source.shippedBytes,
            metadata: source.metadata,
            plans: [],
            holders: try content.memberCards().map {
                // Their records are theirs: neither file nor count is known here.
                RunDescription.Holder(name: $0.name, file: "", digest: "", records: 0)
            },
            template: content.training.template,
            maximumLength: content.training.maximumLength,
            site: site,
            federation: rounds,
            isMasked: true,
            clip: content.training.clip,
            quantisation: content.training.quantisation,
            judgeModel: owner.model,
            probeDigest: try owner.probe.map { try FileDigest.hexadecimal(of: $0) },
            margin: owner.model == nil ? nil : owner.margin,
            adapterParameters: parameters,
            clientPrivacy: try rounds.privacy?.guarantee(
                population: content.members.count,
                perRound: rounds.participantsPerRound,
                rounds: rounds.rounds
            ),
            isNoiseSeeded: rounds.privacy == nil ? nil : false
        )
    }
}

/// `HOST:PORT` of a listener.
struct ListeningAddress {
    let host: String
    let port: Int

    /// Whether only this machine reaches it.
    var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

    /// Nil for anything else; port 0 takes a free one.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port), colon > text.startIndex
        else { return nil }
        host = text[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        self.port = port
    }
}
