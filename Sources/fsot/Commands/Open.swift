import ArgumentParser
import AtomicFiles
import Checkpoints
import Emulators
import Foundation
import Sealing

/// `fsot open`: from a sealed file to an emulator directory.
struct Open: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Verify and decrypt a sealed emulator into a directory.",
        discussion: """
            The directory appears once the signature, the recipients, every digest and every tensor were verified, or \
            not at all. Without --from or --ca the signer's fingerprint is remembered in FSOT_HOME/known-owners \
            (~/.config/fsot) at first; another signer under the same name later is an error. fsot tune opens a sealed \
            emulator itself and keeps the plaintext in memory.

            Example:
              fsot open emulator.fsot --identity alice.identity --from owner.card -o emulator
            """
    )

    @Argument(help: "A sealed emulator, NAME.fsot.")
    var sealed: String

    @OptionGroup var opening: OpeningOptions

    @Option(name: .shortAndLong, help: "A new directory.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    private struct Result: Encodable {
        var output: String
        var name: String
        var owner: String
        var certificateSHA256: String
        var releaseID: String
        var licence: String
        var files: [String]
    }

    func run() throws {
        let console = options.console
        guard FileManager.default.fileExists(atPath: sealed) else {
            throw CommandFailure("There is no sealed emulator \(sealed); check the path.")
        }
        let display = console.progress()
        let opened = try SealedEmulator.open(
            sealed,
            into: output,
            identity: opening.loadIdentity(for: sealed),
            trust: opening.trust(),
            approve: { try opening.approve($0, of: sealed) },
            inspect: { try EmulatorContents.check(CheckpointDirectory(path: $0)) },
            onProgress: display.handler
        )
        display.finish()
        try opening.pin(opened.signer, of: sealed, console: console)
        let manifest = opened.manifest
        try console.result(
            """
            emulator          \(output)  (release \(manifest.releaseID.prefix(8))…)
            from              \(opened.signer.name), fingerprint \(opened.signer.fingerprint)
            to                \(manifest.to.map(\.name).joined(separator: ", "))
            licence           \(manifest.licence.name)
            """,
            json: Result(
                output: output,
                name: manifest.name,
                owner: opened.signer.name,
                certificateSHA256: opened.signer.fingerprint,
                releaseID: manifest.releaseID,
                licence: manifest.licence.name,
                files: manifest.files.map(\.name)
            )
        )
    }
}
