import ArgumentParser
import AtomicFiles
import Checkpoints
import Cryptography
import Emulators
import Foundation
import LanguageModels
import Sealing

/// `fsot seal`: an emulator directory goes to named recipients.
struct Seal: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Seal an emulator directory to named data holders.",
        discussion: """
            Only what an emulator needs may be in the directory: files and tensors are checked against an allow-list. \
            The release is recorded in the owner's ledger with what it gives away, which the ledger knows when fsot \
            compress made the directory; else give --model. OUTPUT.owner/ stays with the owner.

            Example:
              fsot seal emulator --to alice.card bob.card --sign owner.identity -o emulator.fsot
            """
    )

    @Argument(help: "An emulator directory that fsot compress wrote.")
    var directory: String

    @Option(name: .customLong("to"), parsing: .upToNextOption, help: "Cards of the data holders who may open it.")
    var recipients: [String]

    @Option(help: "The owner's identity, which signs.")
    var sign: String

    @OptionGroup var passphrase: PassphraseOptions

    @Option(help: "The full model, for an emulator that the ledger does not know.")
    var model: String?

    @Option(help: "The licence's name, for the sealed manifest; its text is the directory's LICENSE.")
    var licence = "proprietary"

    @OptionGroup var location: LedgerOptions

    @Option(name: .shortAndLong, help: "A new .fsot file.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    func validate() throws {
        if !output.hasSuffix(".fsot") { throw ValidationError("a sealed emulator is a file: use -o NAME.fsot") }
    }

    func run() throws {
        let console = options.console
        for path in [output, output + ".owner"] where FileManager.default.fileExists(atPath: path) {
            throw AtomicFileError.alreadyExists(path: path)
        }
        let files = CheckpointDirectory(path: directory)
        try EmulatorContents.check(files)
        let metadata = try EmulatorMetadata.read(files)
        let architecture = try ModelConfiguration(json: try Checkpoint.open(files).configuration).architecture
        var entry = try entry(for: metadata, console: console)
        let sealing = ReleaseSealing(
            recipients: try recipients.map { try IdentityCard(path: $0) },
            owner: try IdentityFile.load(sign, passphrase: passphrase),
            licence: licence
        )
        let staged = try StagedDirectory(destination: output + ".owner", permissions: 0o700)
        let manifest = try sealing.seal(
            directory,
            to: output,
            releaseID: metadata.releaseID,
            architecture: architecture.rawValue,
            baseModel: entry.baseModelDigests,
            ownerDirectory: staged.path,
            display: console.progress()
        )
        // What compress noted of the release is what report and re-alignment start from.
        let noted = directory + ".owner/" + OwnerReport.fileName
        if FileManager.default.fileExists(atPath: noted) {
            try FileManager.default.copyItem(atPath: noted, toPath: staged.path + "/" + OwnerReport.fileName)
        }
        try staged.commit()
        entry.add(manifest)
        try location.record(entry, written: [output, output + ".owner"])
        try console.result(
            """
            sealed            \(output)  (release \(metadata.releaseID.prefix(8))…)
            to                \(manifest.to.map(\.name).joined(separator: ", "))
            owner keeps       \(output).owner
            ledger            \(location.file.path)
            """,
            json: manifest
        )
    }

    /// What the ledger knows of this release; without that, only what `emulator.json` and the full model say.
    private func entry(for metadata: EmulatorMetadata, console: Console) throws -> LedgerEntry {
        let known = try location.file.entries().last { $0.releaseID == metadata.releaseID }
        let base = try model.map { try BaseModelFiles.digests(of: Checkpoint.open($0)).map(\.hexadecimal) }
        if let known {
            if let base, base != known.baseModel {
                throw CommandFailure(
                    "\(model ?? "") is not the model that \(directory) was made from; leave --model out, or give that one."
                )
            }
            return LedgerEntry(
                releaseID: known.releaseID,
                output: output,
                model: known.model,
                baseModel: known.baseModel,
                fullLayers: known.fullLayers,
                fullParameters: known.fullParameters,
                bottom: known.bottom,
                top: known.top,
                sourceLayers: known.sourceLayers,
                verbatim: known.verbatim,
                recipe: known.recipe,
                figures: known.figures,
                riskAccepted: known.riskAccepted
            )
        }
        guard let base, let model else {
            throw CommandFailure(
                "The ledger \(location.file.path) does not know release \(metadata.releaseID) of \(directory); give --model "
                    + "FULL_MODEL, which it was made from, or the --ledger that it was recorded in."
            )
        }
        console.warn("what \(directory) gives away is not known: fsot compress did not record it in this ledger")
        return LedgerEntry(
            releaseID: metadata.releaseID,
            output: output,
            model: model,
            baseModel: base,
            fullLayers: metadata.fullLayers,
            fullParameters: nil,
            bottom: metadata.bottom,
            top: metadata.top,
            sourceLayers: nil,
            verbatim: []
        )
    }
}
