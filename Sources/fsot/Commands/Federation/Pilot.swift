import ArgumentParser
import AtomicFiles
import Checkpoints
import Cryptography
import Emulators
import Federation
import Foundation
import LanguageModels
import Sealing
import TensorEngine
import Training

/// `fsot pilot`: a whole federation on one machine, with the real protocol over real TLS.
struct Pilot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Play a whole federation on this machine: keys, invitation, coordinator and data holders over TLS.",
        discussion: """
            Every party is a process of its own with its own keys and home directory; they share nothing but files that \
            would be sent, and the network. Without an emulator a small model of random numbers is made, so that the \
            command works anywhere in a minute. At the end the same run is done in memory, and both adapters are compared.

            Examples:
              fsot pilot -n 5
              fsot pilot -n 3 emulator --data north.jsonl lake.jsonl hill.jsonl --rounds 2 -o pilot
            """
    )

    @Argument(help: "An emulator directory. (default: a practice model)")
    var emulator: String?

    @Option(name: [.customShort("n"), .long], help: "Data holders.")
    var participants = 5

    @Option(parsing: .upToNextOption, help: "Records: a file for each data holder, or one that is dealt out.")
    var data: [String] = []

    @OptionGroup(title: "Training") var training: TrainingOptions

    @Option(help: ComputeChoice.help)
    var compute: ComputeChoice = .auto

    @Flag(help: "Do not do the run in memory as well.")
    var noComparison = false

    @Option(name: .shortAndLong, help: "A new directory. (default: a temporary one, removed at the end)")
    var output: String?

    @OptionGroup var options: ConsoleOptions

    func validate() throws {
        if !(3...128).contains(participants) {
            throw ValidationError("-n \(participants): secure aggregation needs 3 to 128 data holders")
        }
        if data.count > 1, data.count != participants {
            throw ValidationError(
                "\(data.count) files of records for \(participants) data holders; give one each, or one to deal out"
            )
        }
        if emulator != nil, data.isEmpty { throw ValidationError("give --data with an emulator of your own") }
        if training.weights == .records { throw ValidationError("the pilot's mean is uniform; leave out --weights") }
        if training.privacy.isOn {
            throw ValidationError("noise would make the two runs differ; leave out --dp-noise and --client-dp-noise")
        }
    }

    func run() async throws {
        if let output, FileManager.default.fileExists(atPath: output) {
            throw AtomicFileError.alreadyExists(path: output)
        }
        let path = output ?? NSTemporaryDirectory() + "fsot-pilot-" + UUID().uuidString
        defer { if output == nil { try? FileManager.default.removeItem(atPath: path) } }
        try await PilotFederation(self, path: path).run()
    }
}
